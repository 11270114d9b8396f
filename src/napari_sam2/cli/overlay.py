"""A picture of the result: slices side by side, every object outlined in a colour of its own."""

# mypy: allow-untyped-calls
# (only some of scikit-image has types)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_sam2.errors import StackError
from napari_sam2.prompts import Box, Point, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Picture", "colours_of", "draw_overlay", "save_png"]

Window: TypeAlias = tuple[int, int, int, int]

MOST_TILES = 12
TILE_SIDE = 340  # pixels of the picture, about
SINGLE_SIDE = 800
FINER = 2  # lines are drawn on a finer grid and then averaged, which smooths them
GAP = 6
DARK = 0.06
FILL = 0.22
GAMMA = 0.7  # lifts what is dim
PALETTE = (
    (255, 208, 72),  # amber
    (77, 196, 255),  # sky
    (255, 99, 99),  # red
    (120, 230, 110),  # green
    (208, 128, 255),  # violet
    (255, 140, 40),  # orange
    (58, 222, 196),  # teal
    (255, 122, 205),  # pink
    (140, 158, 255),  # blue
    (206, 232, 72),  # lime
    (214, 170, 128),  # tan
)
DIGITS = dict(  # 3 x 5 dots, a row in each number
    zip(
        "0123456789",
        ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717"),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is drawn.

    Parameters
    ----------
    brightness : callable
        Takes a frame and returns its plane, float, (y, x, 3), 0 to 1.
    labels : ndarray of int, (frame, y, x)
        The result.
    prompts : mapping of int to sequence of Prompt
        For every object; points and boxes are drawn on their frames.
    truth : ndarray of int, (frame, y, x), optional
        Drawn as thin white lines.
    """

    brightness: Callable[[int], np.ndarray]
    labels: np.ndarray
    prompts: Mapping[int, Sequence[Prompt]]
    truth: np.ndarray | None = None


def colours_of(object_ids: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """Give each object a colour, red, green and blue from 0 to 255; neighbours in order differ much."""
    return {object_id: PALETTE[i % len(PALETTE)] for i, object_id in enumerate(sorted(object_ids))}


def draw_overlay(picture: Picture) -> np.ndarray:
    """Draw up to twelve slices, spread over the frames that have objects, cut to where the objects are.

    Parameters
    ----------
    picture : Picture
        What is drawn.

    Returns
    -------
    ndarray of uint8, (y, x, 3)
    """
    frames, window = _frames(picture), _window(picture)
    tiles = [
        _tile(picture, frame, window, SINGLE_SIDE if len(frames) == 1 else TILE_SIDE)
        for frame in frames
    ]
    return np.asarray(np.round(255 * _montage(tiles)), np.uint8)


def save_png(path: Path, image: np.ndarray) -> None:
    """Write a picture, (y, x, 3), uint8.

    Raises
    ------
    StackError
        If it cannot be written.
    """
    from skimage.io import imsave

    try:
        imsave(str(path), image, check_contrast=False)
    except OSError as error:
        raise StackError(
            f"{path} cannot be written ({error}); free some space, or choose another folder."
        ) from error


def _seen(picture: Picture) -> np.ndarray:
    """Where there is something, bool, (frame, y, x)."""
    seen: np.ndarray = np.greater(picture.labels, 0)
    if picture.truth is not None:
        seen |= np.greater(picture.truth, 0)
    return seen


def _frames(picture: Picture) -> list[int]:
    """Choose frames, evenly spread from the first to the last one with objects or prompts."""
    prompted = [prompt.frame for prompts in picture.prompts.values() for prompt in prompts]
    used = sorted({*np.flatnonzero(_seen(picture).any(axis=(1, 2))).tolist(), *prompted}) or [0]
    count = min(MOST_TILES, used[-1] - used[0] + 1)
    return sorted({round(f) for f in np.linspace(used[0], used[-1], count)})


def _window(picture: Picture) -> Window:
    """Choose the part of the planes with objects, with room around it."""
    seen: np.ndarray = np.any(_seen(picture), axis=0)
    for prompts in picture.prompts.values():
        for y, x in (place for prompt in prompts for place in _places(prompt)):
            row, column = (round(v) for v in np.clip((y, x), 0, np.subtract(seen.shape, 1)))
            seen[row, column] = True
    ends = []
    for axis, length in ((1, seen.shape[0]), (0, seen.shape[1])):
        places = np.flatnonzero(seen.any(axis=axis))
        low, high = (int(places[0]), int(places[-1]) + 1) if places.size else (0, length)
        room = 16 + (high - low) // 8
        ends.append((max(0, low - room), min(length, high + room)))
    (y0, y1), (x0, x1) = ends
    return y0, x0, y1, x1


def _places(prompt: Prompt) -> tuple[tuple[float, float], ...]:
    """Return the places of a point or a box, (y, x)."""
    if isinstance(prompt, Point):
        return (prompt.yx,)
    return (prompt.yx_min, prompt.yx_max) if isinstance(prompt, Box) else ()


def _tile(picture: Picture, frame: int, window: Window, side: int) -> np.ndarray:
    """Draw one slice, float, (y, x, 3), 0 to 1."""
    from skimage.transform import resize

    y0, x0, y1, x1 = window
    scale = FINER * side / max(y1 - y0, x1 - x0)
    shape = tuple(FINER * max(1, round(scale * n / FINER)) for n in (y1 - y0, x1 - x0))
    plane = np.clip(picture.brightness(frame)[y0:y1, x0:x1], 0, 1) ** GAMMA
    canvas = np.asarray(resize(plane, (*shape, 3), order=1, anti_aliasing=scale < 1), np.float32)
    colours = colours_of(picture.prompts)
    for object_id, view, region in _regions(picture.labels[frame], window, canvas):
        colour = np.array(colours[object_id], np.float32) / 255
        view[region] = (1 - FILL) * view[region] + FILL * colour
        view[_outline(region, 2 * FINER)] = colour
    if picture.truth is not None:
        for _, view, region in _regions(picture.truth[frame], window, canvas):
            line = _outline(region, FINER)
            view[line] = 0.3 * view[line] + 0.7
    for prompts in picture.prompts.values():
        for prompt in prompts:
            if prompt.frame == frame:
                _draw_prompt(canvas, prompt, window, scale)
    height, width = shape[0] // FINER, shape[1] // FINER
    # (fine y, fine x, 3) -> (y, FINER, x, FINER, 3), averaged to (y, x, 3)
    tile: np.ndarray = canvas.reshape(height, FINER, width, FINER, 3).mean(axis=(1, 3))
    if len(picture.labels) > 1:
        _write_number(tile, frame)
    np.clip(tile, 0, 1, out=tile)
    return tile


def _regions(
    labels: np.ndarray, window: Window, canvas: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield each object's id, the part of the canvas around it, and its region there with smooth borders."""
    from scipy.ndimage import map_coordinates

    y0, x0, y1, x1 = window
    cut = labels[y0:y1, x0:x1]
    for object_id in np.unique(cut[cut > 0]).tolist():
        mask = (cut == object_id).astype(np.float32)
        boxes, places = [], []
        for axis in (0, 1):
            fine, coarse = canvas.shape[axis], mask.shape[axis]
            place = (np.arange(fine) + 0.5) * coarse / fine - 0.5
            used = np.flatnonzero(mask.any(axis=1 - axis))
            near = np.flatnonzero((place > used[0] - 1) & (place < used[-1] + 1))
            boxes.append(slice(near[0], near[-1] + 1))
            places.append(place[near])
        grid = np.meshgrid(*places, indexing="ij")
        region = map_coordinates(mask, grid, order=1, mode="nearest") > 0.5
        yield object_id, canvas[tuple(boxes)], region


def _outline(region: np.ndarray, thickness: int) -> np.ndarray:
    """Return the pixels of a region that are nearer to its outside than a thickness."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    line: np.ndarray = (depth > 0) & (depth <= thickness)
    return line


def _draw_prompt(canvas: np.ndarray, prompt: Prompt, window: Window, scale: float) -> None:
    """Draw a point as a white dot (black if negative) with a ring, a box as its outline."""
    y0, x0, _, _ = window
    rows, columns = np.ogrid[: canvas.shape[0], : canvas.shape[1]]
    if isinstance(prompt, Point):
        y, x = ((v + 0.5 - start) * scale for v, start in zip(prompt.yx, (y0, x0), strict=True))
        far = np.hypot(rows - y, columns - x)
        ink = float(prompt.positive)
        canvas[far <= 5 * FINER] = 1 - ink
        canvas[far <= 3.6 * FINER] = ink
    elif isinstance(prompt, Box):
        (ya, xa), (yb, xb) = (
            ((y + 0.5 - y0) * scale, (x + 0.5 - x0) * scale)
            for y, x in (prompt.yx_min, prompt.yx_max)
        )
        outside = np.maximum(
            np.abs(rows - (ya + yb) / 2) - (yb - ya) / 2,
            np.abs(columns - (xa + xb) / 2) - (xb - xa) / 2,
        )
        canvas[np.abs(outside) <= FINER] = 1


def _write_number(tile: np.ndarray, number: int, dot: int = 3) -> None:
    """Write a number into the upper left corner, white on a darkened ground."""
    bits = [
        [[int(c) >> 2 & 1, int(c) >> 1 & 1, int(c) & 1, 0] for c in DIGITS[d]] for d in str(number)
    ]
    dots = np.concatenate(bits, axis=1)[:, :-1]
    ink = np.kron(dots, np.ones((dot, dot))) > 0
    height, width = ink.shape
    if height + 4 * dot > tile.shape[0] or width + 4 * dot > tile.shape[1]:
        return
    tile[: height + 4 * dot, : width + 4 * dot] *= 0.35
    tile[2 * dot : 2 * dot + height, 2 * dot : 2 * dot + width][ink] = 1


def _montage(tiles: Sequence[np.ndarray]) -> np.ndarray:
    """Put tiles of one size side by side, in rows, about four to three."""
    height, width = tiles[0].shape[:2]
    count = len(tiles)
    columns = min(
        range(1, count + 1),
        key=lambda n: (
            abs(np.log(n * width / (-(-count // n) * height) / (4 / 3))) + (-count % n) * 0.2
        ),
    )
    rows = -(-count // columns)
    sheet = np.full(
        (rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), DARK, np.float32
    )
    for index, tile in enumerate(tiles):
        y = GAP + index // columns * (height + GAP)
        x = GAP + index % columns * (width + GAP)
        sheet[y : y + height, x : x + width] = tile
    return sheet
