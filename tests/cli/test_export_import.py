"""``export`` and ``import``: from sessions to a set, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import Result

from napari_sam2 import MaskPrompt, Session, Stack, load_model, open_stack
from napari_sam2.dataset import read_dataset
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.model.network import SAM2

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def model() -> SAM2:
    return load_model("nano", device="cpu", precision="float32")


@pytest.fixture
def folder(model: SAM2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three images, a.tif to c.tif, and a session on each, a to c; the working folder."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate("abc"):
        image = np.random.default_rng(seed).integers(0, 999, (5, 32, 40)).astype(np.uint16)
        save_labels(tmp_path / f"{name}.tif", image, "ZYX", {"Z": 1.0, "Y": 0.5, "X": 0.5})
        session = Session(open_stack(tmp_path / f"{name}.tif"), model)
        mask = np.zeros((32, 40), bool)
        mask[5:20, 4 + seed : 24] = True
        session.add_prompt(2, MaskPrompt(3, mask))
        session.rename(2, f"cell {name}")
        session.save(tmp_path / name)
    return tmp_path


def all_three(*more: object) -> list[object]:
    images = ["--images", "a.tif", "--images", "b.tif", "--images", "c.tif"]
    return ["export", "a", "b", "c", *images, "-o", "set", *more]


def test_there_and_back(call: Call, folder: Path, model: SAM2) -> None:
    result = call(*all_three("--licence", "CC0-1.0", "--author", "A lab", "--test", 0.3))
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert "set: set" in result.stdout
    reads = {read.name: read for read in read_dataset("set")}
    assert sorted(read.split for read in reads.values()) == ["test", "train", "validation"]
    assert {read.sheet.credit.author for read in reads.values()} == {"A lab"}

    result = call("import", "set", "-o", "back", "--device", "cpu", "--images", "b.tif")
    assert result.exit_code == 0, result.stderr
    assert "session: back/b" in result.stdout
    assert result.stdout.count("session: ") == 3
    for name in "abc":
        original = Session.load(name, open_stack(f"{name}.tif"), model)
        if name == "b":
            image, frame = "b.tif", 3
        else:
            image, frame = f"set/{reads[name].split}/{name}/image.tif", 0
        session = Session.load(f"back/{name}", open_stack(image), model)
        assert session.object_ids == (2,)
        assert session.name(2) == f"cell {name}"
        assert np.array_equal(session.mask(2, frame), original.mask(2, 3))
        assert session.is_accepted(2, frame)


def test_a_set_is_evaluated_as_it_is(call: Call, folder: Path) -> None:
    assert call(*all_three("--validation", 0)).exit_code == 0
    result = call("evaluate", "set", "--method", "flood", "--most-clicks", 5, "-o", "report")
    assert result.exit_code == 0, result.stderr
    report = json.loads((folder / "report/report.json").read_text())
    assert [one["name"] for one in report["sets"]] == ["train/a", "train/b", "train/c"]
    assert all(len(one["results"][0]["clicks"]["objects"]) == 1 for one in report["sets"])


def test_extending(call: Call, folder: Path) -> None:
    assert call("export", "a", "--images", "a.tif", "-o", "set").exit_code == 0
    assert call("export", "b", "--images", "b.tif", "-o", "set", "--extend").exit_code == 0
    assert {read.name for read in read_dataset("set")} == {"a", "b"}


def test_a_session_of_segment_knows_how_its_image_was_read(
    call: Call, tmp_path: Path, weights: Path
) -> None:
    image = np.random.default_rng(0).integers(0, 99, (3, 5, 2, 32, 32)).astype(np.uint8)
    save_labels(tmp_path / "movie.tif", image, "TZCYX")
    (tmp_path / "prompts.csv").write_text("object_id,frame,y,x\n1,2,16,16\n")
    result = call(
        *("segment", tmp_path / "movie.tif", "--prompts", tmp_path / "prompts.csv"),
        *("--out", tmp_path / "labels.tif", "--checkpoint", weights, "--device", "cpu"),
        *(
            "--propagate-along",
            "Z",
            "--position",
            "T=1",
            "--channels",
            "1,0",
            "--intensity",
            "5,90",
        ),
    )
    assert result.exit_code == 0, result.stderr
    arguments = ["export", tmp_path / "labels.sam2session", "--images", tmp_path / "movie.tif"]
    result = call(*arguments, "-o", tmp_path / "set", "--frames", "all")
    assert result.exit_code == 0, result.stderr
    assert "without a licence" in result.stderr
    (read,) = read_dataset(tmp_path / "set")
    assert read.sheet.position == {"T": 1}
    assert read.sheet.channels == (1, 0)
    assert read.sheet.intensity == ((5.0, 90.0), (5.0, 90.0))
    shown = Stack.from_array(
        image, "TZCYX", propagation_axis="Z", position={"T": 1}, channels=(1, 0)
    )
    assert np.array_equal(read.plane(0), shown.plane(read.frames[0]))

    save_labels(tmp_path / "movie.tif", image + 1, "TZCYX")
    result = call(*arguments, "-o", tmp_path / "other")
    assert result.exit_code == 2
    assert "was made on another image than" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "a", "-o", "set"], "Missing option '--images'"),
        (
            ["export", "a", "b", "c", "--images", "a.tif", "--images", "b.tif", "-o", "set"],
            "'--images': is given 2 times for 3 session(s)",
        ),
        (["export", "a", "--images", "nowhere.tif", "-o", "set"], "nowhere.tif does not exist"),
        (["export", "d", "--images", "a.tif", "-o", "set"], "d is not a saved session"),
        (["export", "a", "--images", "a.tif", "-o", "b"], "b exists and is not a training set"),
        (["export", "a", "--images", "a.tif", "-o", "set", "--frames", "some"], "'--frames'"),
        (
            [
                "export",
                "a",
                "--images",
                "a.tif",
                "-o",
                "set",
                "--validation",
                "0.7",
                "--test",
                "0.3",
            ],
            "leave nothing for training",
        ),
        (["import", "a", "-o", "back"], "a is no training set (it has no dataset.json)"),
    ],
)
def test_mistakes_are_one_line(
    call: Call, folder: Path, arguments: list[str], message: str
) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not (folder / "set").exists()


def test_import_replaces_nothing_and_takes_images_of_the_set_only(call: Call, folder: Path) -> None:
    assert (
        call("export", "a", "b", "--images", "a.tif", "--images", "b.tif", "-o", "set").exit_code
        == 0
    )
    result = call("import", "set", "-o", ".")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: a exists and is not replaced; choose another --out.\n",
    )
    result = call("import", "set", "-o", "back", "--images", "c.tif")
    assert result.exit_code == 2
    assert (
        "--images c.tif is no image of the set, by its name; those of the set are a.tif, b.tif"
        in result.stderr
    )
    assert call("import", "set", "-o", "a.tif").exit_code == 2
    (folder / "set/train/a/labels.tif").unlink(missing_ok=True)
    (folder / "set/validation/a/labels.tif").unlink(missing_ok=True)
    result = call("import", "set", "-o", "back")
    assert "labels.tif does not exist" in result.stderr
    assert not (folder / "back").exists()
