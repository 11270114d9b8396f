"""The figure: of every set the best, the median and the worst object, after one click.

The truth is a white line, the result an amber one, the click a white dot. Objects on planes have one picture each, objects that
were carried four, spread over the frames where they are.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_sam2.engine.masks import NO_MASK, CompactMask
from napari_sam2.evaluation.lettering import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_sam2.evaluation.records import CarryRecord, ClickRecord, MethodResult
    from napari_sam2.evaluation.scene import Scene
    from napari_sam2.prompts import Point
    from napari_sam2.results import Window

__all__ = ["Row", "draw_figure", "rows_of"]

TILE = 256  # pixels
GAP = 6
CAPTION = 34
GROUND = 0.06
GAMMA = 0.7  # lifts what is dim
TRUTH = (1.0, 1.0, 1.0)
RESULT = (1.0, 0.75, 0.1)
RADIUS = 4
DARKER = 0.25
SLICES = 4  # of a carried object, two by two
ROOM = 0.6  # around an object, of its size
LEAST_ROOM = 6  # pixels

Row = np.ndarray
"""Pictures side by side, float, (y, x, 3), 0 to 1."""

Record = TypeVar("Record")


def rows_of(scene: Scene, result: MethodResult) -> list[Row]:
    """Draw the cases of one method on one set: a row for clicks, a row for frames, as far as there are any."""
    rows = []
    if result.clicks:
        cases = _cases(result.clicks, lambda record: record.iou_after(1))
        rows.append(
            _row(f"{scene.name}: one click", [_click_tile(scene, r) for _, r in cases], cases)
        )
    if result.carried:
        carried = _cases(result.carried, lambda record: record.before.iou)
        tiles = [_carry_tile(scene, record) for _, record in carried]
        rows.append(_row(f"{scene.name}: carried over frames", tiles, carried))
    return rows


def draw_figure(rows: Sequence[Row]) -> np.ndarray:
    """Put rows below each other, in two columns where there are many.

    Returns
    -------
    ndarray of uint8, (y, x, 3)
    """
    columns = 2 if len(rows) > 4 else 1
    lines = [list(rows[i : i + columns]) for i in range(0, len(rows), columns)]
    blank = np.full_like(rows[0], GROUND)
    sheet = np.concatenate(
        [np.concatenate(line + [blank] * (columns - len(line)), axis=1) for line in lines]
    )
    return np.asarray(np.round(255 * np.clip(sheet, 0, 1)), np.uint8)


def _cases(
    records: Sequence[Record], score: Callable[[Record], float]
) -> list[tuple[float, Record]]:
    """Return the best, the median (of two the better one) and the worst, with their scores."""
    ranked = sorted(((score(r), -i, r) for i, r in enumerate(records)), key=lambda e: e[:2])
    chosen = (ranked[-1], ranked[len(ranked) // 2], ranked[0])
    return [(value, record) for value, _, record in chosen]


def _row(title: str, tiles: list[np.ndarray], cases: Sequence[tuple[float, object]]) -> Row:
    """Put tiles side by side, with captions above."""
    row = np.full((TILE + CAPTION + GAP, 3 * (TILE + GAP) + GAP, 3), GROUND, np.float32)
    names = ("best", "median", "worst")
    for i, (tile, (value, _)) in enumerate(zip(tiles, cases, strict=True)):
        left = GAP + i * (TILE + GAP)
        row[CAPTION : CAPTION + TILE, left : left + TILE] = tile
        write(row, f"{names[i]} {value:.2f}", CAPTION - 14, left)
    write(row, title, 4, GAP)
    return row


def _click_tile(scene: Scene, record: ClickRecord) -> np.ndarray:
    truth = scene.truth[record.frame] == record.object_id
    window = _window(CompactMask.pack(truth).window, truth.shape)
    return _tile(scene, record.frame, truth, record.first_mask, window, record.first_point, TILE)


def _carry_tile(scene: Scene, record: CarryRecord) -> np.ndarray:
    """Draw four frames, two by two, from the first to the last one with object or result."""
    truths = scene.truth == record.object_id
    life = scene.life(record.object_id)
    frames = [f for f in life if truths[f].any() or f in record.masks]
    shown = [frames[round(i)] for i in np.linspace(0, len(frames) - 1, SLICES)]
    window = _window(CompactMask.pack(truths.any(axis=0)).window, truths.shape[1:])
    side = TILE // 2
    tiles = []
    for frame in shown:
        mask = record.masks.get(frame, NO_MASK)
        click = record.point if record.point.frame == frame else None
        tile = _tile(scene, frame, truths[frame], mask, window, click, side - 1)
        write(tile, str(frame), 3, 3)
        tiles.append(np.pad(tile, ((0, 1), (0, 1), (0, 0)), constant_values=GROUND))
    # (row, column, y, x, 3) -> (row, y, column, x, 3) -> (y, x, 3)
    grid = np.stack(tiles).reshape(2, 2, side, side, 3).transpose(0, 2, 1, 3, 4)
    return grid.reshape(TILE, TILE, 3)


def _tile(
    scene: Scene,
    frame: int,
    truth: np.ndarray,
    mask: CompactMask,
    window: Window,
    click: Point | None,
    side: int,
) -> np.ndarray:
    """Draw a square part of a plane."""
    y0, x0, y1, x1 = window
    size = max(y1 - y0, x1 - x0)
    scale = side / size
    tile = np.full((side, side, 3), GROUND, np.float32)
    height, width = (max(1, round(n * scale)) for n in (y1 - y0, x1 - x0))
    plane = np.clip(scene.brightness(frame)[y0:y1, x0:x1], 0, 1) ** GAMMA
    part = tile[:height, :width]
    part[:] = _enlarged(plane, (height, width))
    for region, colour in ((mask.inside(window), RESULT), (truth[y0:y1, x0:x1], TRUTH)):
        part[_outline(_enlarged(region.astype(np.float32), (height, width)) > 0.5)] = colour
    if click is not None:
        rows, columns = np.ogrid[:height, :width]
        y, x = ((v + 0.5 - start) * scale for v, start in zip(click.yx, (y0, x0), strict=True))
        far = np.hypot(rows + 0.5 - y, columns + 0.5 - x)
        part[far <= RADIUS + 1.5] = 0
        part[far <= RADIUS] = 1
    return tile


def _enlarged(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from skimage.transform import resize

    full = (*shape, *image.shape[2:])
    shrinks = shape[0] < image.shape[0]
    return np.asarray(resize(image, full, order=1, anti_aliasing=shrinks), np.float32)


def _outline(region: np.ndarray) -> np.ndarray:
    """Return the pixels of a region that touch its outside or the edge of the picture."""
    from scipy.ndimage import binary_erosion

    line: np.ndarray = region & ~binary_erosion(region)
    return line


def _window(bounds: Window, shape: tuple[int, ...]) -> Window:
    """Return a square around an object, with room, cut at the edges of the plane."""
    y0, x0, y1, x1 = bounds
    half = max(y1 - y0, x1 - x0) * (0.5 + ROOM) + LEAST_ROOM
    y, x = (y0 + y1) / 2, (x0 + x1) / 2
    return (
        *(max(0, round(y - half)), max(0, round(x - half))),
        *(min(shape[0], round(y + half)), min(shape[1], round(x + half))),
    )
