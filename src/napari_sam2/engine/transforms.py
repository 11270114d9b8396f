"""The only place that knows the model's coordinates: (x, y) in input pixels.

Everywhere else a place is (y, x) in data pixels, pixel centres at integers. A `View` is a window of the plane shown to
the model as a square; it brings planes, points and masks to the model and logits back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.model.config import ModelConfig
    from napari_sam2.results import Window

__all__ = ["MASK_LOGIT", "View", "exact_logits", "input_side", "view_of"]

_MEAN: Final = (0.485, 0.456, 0.406)
_STD: Final = (0.229, 0.224, 0.225)

MASK_LOGIT: Final = 10.0
"""The logit that stands for a certain pixel of a mask given by the user."""

_TOUCHED: Final = 1e-3  # of a low-resolution pixel, by area; less is rounding


def input_side(config: ModelConfig, window: Window) -> int:
    """Choose the model's input side for a window: about its own size, within what the weights know.

    Parameters
    ----------
    config : ModelConfig
        Knows the smallest and the largest side.
    window : tuple of int
        ``(y0, x0, y1, x1)``.

    Returns
    -------
    int
        A multiple of 32.
    """
    smallest, largest = config.input_sides
    longest = max(window[2] - window[0], window[3] - window[1])
    return min(max(-(-longest // 32) * 32, smallest), largest)


@dataclass(frozen=True, slots=True)
class View:
    """A window of a plane as the model sees it.

    Parameters
    ----------
    window : tuple of int
        ``(y0, x0, y1, x1)``, half open, data pixels.
    side : int
        Of the square input, a multiple of 32.
    mirrored : bool
        Whether the model is shown the mirror image, left for right.
    """

    window: Window
    side: int
    mirrored: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window in data pixels."""
        y0, x0, y1, x1 = self.window
        return y1 - y0, x1 - x0

    def image(self, plane: np.ndarray, device: torch.device) -> Tensor:
        """Cut and normalise a plane (y, x, 3), float32 in 0 to 1, as (1, 3, S, S)."""
        y0, x0, y1, x1 = self.window
        crop = torch.from_numpy(np.ascontiguousarray(plane[y0:y1, x0:x1])).to(device)
        image = self.turn(_resize(crop.permute(2, 0, 1)[None], self.side))  # -> (1, 3, y, x)
        mean, std = (image.new_tensor(v)[:, None, None] for v in (_MEAN, _STD))
        return (image - mean) / std

    def points(self, points_yx: Sequence[tuple[float, float]], device: torch.device) -> Tensor:
        """Turn data points (y, x) into input points (x, y), float32, (1, N, 2)."""
        if not points_yx:
            return torch.zeros(1, 0, 2, device=device)
        yx = np.asarray(points_yx, dtype=np.float64) + 0.5 - np.asarray(self.window[:2])
        yx = yx * self.side / np.asarray(self.shape) - 0.5
        if self.mirrored:
            yx[:, 1] = self.side - 1 - yx[:, 1]
        return torch.tensor(yx[None, :, ::-1].copy(), dtype=torch.float32, device=device)

    def exact_mask(self, mask: np.ndarray, device: torch.device) -> Tensor:
        """Show a mask (y, x) of the whole plane to the model, 0 or 1, (1, 1, S, S)."""
        return (self._crop(mask, self.side, device) >= 0.5).float()

    def hint_logits(self, mask: np.ndarray, device: torch.device) -> Tensor:
        """Turn a rough or soft mask (y, x) of the whole plane into logits (1, 1, S/4, S/4)."""
        probability = self._crop(mask, self.side // 4, device)
        return torch.logit(probability, eps=1e-6).clamp(-MASK_LOGIT, MASK_LOGIT)

    def cells_of_points(self, points_yx: Sequence[tuple[float, float]]) -> np.ndarray:
        """Find the low-resolution pixels in which data points (y, x) lie, bool, (S/4, S/4)."""
        cells = np.zeros((self.side // 4,) * 2, dtype=bool)
        yx = np.asarray(points_yx, dtype=float).reshape(-1, 2) + 0.5 - np.asarray(self.window[:2])
        places = np.floor(yx * len(cells) / np.asarray(self.shape)).astype(int)
        cells[tuple(places.clip(0, len(cells) - 1).T)] = True
        return cells[:, ::-1] if self.mirrored else cells

    def cells_of_mask(self, mask: np.ndarray) -> np.ndarray:
        """Find the low-resolution pixels that a mask (h, w) of the window touches, bool, (S/4, S/4)."""
        shown = _resize(torch.from_numpy(mask.astype(np.float32))[None, None], self.side // 4)
        touched: np.ndarray = (self.turn(shown)[0, 0] > _TOUCHED).numpy()
        return touched

    def to_data(self, logits: Tensor) -> Tensor:
        """Bring low-resolution logits (..., S/4, S/4) to the window's pixels, float32, (..., h, w)."""
        flat = self.turn(logits.float().reshape(1, -1, *logits.shape[-2:]))
        grown = F.interpolate(flat, size=self.shape, mode="bilinear", align_corners=False)
        return grown.reshape(*logits.shape[:-2], *self.shape)

    def to_input(self, logits: Tensor) -> Tensor:
        """Bring low-resolution logits (B, 1, S/4, S/4) to the input's pixels, (B, 1, S, S)."""
        size = (self.side, self.side)
        return F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)

    def turn(self, shown: Tensor) -> Tensor:
        """Turn (..., x) from left to right if this is the mirror image: what is upright as the model sees it, or back."""
        return shown.flip(-1) if self.mirrored else shown

    def _crop(self, mask: np.ndarray, side: int, device: torch.device) -> Tensor:
        y0, x0, y1, x1 = self.window
        crop = torch.from_numpy(np.ascontiguousarray(mask[y0:y1, x0:x1]).astype(np.float32))
        return self.turn(_resize(crop.to(device)[None, None], side))


def exact_logits(mask: Tensor) -> Tensor:
    """Make the low-resolution logits of an exact mask: (B, 1, S, S), 0 or 1, to (B, 1, S/4, S/4)."""
    return _resize(mask * (2 * MASK_LOGIT) - MASK_LOGIT, mask.shape[-1] // 4)


def _resize(image: Tensor, side: int) -> Tensor:
    """Resize (B, C, y, x) to a square, smoothing where it shrinks."""
    if image.shape[-2:] == (side, side):
        return image
    return F.interpolate(
        image, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )


@lru_cache(maxsize=4096)
def view_of(
    plane_shape: tuple[int, int],
    config: ModelConfig,
    centre_yx: tuple[float, float] | None = None,
    extent: int | None = None,
) -> View:
    """Choose the part of the plane that the model is shown.

    Parameters
    ----------
    plane_shape : tuple of int
        (y, x).
    config : ModelConfig
        Of the model.
    centre_yx : tuple of float, optional
        Centre of the window. It is rounded to a sixteenth of the extent, so that small moves find the same embedding.
    extent : int, optional
        Side of the window in data pixels; None for the whole plane.

    Returns
    -------
    View
        The window lies inside the plane.
    """
    h, w = plane_shape
    if extent is None or centre_yx is None:
        window: Window = (0, 0, h, w)
        return View(window, input_side(config, window))
    step = max(1, extent // 16)
    starts, ends = [], []
    for centre, length in zip(centre_yx, plane_shape, strict=True):
        size = min(extent, length)
        start = round((centre - size / 2) / step) * step
        start = min(max(start, 0), length - size)
        starts.append(start)
        ends.append(start + size)
    window = (starts[0], starts[1], ends[0], ends[1])
    return View(window, input_side(config, window))
