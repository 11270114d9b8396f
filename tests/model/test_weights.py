"""Reading and writing weights files, damaged and hostile ones included."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_sam2.errors import CheckpointError
from napari_sam2.model.config import CONFIGS, ModelConfig
from napari_sam2.model.names import POSITIONS, from_transformers, is_transformers, upstream_name
from napari_sam2.model.network import SAM2
from napari_sam2.model.weights import read_weights, save_weights

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Stand-in weights of the bundled network, by official name."""
    spec = importlib.util.spec_from_file_location("stand_in_weights", REFERENCE / "weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shapes = SAM2(CONFIGS["nano"]).state_dict()
    return {k: torch.from_numpy(module.stand_in(k, tuple(v.shape))) for k, v in shapes.items()}


@pytest.fixture
def net(state: dict[str, torch.Tensor]) -> SAM2:
    net = SAM2(CONFIGS["nano"])
    net.load_state_dict(state)
    net.name = "nano"
    return net


def transformers_config(config: ModelConfig) -> Any:
    """The configuration by which ``transformers`` builds the same network."""
    from transformers import Sam2HieraDetConfig, Sam2VideoConfig, Sam2VisionConfig

    backbone = Sam2HieraDetConfig(
        hidden_size=config.embed_dim,
        num_attention_heads=config.num_heads,
        blocks_per_stage=list(config.stages),
        embed_dim_per_stage=list(config.stage_dims),
        num_attention_heads_per_stage=[config.num_heads * 2**i for i in range(4)],
        global_attention_blocks=list(config.global_attention_blocks),
        window_size_per_stage=list(config.window_spec),
        window_positional_embedding_background_size=list(config.background_size),
    )
    return Sam2VideoConfig(
        vision_config=Sam2VisionConfig(
            backbone_config=backbone, backbone_channel_list=list(config.stage_dims[::-1])
        ),
        enable_temporal_pos_encoding_for_object_pointers=config.temporal_pointers,
        enable_occlusion_spatial_embedding=config.temporal_pointers,
    )


# names


@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "nano"])
def test_the_names_of_transformers_become_those_of_the_official_files(name: str) -> None:
    from transformers import Sam2VideoModel

    official = json.loads((REFERENCE / "checkpoint_keys.json").read_text())[name]
    with torch.device("meta"):
        theirs = Sam2VideoModel(transformers_config(CONFIGS[name])).state_dict()
    assert is_transformers(theirs)
    assert not is_transformers(official)
    renamed = from_transformers(theirs)
    assert {key: list(value.shape) for key, value in renamed.items()} == official


def test_the_point_embeddings_are_split_in_order() -> None:
    rows = np.arange(12.0).reshape(4, 3)
    split = from_transformers({"prompt_encoder.point_embed.weight": rows})
    assert list(split) == [f"sam_prompt_encoder.point_embeddings.{i}.weight" for i in range(4)]
    for i, row in enumerate(split.values()):
        np.testing.assert_array_equal(row, rows[i : i + 1])


@pytest.mark.parametrize("present", [POSITIONS, POSITIONS[:1], POSITIONS[1:]])
def test_the_position_matrix_is_taken_from_either_name(present: tuple[str, ...]) -> None:
    renamed = from_transformers({name: name for name in present})
    expected = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    assert renamed == {expected: present[0]}


def test_unknown_names_are_left_to_the_check() -> None:
    assert upstream_name("something.else") == "something.else"
    assert upstream_name("image_encoder.trunk.pos_embed") == "image_encoder.trunk.pos_embed"


def test_two_different_position_matrices_are_said(tmp_path: Path) -> None:
    path = tmp_path / "two.safetensors"
    tensors = {name: torch.full((2, 4), float(i)) for i, name in enumerate(POSITIONS)}
    save_file(tensors | {"vision_encoder.neck.convs.0.weight": torch.zeros(1)}, path)
    with pytest.warns(UserWarning, match="two different position encodings"):
        tensors = read_weights(path).tensors
    matrix = tensors["sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"]
    assert torch.equal(matrix, torch.zeros(2, 4))


# good files


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pt_file_comes_back(
    tmp_path: Path, state: dict[str, torch.Tensor], wrapped: bool, zipped: bool
) -> None:
    path = tmp_path / "weights.anything"  # the content decides, not the ending
    torch.save(
        {"model": state, "epoch": 3} if wrapped else state,
        path,
        _use_new_zipfile_serialization=zipped,
    )
    weights = read_weights(path)
    assert (weights.name, weights.config) == ("", None)
    assert weights.tensors.keys() == state.keys()
    assert all(torch.equal(weights.tensors[k], state[k]) for k in state)


def test_saved_weights_describe_themselves(tmp_path: Path, net: SAM2) -> None:
    path = save_weights(net, tmp_path / "new" / "w.safetensors", metadata={"licence": "CC0-1.0"})
    weights = read_weights(str(path))
    assert (weights.name, weights.config, weights.path) == ("nano", CONFIGS["nano"], path)
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["licence"] == "CC0-1.0"
    assert {v.dtype for v in weights.tensors.values()} == {torch.float16}
    for key, value in net.state_dict().items():
        assert torch.equal(weights.tensors[key], value.half())


def test_float32_is_kept_exactly(tmp_path: Path, net: SAM2) -> None:
    path = save_weights(net, tmp_path / "w.safetensors", dtype=torch.float32)
    for key, value in read_weights(path).tensors.items():
        assert torch.equal(value, net.state_dict()[key])


def test_a_name_may_be_given_for_fine_tuned_weights(tmp_path: Path, net: SAM2) -> None:
    path = save_weights(net, tmp_path / "w.safetensors", metadata={"name": "my nuclei"})
    assert read_weights(path).name == "my nuclei"


def test_saving_replaces_in_one_step_or_not_at_all(
    tmp_path: Path, net: SAM2, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_weights(net, tmp_path / "w.safetensors")
    good = path.read_bytes()

    def crash(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        save_weights(net, path)
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_saved_weights_have_the_usual_permissions(tmp_path: Path, net: SAM2) -> None:
    (tmp_path / "usual").touch()
    path = save_weights(net, tmp_path / "w.safetensors")
    usual = stat.S_IMODE((tmp_path / "usual").stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == usual


@pytest.mark.parametrize("value", [float("nan"), 1e6])
def test_what_float16_cannot_hold_is_not_saved(tmp_path: Path, net: SAM2, value: float) -> None:
    with torch.no_grad():
        net.no_obj_ptr[0, 0] = value
    with pytest.raises(CheckpointError, match=r"no_obj_ptr.*too large for torch.float16"):
        save_weights(net, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())


# bad files


class Bomb:
    """Opens a file for writing when it is unpickled without care."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.target), "w")


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle-2", "pickle-4", "beside weights"])
def test_a_pickle_with_code_is_refused_and_not_run(
    tmp_path: Path, state: dict[str, torch.Tensor], kind: str
) -> None:
    path, target = tmp_path / "bomb.pt", tmp_path / "executed"
    content = {"model": Bomb(target)}
    if kind.startswith("pickle"):
        path.write_bytes(pickle.dumps(content, protocol=int(kind[-1])))
    elif kind == "beside weights":
        torch.save({"model": state, "epoch": Bomb(target)}, path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(CheckpointError, match=r"code or objects .*nothing of it") as caught:
        read_weights(path)
    assert "io.open" in str(caught.value) or kind == "pickle-4"  # not even read that far
    assert "weights_only" not in str(caught.value)  # torch's advice to read it without care
    assert not target.exists()
    with path.open("rb") as file:  # the bomb is a real one
        if kind.startswith("pickle"):
            pickle.load(file)
            assert target.exists()


def test_a_text_pickle_is_not_even_parsed(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "executed"), protocol=0))
    with pytest.raises(CheckpointError, match="not a weights file"):
        read_weights(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
@pytest.mark.parametrize("kept", [1, 9, 40, 200, 0.3, 0.9, -1])
def test_a_cut_off_file_is_said_to_be(
    tmp_path: Path, state: dict[str, torch.Tensor], kind: str, kept: float
) -> None:
    path = tmp_path / "weights"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save({"model": state}, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    with pytest.raises(CheckpointError, match=r"damaged or cut off|not a weights file|refused"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; fetch it again"),
        (b"hello", r"not a weights file: it begins with b'hello'"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (b"PK\x03\x04" + bytes(100), "damaged or cut off"),
        (b"\x80\x02" + bytes(100), "refused, and nothing of it was run"),
        (b"\xff" * 8 + b'{"a":', "damaged or cut off"),
        ((10).to_bytes(8, "little") + b'{"a": 1}  ', "damaged or cut off"),
    ],
)
def test_what_is_not_weights_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)


def test_a_numpy_archive_is_not_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(CheckpointError, match="damaged or cut off, or not a weights file"):
        read_weights(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": {"epoch": 3}}, r"holds a dict of 1 entries \['epoch'\], not weights"),
        ({"model": {}}, "holds a dict of 0 entries"),
        ([1, 2], "holds a list, not weights"),
        (torch.zeros(3), "holds a Tensor, not weights"),
    ],
)
def test_a_pt_file_without_weights(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "w.pt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=message):
        read_weights(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=re.escape(f"{tmp_path / 'x.pt'} does not exist")):
        read_weights(tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match="is a folder; give the weights file itself"):
        read_weights(tmp_path)


def test_what_others_write_into_a_file_does_not_matter(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state, path, {"config": "{}", "format": "pt"})
    assert read_weights(path).config is None


@pytest.mark.parametrize(
    "config",
    [
        '{"embed_dim": 32}',
        '{"width": 3}',
        "[1]",
        "{",
        '{"embed_dim": "32"}',
        '{"d_model": 1e9}',
        '{"embed_dim": 32, "num_heads": 1, "stages": [9999, 1, 1, 1], "global_attention_blocks": []}',
    ],
)
def test_a_description_of_an_unknown_network(
    tmp_path: Path, state: dict[str, torch.Tensor], config: str
) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state, path, {"name": "new", "napari_sam2_config": config})
    with pytest.raises(CheckpointError, match="describes a network that this version does not"):
        read_weights(path)
