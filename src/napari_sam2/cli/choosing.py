"""The model that a command names, loaded from this machine; nothing is fetched for it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sam2.errors import CheckpointError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_sam2.model.network import SAM2

__all__ = ["ModelChoice", "describe_model", "memory_errors"]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What the options of a command say about the model.

    Parameters
    ----------
    name : str or None
        See `load_model`.
    checkpoint : Path or None
        A weights file instead.
    device, precision : str
        See `load_model`.
    """

    name: str | None = None
    checkpoint: Path | None = None
    device: str = "auto"
    precision: str = "auto"

    def weights(self) -> Path:
        """Find the weights file that will be loaded.

        Raises
        ------
        CheckpointError
            If there is no such model, or it is not on this machine.
        """
        from napari_sam2.model.hub import download, find_weights, model_card

        if self.checkpoint is not None:
            return self.checkpoint.expanduser()
        card = model_card(self.name or "nano")
        if card.is_bundled:
            return download(card.name)  # from the package, or an error that says it is missing
        path = find_weights(card.name)
        if path is None:
            raise CheckpointError(
                f"{card.name} is not on this machine; fetch its {card.size / 1e6:.0f} MB with: "
                f"napari-sam2 models --download {card.name}"
            )
        return path

    def load(self) -> SAM2:
        """Load it; see `load_model` for what else is raised."""
        from napari_sam2.model.load import load_model

        self.weights()
        return load_model(self.name, self.checkpoint, self.device, self.precision)


def describe_model(model: SAM2) -> str:
    """Say in a line what computes, and where."""
    from napari_sam2.model.hub import all_cards

    card = all_cards().get(model.name)
    hint = " (small: to try, test and teach)" if card is not None and card.is_bundled else ""
    if card is not None and card.own is not None:
        hint = f" ({card.note.split(';')[0].rstrip('.').lower()})"
    return f"model {model.name}{hint}, device {model.device}, precision {model.precision}"


@contextmanager
def memory_errors() -> Iterator[None]:
    """Say what helps where the memory of a device is used up.

    Raises
    ------
    DeviceError
        In place of torch's error.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            "the memory of the device is used up; show the model less with --window, choose a "
            "smaller model, or --device cpu."
        ) from error
