"""A user without a model at work: seeds from clicks and boxes, and slice by slice from the neighbouring mask."""

# mypy: allow-untyped-calls

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.evaluation.baselines import BASELINES, Fill, Seeds
from napari_sam2.prompts import Box, Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.evaluation.methods import Work
    from napari_sam2.evaluation.scene import Planes, Scene
    from napari_sam2.results import Window

__all__ = ["BaselineMethod"]

SMOOTHING = 1.0  # pixels, Gaussian
BRUSH = 1.5  # pixels, radius of a click
CORE = 0.5  # of the greatest depth: how deep a pixel of the last mask lies that is a seed on the next frame
MARGIN = 0.35  # of the greatest depth: how far the mask may grow from frame to frame
LEAST_MARGIN = 2.0  # pixels
LEAST_CONTRAST = 0.25  # of the contrast on the clicked frame: the object ends below it
GREATEST_CHANGE = 2.5  # of the area from frame to frame: the object ends beyond it


@dataclass(frozen=True, slots=True)
class BaselineMethod:
    """A classical method in the hands of the simulated user.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    """

    name: str

    def open(self, scene: Scene, window_side: int | None) -> Work:
        """Begin."""
        return _Unaided(scene, BASELINES[self.name], window_side)


@dataclass(slots=True)
class _Object:
    """Prompts by frame, and masks by frame."""

    prompts: dict[int, list[Point | Box]] = field(default_factory=dict)
    masks: dict[int, np.ndarray] = field(default_factory=dict)


class _Unaided:
    """The user at work."""

    def __init__(self, scene: Scene, fill: Fill, window_side: int | None) -> None:
        self._scene, self._fill, self._side = scene, fill, window_side
        self._objects: dict[int, _Object] = {}
        self._grey: dict[int, np.ndarray] = {}

    def click(self, object_id: int, point: Point) -> np.ndarray:
        return self._prompt(object_id, point)

    def box(self, object_id: int, box: Box) -> np.ndarray:
        return self._prompt(object_id, box)

    def candidates(self, object_id: int, frame: int) -> list[np.ndarray]:
        return []

    def forget(self, object_id: int) -> None:
        del self._objects[object_id]

    def carry(self) -> Planes:
        labels = np.zeros(self._scene.truth.shape, dtype=np.uint32)
        for object_id in sorted(self._objects, reverse=True):  # the lower id wins
            state = self._objects[object_id]
            self._carry_one(state)
            for frame, mask in state.masks.items():
                labels[frame][mask] = object_id
        return labels

    def _prompt(self, object_id: int, prompt: Point | Box) -> np.ndarray:
        state = self._objects.setdefault(object_id, _Object())
        known = state.masks.get(prompt.frame) if prompt.frame not in state.prompts else None
        prompts = state.prompts.setdefault(prompt.frame, [])
        prompts.append(prompt)
        mask = self._segment(prompt.frame, prompts, known)
        state.masks[prompt.frame] = mask
        return mask

    def _carry_one(self, state: _Object) -> None:
        """Go from every prompted frame outwards; each frame follows its nearest prompted one."""
        prompted = sorted(state.prompts)
        state.masks = {frame: state.masks[frame] for frame in prompted}
        for frame in prompted:
            for step in (1, -1):
                self._carry_from(state, frame, step, prompted)

    def _carry_from(self, state: _Object, start: int, step: int, prompted: list[int]) -> None:
        """Go one way from a prompted frame, until another one is nearer or the object ends."""
        contrast = self._contrast(start, state.masks[start])
        frame = start + step
        while 0 <= frame < len(self._scene.truth) and _nearest(frame, prompted) == start:
            before = state.masks[frame - step]
            mask = self._segment(frame, [], before) if before.any() else before
            change = mask.sum() / max(before.sum(), 1)
            if not 1 / GREATEST_CHANGE <= change <= GREATEST_CHANGE or self._contrast(
                frame, mask
            ) * np.sign(contrast) < LEAST_CONTRAST * abs(contrast):
                return
            state.masks[frame] = mask
            frame += step

    def _segment(
        self, frame: int, prompts: Sequence[Point | Box], before: np.ndarray | None
    ) -> np.ndarray:
        """Turn prompts, and the mask that was there or on the neighbouring frame, into a mask."""
        shape = self._scene.stack.plane_shape
        inside, outside = np.zeros(shape, bool), np.zeros(shape, bool)
        window = _window(prompts, before, self._side, shape)
        if before is not None and before.any():
            inside, outside = _seeds_of_mask(before)
        for prompt in prompts:
            _add_prompt(prompt, inside, outside)
        y0, x0, y1, x1 = window
        cut = np.s_[y0:y1, x0:x1]
        mask = np.zeros(shape, bool)
        if inside[cut].any():
            seeds = Seeds(inside[cut], outside[cut] & ~inside[cut], _rim(window, shape))
            mask[cut] = self._fill(self._plane(frame)[cut], seeds)
        return mask

    def _plane(self, frame: int) -> np.ndarray:
        """Return a plane, grey and smoothed; a few are kept."""
        from scipy.ndimage import gaussian_filter

        if frame not in self._grey:
            if len(self._grey) >= 8:
                self._grey.clear()
            grey = self._scene.brightness(frame).mean(axis=-1)
            self._grey[frame] = gaussian_filter(grey.astype(np.float32), SMOOTHING)
        return self._grey[frame]

    def _contrast(self, frame: int, mask: np.ndarray) -> float:
        """Return how much brighter a mask is than its surroundings."""
        if not mask.any():
            return 0.0
        depth, distance = _depths(mask)
        ring = (distance > 0) & (distance <= _margin(depth))
        plane = self._plane(frame)
        return float(plane[mask].mean() - plane[ring].mean()) if ring.any() else 0.0


def _nearest(frame: int, prompted: Sequence[int]) -> int:
    """Return the nearest prompted frame; of two the earlier one."""
    return min(prompted, key=lambda other: (abs(other - frame), other))


def _window(
    prompts: Sequence[Point | Box],
    before: np.ndarray | None,
    side: int | None,
    shape: tuple[int, int],
) -> Window:
    """Return the part of the plane that is looked at: all prompts and the last mask, in the middle of a square."""
    if side is None:
        return 0, 0, *shape
    places = [place for prompt in prompts for place in _places(prompt)]
    if before is not None and before.any():
        rows, columns = np.nonzero(before)
        places += [(rows.min(), columns.min()), (rows.max(), columns.max())]
    low, high = np.min(places, axis=0), np.max(places, axis=0)
    reach = np.maximum(side, 1.5 * (high - low))
    starts = np.clip(np.round((low + high - reach) / 2), 0, None).astype(int)
    ends = np.minimum(np.round((low + high + reach) / 2).astype(int) + 1, shape)
    return int(starts[0]), int(starts[1]), int(ends[0]), int(ends[1])


def _places(prompt: Point | Box) -> tuple[tuple[float, float], ...]:
    return (prompt.yx,) if isinstance(prompt, Point) else (prompt.yx_min, prompt.yx_max)


def _rim(window: Window, shape: tuple[int, int]) -> np.ndarray:
    """Mark the rim of a window, where it is not the edge of the plane; all of it if the window is the plane."""
    y0, x0, y1, x1 = window
    whole = (y1 - y0, x1 - x0) == tuple(shape)
    rim = np.zeros((y1 - y0, x1 - x0), bool)
    rim[0] |= whole or y0 > 0
    rim[-1] |= whole or y1 < shape[0]
    rim[:, 0] |= whole or x0 > 0
    rim[:, -1] |= whole or x1 < shape[1]
    return rim


def _add_prompt(prompt: Point | Box, inside: np.ndarray, outside: np.ndarray) -> None:
    """Paint a prompt into the seeds; a click takes its place from the other kind."""
    rows, columns = np.ogrid[: inside.shape[0], : inside.shape[1]]
    if isinstance(prompt, Box):
        (ya, xa), (yb, xb) = prompt.yx_min, prompt.yx_max
        outside |= ~((rows >= ya) & (rows <= yb) & (columns >= xa) & (columns <= xb))
        # the middle quarter of its sides
        near = np.abs(rows - (ya + yb) / 2) <= max(0.5, (yb - ya) / 8)
        inside |= near & (np.abs(columns - (xa + xb) / 2) <= max(0.5, (xb - xa) / 8))
        return
    y, x = prompt.yx
    disc = np.hypot(rows - y, columns - x) <= BRUSH
    (gains, loses) = (inside, outside) if prompt.positive else (outside, inside)
    loses &= ~disc
    gains |= disc


def _seeds_of_mask(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the core of a mask, and what is too far away from it."""
    depth, distance = _depths(mask)
    return depth >= CORE * depth.max(), distance > _margin(depth)


def _depths(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of pixels inside to the outside, and of those outside to the mask."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1], distance_transform_edt(~mask)


def _margin(depth: np.ndarray) -> float:
    return max(LEAST_MARGIN, MARGIN * float(depth.max()))
