"""Small scenes with bright discs whose outlines are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.evaluation import Scene
from napari_sam2.stack import Stack

SIDE = 64


def disc(y: float, x: float, radius: float, side: int = SIDE) -> np.ndarray:
    rows, columns = np.ogrid[:side, :side]
    return np.hypot(rows - y, columns - x) <= radius


def scene_of(truth: np.ndarray, follow: str = "z", **more: object) -> Scene:
    """Bright objects on a dark, noisy ground."""
    rng = np.random.default_rng(0)
    image = np.where(truth > 0, 200, 40) + rng.normal(0, 4, truth.shape)
    stack = Stack.from_array(
        image.astype(np.float32), "TYX" if follow == "t" else "ZYX", source="a test"
    )
    return Scene("discs", stack, truth, follow, more.pop("planes", (len(truth) // 2,)), **more)


@pytest.fixture
def balls() -> Scene:
    """Two balls in nine slices; the second one ends before the stack does."""
    truth = np.zeros((9, SIDE, SIDE), np.int64)
    for frame in range(9):
        for label, (y, x, middle, radius) in enumerate(((20, 18, 4, 10), (42, 44, 3, 8)), start=1):
            squared = radius**2 - (2 * (frame - middle)) ** 2
            if squared > 4:
                truth[frame][disc(y, x, squared**0.5)] = label
    return scene_of(truth)


@pytest.fixture
def family() -> Scene:
    """A cell (1) that divides into two (2, 3) on frame 3, and one (4) that stays."""
    truth = np.zeros((6, SIDE, SIDE), np.int64)
    for frame in range(6):
        truth[frame][disc(48, 48, 8)] = 4
        if frame < 3:
            truth[frame][disc(20, 20 + frame, 8)] = 1
        else:
            truth[frame][disc(14, 20 + frame, 5)] = 2
            truth[frame][disc(28, 20 + frame, 5)] = 3
    return scene_of(truth, "t", planes=(0,), parents={2: 1, 3: 1}, smallest_volume=1)


class Perfect:
    """A method that knows the truth: each click adds a share of the object around it; carrying makes one mistake."""

    name = "perfect"

    def __init__(self, mistakes: int = 0) -> None:
        self.mistakes = mistakes

    def open(self, scene: Scene, window_side: int | None) -> PerfectWork:
        return PerfectWork(scene, window_side, self.mistakes)


class PerfectWork:
    def __init__(self, scene: Scene, window_side: int | None, mistakes: int) -> None:
        self.scene, self.window_side, self.mistakes = scene, window_side, mistakes
        self.clicks: dict[int, list] = {}
        self.boxes: list = []
        self.forgotten: list[int] = []

    def _truth(self, point):
        plane = self.scene.truth[point.frame]
        return plane == plane[int(point.yx[0]), int(point.yx[1])]

    def click(self, object_id, point):
        """The first click gives the upper part of the object, the second one all of it."""
        points = self.clicks.setdefault(object_id, [])
        points.append(point)
        mask = self._truth(points[0]).copy()
        if len(points) == 1:
            mask[int(point.yx[0]) + 1 :] = False
        return mask

    def candidates(self, object_id, frame):
        truth = self._truth(self.clicks[object_id][0])
        return [~truth, truth]

    def box(self, object_id, box):
        self.boxes.append(box)
        y, x = np.add(box.yx_min, box.yx_max) / 2
        plane = self.scene.truth[box.frame]
        return plane == plane[int(y), int(x)]

    def forget(self, object_id):
        self.forgotten.append(object_id)

    def carry(self):
        """All objects as they are; while an object has one click, some frames of it are missing."""
        labels = np.where(np.isin(self.scene.truth, list(self.clicks)), self.scene.truth, 0)
        for object_id, points in self.clicks.items():
            if len(points) == 1:
                frames = np.flatnonzero((labels == object_id).any(axis=(1, 2)))
                for frame in frames[len(frames) - self.mistakes :]:
                    labels[frame][labels[frame] == object_id] = 0
        return labels


@pytest.fixture
def perfect():
    """Make a method that knows the truth."""
    return Perfect
