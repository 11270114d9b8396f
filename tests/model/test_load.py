"""The factory: names and files become networks, or a clear error before anything is half made."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save_file

import napari_sam2
from napari_sam2.errors import CheckpointError, DeviceError, DownloadError
from napari_sam2.model import hub, load, machine
from napari_sam2.model.config import CONFIGS, ModelConfig
from napari_sam2.model.load import load_model, parameter_shapes, recognise
from napari_sam2.model.network import SAM2
from napari_sam2.model.weights import save_weights

if TYPE_CHECKING:
    from collections.abc import Callable

State = dict[str, torch.Tensor]

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
TINY = "sam2.1_hiera_tiny"


@pytest.fixture(scope="module")
def make_state() -> Callable[[str], State]:
    """Stand-in weights of a network by its name."""
    spec = importlib.util.spec_from_file_location("stand_in_weights", REFERENCE / "weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def make(name: str) -> State:
        shapes = parameter_shapes(CONFIGS[name])
        return {k: torch.from_numpy(module.stand_in(k, shape)) for k, shape in shapes.items()}

    return make


@pytest.fixture(scope="module")
def state(make_state: Callable[[str], State]) -> State:
    return make_state("nano")


@pytest.fixture(scope="module")
def tiny_pt(make_state: Callable[[str], State], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like the official one of the smallest released network."""
    path = tmp_path_factory.mktemp("official") / f"{TINY}.pt"
    torch.save({"model": make_state(TINY)}, path)
    return path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may connect to anything."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def nano_pt(tmp_path: Path, state: State) -> Path:
    path = tmp_path / "nano.pt"
    torch.save({"model": state}, path)
    return path


# good files


def test_an_official_file_is_loaded_exactly(tiny_pt: Path, make_state: Any) -> None:
    net = load_model(TINY, tiny_pt, device="cpu", precision="float32")
    assert (net.name, net.precision, net.config) == (TINY, "float32", CONFIGS[TINY])
    assert not net.training
    expected = make_state(TINY)
    loaded = net.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], expected[key]) for key in expected)
    for tensor in (*net.parameters(), *net.buffers()):
        assert (tensor.device.type, tensor.dtype) == ("cpu", torch.float32)
        assert not tensor.requires_grad
    assert load_model(checkpoint=str(tiny_pt), device="cpu").name == TINY


def test_the_network_does_not_depend_on_the_file_afterwards(
    tmp_path: Path, nano_pt: Path, state: State
) -> None:
    net = load_model(checkpoint=nano_pt, device="cpu")
    nano_pt.write_bytes(bytes(nano_pt.stat().st_size))
    assert torch.equal(net.no_obj_ptr, state["no_obj_ptr"])


def test_a_loaded_network_computes(nano_pt: Path) -> None:
    net = load_model(checkpoint=nano_pt, device="cpu", precision="float32")
    features = net.encode_image(torch.zeros(1, 3, 64, 64)).features
    assert features.shape == (1, 128, 4, 4)
    assert features.isfinite().all()
    assert not features.requires_grad


def test_a_saved_network_comes_back(tmp_path: Path, state: State) -> None:
    net = SAM2(CONFIGS["nano"])
    net.load_state_dict(state)
    net.name = "my nuclei"
    path = save_weights(net, tmp_path / "mine.safetensors")
    again = load_model(checkpoint=path, device="cpu")
    assert (again.name, again.config) == ("my nuclei", CONFIGS["nano"])
    for key, value in again.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, state[key].half().float())
    assert load_model("nano", path, device="cpu").name == "my nuclei"


def test_a_file_may_describe_a_network_of_its_own(tmp_path: Path) -> None:
    own = ModelConfig(16, 1, (1, 1, 2, 1), (3,), d_model=64, memory_dim=16, feedforward_dim=64)
    net = SAM2(own)
    net.name = "own"
    path = save_weights(net, tmp_path / "own.safetensors")
    assert load_model(checkpoint=path, device="cpu").config == own
    with pytest.raises(CheckpointError, match="holds own, not nano; leave the name out"):
        load_model("nano", path, device="cpu")


def test_sizes_that_contradict_each_other(tmp_path: Path, state: State) -> None:
    path = tmp_path / "w.safetensors"
    sizes = '{"embed_dim": 32, "num_heads": 1, "stages": [1], "global_attention_blocks": [], "background_size": 5}'
    save_file(state, path, {"napari_sam2_config": sizes})
    with pytest.raises(CheckpointError, match="describes a network that cannot be built"):
        load_model(checkpoint=path, device="cpu")


def test_weights_of_transformers_are_loaded_exactly(tmp_path: Path) -> None:
    from transformers import Sam2VideoConfig, Sam2VideoModel

    theirs = Sam2VideoModel(Sam2VideoConfig())  # the size of tiny
    theirs.shared_image_embedding.positional_embedding.copy_(
        theirs.prompt_encoder.shared_embedding.positional_embedding
    )
    theirs.save_pretrained(tmp_path)
    net = load_model(checkpoint=tmp_path / "model.safetensors", device="cpu")
    assert net.name == TINY
    blocks, mlps = "blocks.1.mlp", "output_hypernetworks_mlps.2.layers"
    pairs = {
        f"image_encoder.trunk.{blocks}.layers.1.weight": f"vision_encoder.backbone.{blocks}.proj_out.weight",
        f"sam_mask_decoder.{mlps}.1.bias": f"mask_decoder.{mlps}.0.bias",
        "memory_encoder.fuser.layers.1.gamma": "memory_encoder.memory_fuser.layers.1.scale",
        "memory_attention.layers.3.norm2.weight": "memory_attention.layers.3.layer_norm2.weight",
        "obj_ptr_proj.layers.2.weight": "object_pointer_proj.proj_out.weight",
        "maskmem_tpos_enc": "memory_temporal_positional_encoding",
    }
    ours, their_state = net.state_dict(), theirs.state_dict()
    for official, name in pairs.items():
        assert torch.equal(ours[official], their_state[name])
    image = torch.rand(1, 3, 64, 64)
    features = theirs.vision_encoder(image).fpn_hidden_states[-1]
    torch.testing.assert_close(net.encode_image(image).features, features, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_network_is_recognised_by_its_shapes(name: str) -> None:
    shapes = parameter_shapes(CONFIGS[name])
    assert recognise(shapes) == name
    damaged = dict(list(shapes.items())[3:])
    assert recognise(damaged) == name


def test_the_bundled_model_is_the_default(
    nano_pt: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    monkeypatch.setattr(hub, "_BUNDLED", nano_pt)
    for net in (load_model(device="cpu"), napari_sam2.load_model("nano", device="cpu")):
        assert net.name == "nano"
        assert torch.equal(net.no_obj_ptr, state["no_obj_ptr"])


def test_a_file_put_there_by_hand_needs_no_network(
    tmp_path: Path, tiny_pt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", str(tmp_path))
    shutil.copy(tiny_pt, tmp_path)
    assert load_model(TINY, device="cpu").name == TINY


def test_loading_is_quick_to_start(tmp_path: Path, nano_pt: Path) -> None:
    code = (
        "import sys, torch\n"
        "from napari_sam2.model.load import load_model\n"
        "before = set(sys.modules)\n"
        f"load_model(checkpoint={str(nano_pt)!r}, device='cpu')\n"
        "assert 'sympy' not in set(sys.modules) - before"  # seconds, for nothing
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# what does not fit


def test_a_bundled_model_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "_BUNDLED", tmp_path / "nano.safetensors")
    with pytest.raises(CheckpointError, match=r"nano\.safetensors is missing .* install napari"):
        load_model("nano", device="cpu")


@pytest.mark.parametrize("asked", ["sam2_hiera_tiny", "sam2.1_hiera_large", "nano"])
def test_a_name_that_disagrees_with_the_file(tiny_pt: Path, asked: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(f"holds {TINY}, not {asked}; leave")):
        load_model(asked, tiny_pt, device="cpu")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("sam2", "there is no model 'sam2'"),
        ("facebook/sam2.1-hiera-tiny", "did you mean 'sam2.1_hiera_tiny'?"),
        ("weights.pt", r"given as load_model\(checkpoint=path\)"),
    ],
)
def test_an_unknown_name(asked: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_model(asked, device="cpu")


@pytest.mark.parametrize("named", [True, False])
def test_missing_and_unexpected_names_and_shapes_are_listed(
    tmp_path: Path, state: State, named: bool
) -> None:
    changed = {k: v for k, v in state.items() if not k.startswith("obj_ptr_proj.layers.0")}
    changed |= {"extra": torch.zeros(1), "no_obj_ptr": torch.zeros(1, 5)}
    path = tmp_path / "w.safetensors"
    save_file(changed, path)
    with pytest.raises(CheckpointError) as caught:
        load_model("nano" if named else None, path, device="cpu")
    message = str(caught.value)
    assert f"{path} does not fit nano" in message
    assert "2 missing (obj_ptr_proj.layers.0.weight, obj_ptr_proj.layers.0.bias)" in message
    assert "1 unexpected (extra)" in message
    assert "1 of another shape (no_obj_ptr (1, 5) instead of (1, 128))" in message


def test_a_long_list_is_cut_to_ten(tmp_path: Path, state: State) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state | {f"extra.{i:02}": torch.zeros(1) for i in range(14)}, path)
    with pytest.raises(CheckpointError, match=r"14 unexpected \(extra\.00.*extra\.09 and 4 more\)"):
        load_model(checkpoint=path, device="cpu")


def test_a_file_of_the_image_part_alone(tmp_path: Path, state: State) -> None:
    path = tmp_path / "w.safetensors"
    save_file({k: v for k, v in state.items() if not k.startswith("memory_")}, path)
    with pytest.raises(CheckpointError, match=r"lacks the memory.*Sam2VideoModel"):
        load_model(checkpoint=path, device="cpu")


def test_weights_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pt"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(CheckpointError, match=r"does not hold SAM 2: only 0 of .*conv1\.weight"):
        load_model(checkpoint=path, device="cpu")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_refused(tmp_path: Path, state: State, value: float) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state | {"no_obj_ptr": torch.full((1, 128), value)}, path)
    with pytest.raises(CheckpointError, match="no_obj_ptr holds NaN or infinite values"):
        load_model(checkpoint=path, device="cpu")


def test_quantised_weights_are_refused(tmp_path: Path, state: State) -> None:
    path = tmp_path / "w.safetensors"
    save_file(state | {"no_obj_ptr": torch.zeros(1, 128, dtype=torch.int8)}, path)
    with pytest.raises(CheckpointError, match=r"no_obj_ptr is stored as torch\.int8"):
        load_model(checkpoint=path, device="cpu")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_floating_point_becomes_float32(
    tmp_path: Path, state: State, dtype: torch.dtype
) -> None:
    path = tmp_path / "w.safetensors"
    save_file({k: v.to(dtype) for k, v in state.items()}, path)
    net = load_model(checkpoint=path, device="cpu")
    assert torch.equal(net.no_obj_ptr, state["no_obj_ptr"].to(dtype).float())


def test_a_damaged_download_says_how_to_get_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", str(tmp_path))
    (tmp_path / f"{TINY}.pt").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(CheckpointError, match=f'download\\("{TINY}", again=True\\)'):
        load_model(TINY, device="cpu")


def test_offline_and_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", str(tmp_path / "w"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match="offline mode is enabled") as caught:
        load_model("sam2.1_hiera_small", device="cpu")
    assert f"put it at {tmp_path / 'w' / 'sam2.1_hiera_small.pt'}" in str(caught.value)
    assert "checkpoint=path" in str(caught.value)


# devices and memory


def test_device_and_precision_are_checked_first(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="'cuda:99' is not on this machine"):
        load_model(checkpoint=tmp_path / "missing.pt", device="cuda:99")
    with pytest.raises(DeviceError, match="precision 'float16' is not offered"):
        load_model(checkpoint=tmp_path / "missing.pt", device="cpu", precision="float16")


def test_precision_is_obeyed(nano_pt: Path) -> None:
    net = load_model(checkpoint=nano_pt, device="cpu", precision="bfloat16")
    assert net.precision == "bfloat16"
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    with net.autocast():
        assert net.encode_image(torch.zeros(1, 3, 64, 64)).features.dtype == torch.bfloat16


def test_too_little_memory_is_said_before_anything_is_built(
    nano_pt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_bytes = 4 * sum(p.numel() for p in SAM2(CONFIGS["nano"]).parameters())
    monkeypatch.setattr(machine, "available_memory", lambda: 2_000_000)
    monkeypatch.setattr(load, "_float32", lambda *_: pytest.fail("weights were copied"))
    message = rf"nano\.pt needs {n_bytes / 1e6:.0f} MB of memory on cpu, which has 2 MB left"
    with pytest.raises(DeviceError, match=message):
        load_model(checkpoint=nano_pt, device="cpu")


def test_memory_that_runs_out_while_loading(nano_pt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(load, "_float32", exhausted)
    with pytest.raises(DeviceError, match="memory of cpu was used up"):
        load_model(checkpoint=nano_pt, device="cpu")


@pytest.mark.gpu
def test_a_graphics_card_is_chosen_and_used(nano_pt: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    net = load_model(checkpoint=nano_pt)
    assert net.device.type == "cuda"
    with net.autocast():
        features = net.encode_image(torch.zeros(1, 3, 64, 64, device=net.device)).features
    assert features.isfinite().all()
