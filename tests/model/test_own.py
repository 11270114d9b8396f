"""The user's own models: names, listing, damage, removal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from napari_sam2.errors import CheckpointError
from napari_sam2.model.hub import CARDS, all_cards, find_weights, is_downloaded, model_card
from napari_sam2.model.load import load_model
from napari_sam2.model.own import (
    LINEAGE_KEY,
    own_model,
    own_models,
    own_models_folder,
    path_for,
    remove_own_model,
)
from napari_sam2.model.weights import save_weights

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAPARI_SAM2_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def mine() -> Path:
    lineage = {"network": "nano", "parent": "nano", "date": "2026-11-21T12:00:00"}
    lineage |= {"before": {"one_click": 0.5}, "after": {"one_click": 0.75}}
    net = load_model("nano", device="cpu")
    return save_weights(net, path_for("mine"), metadata={LINEAGE_KEY: json.dumps(lineage)})


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "a/b", "a\\b", "A", "nano", "sam2.1_hiera_tiny", "sam2_x", "con", "nul.x",
     "a..b", ".a", "a.", "-a", "x" * 65, "ä", "auto", "a b", "a\n"],
)  # fmt: skip
def test_names_that_could_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be called"):
        path_for(name)
    if name not in CARDS:
        assert own_model(name) is None


@pytest.mark.parametrize("name", ["a", "my-nuclei", "cells_2.1", "7"])
def test_plain_names_become_files(name: str) -> None:
    assert path_for(name) == own_models_folder() / f"{name}.safetensors"


def test_own_model_is_listed_and_loaded_beside_the_others(mine: Path) -> None:
    assert list(all_cards()) == [*CARDS, "mine"]
    card = model_card("mine")
    assert (card.network, card.is_bundled, card.licence) == ("nano", False, "BSD-3-Clause")
    assert card.note.endswith("held-out objects 0.50, now 0.75.")
    assert find_weights("mine") == mine
    assert is_downloaded("mine")
    assert load_model("mine", device="cpu").name == "mine"
    with pytest.raises(CheckpointError, match="did you mean 'mine'"):
        model_card("mine2")


@pytest.mark.parametrize("what", ["empty", "text", "cut", "lineage"])
def test_damaged_file_is_listed_with_its_damage_and_not_loaded(mine: Path, what: str) -> None:
    content = mine.read_bytes()
    broken = {
        "empty": b"",
        "text": b"these are no weights at all",
        "cut": content[:-1000],
        "lineage": content.replace(b'\\"network\\"', b'\\"network!!', 1),
    }[what]
    assert broken != content
    (own_models_folder() / "broken.safetensors").write_bytes(broken)
    assert [m.name for m in own_models()] == ["broken", "mine"]
    assert all_cards()["broken"].note.startswith("Damaged: ")
    if what != "lineage":
        with pytest.raises(CheckpointError, match="models --remove broken"):
            load_model("broken", device="cpu")
    assert load_model("mine", device="cpu").name == "mine"


def test_own_models_are_removed_and_others_are_not(mine: Path) -> None:
    with pytest.raises(CheckpointError, match=r"only these can be removed: mine\."):
        remove_own_model("nano")
    assert remove_own_model("mine") == mine
    assert not mine.exists()
    assert find_weights("nano") is not None
    with pytest.raises(CheckpointError, match=r"can be removed: none\."):
        remove_own_model("mine")
