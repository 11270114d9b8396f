"""The factory: a name or a file becomes a network that is ready to use."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch.overrides import TorchFunctionMode

from napari_sam2.errors import CheckpointError, DeviceError
from napari_sam2.model.config import CONFIGS, ModelConfig
from napari_sam2.model.device import choose_device, choose_precision, require_memory
from napari_sam2.model.hub import download, model_card
from napari_sam2.model.network import SAM2
from napari_sam2.model.weights import read_weights

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from napari_sam2.model.hub import ModelCard
    from napari_sam2.model.weights import Weights

__all__ = ["load_model", "parameter_shapes", "recognise"]

Shape: TypeAlias = tuple[int, ...]

_SHOWN = 10  # names listed in an error


def load_model(
    name: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    device: str | torch.device = "auto",
    precision: str = "auto",
) -> SAM2:
    """Load a network, ready to use.

    Parameters
    ----------
    name : str, optional
        "nano" (bundled, the default), "sam2.1_hiera_tiny", "..._small", "..._base_plus",
        "..._large", or the same with "sam2_"; or one of your own, fine-tuned ones. Official weights
        are fetched from the Hugging Face Hub at first use and kept.
    checkpoint : path-like, optional
        A weights file to load instead: official ``.pt``, or safetensors with the official names or
        those of the ``transformers`` library. Which network it is shows from its shapes; a `name`
        that disagrees is an error.
    device : str or torch.device
        "auto" (CUDA, then MPS, then the CPU), "cpu", "cuda", "cuda:<index>" or "mps".
    precision : str
        Of the arithmetic: "auto" (bfloat16 where the device is fast at it, else float32), "float32"
        or "bfloat16". The weights stay float32.

    Returns
    -------
    SAM2
        In evaluation mode, without gradients.

    Raises
    ------
    CheckpointError
        If there is no such model, or the file is damaged, unsafe, of another network, or holds NaN.
    DownloadError
        If the weights are not on this machine and cannot be fetched.
    DeviceError
        If the machine has no such device or precision, or too little memory.

    Examples
    --------
    >>> model = load_model("nano", device="cpu")
    >>> model.config.d_model
    128
    """
    place = choose_device(device)
    arithmetic = choose_precision(precision, place)
    card = model_card(name or "nano")
    weights = _bring(card) if checkpoint is None else read_weights(checkpoint)
    # a file alone says itself what it is
    wanted = None if checkpoint is not None and name is None else card.network or None
    if wanted not in CONFIGS:
        wanted = None
    config = _config(weights, wanted)
    net = _build(config, weights, place)
    if card.own is not None and checkpoint is None:
        weights = replace(weights, name=card.name)  # a file may have been renamed
    net.name = weights.name or wanted or recognise(parameter_shapes(config))
    net.precision = arithmetic
    return net.eval()


def _bring(card: ModelCard) -> Weights:
    """Read the weights of a known model, from here or from the Hub."""
    path = download(card.name)
    try:
        return read_weights(path)
    except CheckpointError as error:
        if card.own is not None:
            raise CheckpointError(
                f"{error} It is one of your own models; remove it with: napari-sam2 models --remove {card.name}"
            ) from error
        if card.is_bundled:
            raise
        again = f'napari_sam2.model.hub.download("{card.name}", again=True)'
        raise CheckpointError(f"{error} To fetch it again: {again}.") from error


@lru_cache(maxsize=len(CONFIGS) + 4)
def parameter_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Return the shape of every tensor that a network of these sizes has, by official name."""
    return {name: tuple(tensor.shape) for name, tensor in _blank(config).state_dict().items()}


def recognise(shapes: Mapping[str, Shape]) -> str:
    """Find the known network that the shapes of a file are closest to.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        By official name.

    Returns
    -------
    str
        A key of ``CONFIGS``.
    """
    found = set(shapes.items())
    n_different = {}
    for name, config in CONFIGS.items():
        n_different[name] = len(found ^ set(parameter_shapes(config).items()))
        if n_different[name] == 0:
            break
    return min(n_different, key=lambda name: n_different[name])


def _config(weights: Weights, wanted: str | None) -> ModelConfig:
    """Decide which network a file is for, and check that it is that network, whole and nothing else."""
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.tensors.items()}
    if weights.config is None and wanted and shapes == parameter_shapes(CONFIGS[wanted]):
        return CONFIGS[wanted]
    if weights.config is None:
        title = recognise(shapes)
        config, expected = CONFIGS[title], parameter_shapes(CONFIGS[title])
    else:
        title = weights.name or "the network it describes"
        config, expected = weights.config, _own_shapes(weights)
    if shapes == expected and (wanted is None or shapes == parameter_shapes(CONFIGS[wanted])):
        return config
    if shapes == expected:
        other = title if title != wanted else f"another network of the name {title}"
        raise CheckpointError(
            f"{weights.path} holds {other}, not {wanted}; leave the name out to load it as it is, or "
            f"give a file of {wanted}."
        )
    if wanted is not None:
        title, expected = wanted, parameter_shapes(CONFIGS[wanted])
    raise CheckpointError(_misfit(weights.path, shapes, expected, title))


def _own_shapes(weights: Weights) -> dict[str, Shape]:
    """Return the shapes of the network that a file describes."""
    assert weights.config is not None
    try:
        return parameter_shapes(weights.config)
    except Exception as error:  # sizes that contradict each other fail anywhere
        raise CheckpointError(
            f"{weights.path} describes a network that cannot be built ({error}); the file is damaged, "
            "fetch it again."
        ) from error


def _misfit(
    path: Path, found: Mapping[str, Shape], expected: Mapping[str, Shape], title: str
) -> str:
    """Say how the tensors of a file differ from those of a network."""
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    if 2 * len(missing) > len(expected):
        return (
            f"{path} does not hold SAM 2: only {len(expected) - len(missing)} of {len(expected)} "
            f"tensors of {title} are in it, and {_listed(unexpected, 'unexpected')}; give official "
            "weights, or a safetensors file with the official names or those of transformers."
        )
    reshaped = [
        f"{name} {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if found.get(name, shape) != shape
    ]
    parts = [_listed(missing, "missing"), _listed(unexpected, "unexpected")]
    parts.append(_listed(reshaped, "of another shape"))
    image_only = "memory_attention.norm.weight" in missing and not unexpected and not reshaped
    return f"{path} does not fit {title}: {'; '.join(part for part in parts if part)}. " + (
        "It lacks the memory: a file of the image part alone (transformers' Sam2Model, say) cannot "
        "track; give the video model's file (Sam2VideoModel)."
        if image_only
        else "Give a complete file of one of " + ", ".join(CONFIGS) + "."
    )


def _listed(names: list[str], what: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{more})"


def _build(config: ModelConfig, weights: Weights, place: torch.device) -> SAM2:
    """Make the network of tensors that are known to fit; nothing of the file stays in use."""
    n_bytes = 4 * sum(tensor.numel() for tensor in weights.tensors.values())
    require_memory(n_bytes, place, f"the network in {weights.path.name}")
    try:
        state = {name: _float32(weights, name, place) for name in weights.tensors}
    except RuntimeError as error:  # torch says so of every device
        if "memory" not in str(error):
            raise
        raise DeviceError(
            f"the memory of {place} was used up while {weights.path.name} was loaded; close other "
            "programs, or choose another device."
        ) from error
    net = _blank(config)
    net.load_state_dict(state, strict=True, assign=True)
    return net.requires_grad_(False)


def _blank(config: ModelConfig) -> SAM2:
    """Make a network whose tensors have shapes but no values, and take no memory."""
    with torch.device("meta"), _WithoutValues():
        return SAM2(config)


class _WithoutValues(TorchFunctionMode):
    """Leaves out the random values: on the meta device they would make torch load sympy, for seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call one function of torch, or what stands in for it."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return (torch.empty if func is torch.randn else func)(*args, **kwargs)


def _float32(weights: Weights, name: str, place: torch.device) -> Tensor:
    """Copy one tensor out of the file to its place."""
    stored = weights.tensors[name]
    if not stored.is_floating_point():
        raise CheckpointError(
            f"{weights.path}: {name} is stored as {stored.dtype}, weights are floating point; quantised "
            "files are not supported, give the original."
        )
    tensor = stored.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    if not tensor.isfinite().all():
        raise CheckpointError(
            f"{weights.path}: {name} holds NaN or infinite values; the file is damaged or its "
            "training diverged, use another."
        )
    return tensor.to(place)
