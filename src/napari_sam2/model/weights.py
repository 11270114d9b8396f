"""Weights files, in and out: official ``.pt`` and safetensors, without ever running code of theirs."""

from __future__ import annotations

import json
import os
import pickle
import re
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_sam2.errors import CheckpointError
from napari_sam2.model.config import ModelConfig
from napari_sam2.model.names import POSITIONS, from_transformers, is_transformers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sam2.model.network import SAM2

__all__ = ["Weights", "read_weights", "save_weights"]

_FORMATS: Final = "an official .pt file or a .safetensors file"
_CONFIG_KEY: Final = "napari_sam2_config"
_MAX_SIZE: Final = 2**14  # of any width; what is larger is a damaged or hostile file
_MAX_BLOCKS: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What a weights file holds.

    Parameters
    ----------
    path : Path
        Where it was read from.
    tensors : dict of str to Tensor
        Under the official names; memory-mapped where the format allows, so copy what is to stay.
    name : str
        What the file calls itself; "" if it does not say.
    config : ModelConfig or None
        The sizes that the file gives for itself; None if it does not say.
    """

    path: Path
    tensors: dict[str, Tensor]
    name: str = ""
    config: ModelConfig | None = None


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Read a weights file; nothing in it is run.

    Parameters
    ----------
    path : path-like
        An official ``.pt`` file, ``{"model": state_dict}`` or the state dict alone, or safetensors
        with the official names or those of the ``transformers`` library. The content decides, not
        the ending.

    Returns
    -------
    Weights

    Raises
    ------
    CheckpointError
        If it is missing, damaged, not a file of weights, or would have to run code to be read.
    """
    file = Path(path).expanduser()
    start = _first_bytes(file)
    if start[8:9] == b"{":  # safetensors: eight bytes of length, then JSON
        tensors, metadata = _read_safetensors(file)
    elif start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":  # a zip archive, or a bare pickle
        tensors, metadata = _read_torch(file), {}
    else:
        raise CheckpointError(
            f"{file} is not a weights file: {_what_else(start)}; give {_FORMATS}."
        )
    if is_transformers(tensors):
        _check_positions(file, tensors)
        tensors = from_transformers(tensors)
    return Weights(file, tensors, metadata.get("name", ""), _config(file, metadata))


def save_weights(
    net: SAM2,
    path: str | os.PathLike[str],
    *,
    dtype: torch.dtype = torch.float16,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a network's weights as safetensors that describe themselves.

    Parameters
    ----------
    net : SAM2
        Its ``name`` and ``config`` go into the file.
    path : path-like
        Replaced in one step when all is written: a crash leaves the old file, never half a file.
    dtype : torch.dtype
        Of the stored weights.
    metadata : mapping of str to str, optional
        More to say about them (licence, training data, ...); ``name`` may be given too.

    Returns
    -------
    Path

    Raises
    ------
    CheckpointError
        If a weight is NaN or infinite, or too large for `dtype`.
    """
    target = Path(path).expanduser()
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in net.state_dict().items()}
    broken = [key for key, value in tensors.items() if not value.isfinite().all()]
    if broken:
        raise CheckpointError(
            f"weights {broken[:3]} are NaN, infinite, or too large for {dtype}, so {target} is not "
            "written; has the training diverged? Else save with dtype=torch.float32."
        )
    about = {"format": "pt", "name": net.name, _CONFIG_KEY: json.dumps(asdict(net.config))}
    _write_in_one_step(target, tensors, about | dict(metadata or {}))
    return target


def _first_bytes(file: Path) -> bytes:
    if file.is_dir():
        raise CheckpointError(f"{file} is a folder; give the weights file itself, {_FORMATS}.")
    try:
        with file.open("rb") as stream:
            start = stream.read(64)
    except FileNotFoundError as error:
        raise CheckpointError(f"{file} does not exist; give {_FORMATS}.") from error
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror}).") from error
    if not start:
        raise CheckpointError(f"{file} is empty; fetch it again.")
    return start


def _what_else(start: bytes) -> str:
    text = start.lstrip().lower()
    if text.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer that stands for the file (run `git lfs pull`)"
    if text.startswith((b"<!doctype", b"<html")):
        return "it is a web page (download the file behind the page)"
    return f"it begins with {start[:8]!r}"


def _read_torch(file: Path) -> dict[str, Tensor]:
    content = _unpickle_tensors(file)
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content = content["model"]
    is_state = isinstance(content, dict) and bool(content)
    if not is_state or not all(isinstance(v, Tensor) for v in content.values()):
        raise CheckpointError(
            f"{file} holds {_describe(content)}, not weights; an official file holds "
            '{"model": {name: tensor}}.'
        )
    return {str(name): tensor for name, tensor in content.items()}


def _unpickle_tensors(file: Path) -> Any:
    """Read with torch's restricted unpickler, which knows tensors and plain containers only."""
    try:
        return _torch_load(file)
    except pickle.UnpicklingError as error:
        reason = _refused(str(error))
        if reason is None:
            raise CheckpointError(_damaged(file, error)) from error
        raise CheckpointError(
            f"{file} holds code or objects ({reason}), not only tensors: refused, and nothing of it "
            "was run. If the file is your own, save its state dict alone, as safetensors."
        ) from error
    except Exception as error:  # a damaged file may fail in any way
        raise CheckpointError(_damaged(file, error)) from error


def _refused(message: str) -> str | None:
    """Find in torch's words what its restricted unpickler would not do; None if that was not it."""
    found = re.search(r"Unsupported (?:global|class|operand)[^\n]*", message)
    if found is None:
        return None
    name = re.search(r"[A-Za-z_]\w*(?:\.\w+)+", found[0])
    return name[0] if name else found[0]


def _torch_load(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        if "mmap can only be used" not in str(error):
            raise
        return torch.load(file, map_location="cpu", weights_only=True)  # the format before zip


def _read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(file, framework="pt") as content:
            return {k: content.get_tensor(k) for k in content.keys()}, content.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(_damaged(file, error)) from error


def _damaged(file: Path, error: Exception) -> str:
    lines = str(error).strip().splitlines()
    # torch's first line advises to read the file without care: that advice is not passed on
    reason = "" if not lines or "weights_only" in lines[0] else f" ({lines[0]})"
    return (
        f"{file} is damaged or cut off, or not a weights file{reason}; fetch it again, or give "
        f"{_FORMATS}."
    )


def _describe(content: object) -> str:
    if isinstance(content, dict):
        return f"a dict of {len(content)} entries {[str(key) for key in content][:5]}"
    return f"a {type(content).__name__}"


def _check_positions(file: Path, tensors: Mapping[str, Tensor]) -> None:
    pair = [tensors[name] for name in POSITIONS if name in tensors]
    if len(pair) == 2 and not torch.equal(*pair):
        warnings.warn(
            f"{file} holds two different position encodings, {POSITIONS[0]} and {POSITIONS[1]}; SAM 2 "
            "has one, so the first is used. The released weights hold the same twice.",
            UserWarning,
            stacklevel=4,  # the caller of load_model
        )


def _config(file: Path, metadata: Mapping[str, str]) -> ModelConfig | None:
    """Read the sizes that `save_weights` wrote; None where there are none."""
    if _CONFIG_KEY not in metadata:
        return None
    try:
        return _sizes(json.loads(metadata[_CONFIG_KEY]))
    except (AttributeError, TypeError, ValueError) as error:
        known = [field.name for field in fields(ModelConfig)]
        raise CheckpointError(
            f"{file} describes a network that this version does not know ({error}); it knows {known}. "
            "Update napari-sam2, or fetch weights for this version."
        ) from error


def _sizes(values: dict[str, Any]) -> ModelConfig:
    """Make a config of JSON values: whole numbers, or lists of them."""
    sizes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    for key, value in sizes.items():
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, int) or not 0 <= number <= _MAX_SIZE:
                raise ValueError(f"{key}={value!r} is not a size")
    config = ModelConfig(**sizes)
    if sum(config.stages) + config.memory_attention_layers > _MAX_BLOCKS:
        raise ValueError(f"stages={config.stages!r} are too many blocks")
    return config


def _write_in_one_step(target: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as stream:  # save_file would make it readable for its owner alone
            stream.write(save(tensors, metadata))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
