"""Mask updates in the Labels layer; without a window."""

from __future__ import annotations

from unittest.mock import create_autospec

import numpy as np
import pytest
from napari.components import Dims
from napari.layers import Labels

from napari_sam2._napari.coordinates import Placement
from napari_sam2._napari.painting import Painter, merge
from napari_sam2.results import NO_SCORES, MaskUpdate

PLACEMENT = Placement((3, 4, 5), axis=0, position=(0, 0, 0), names=("z", "y", "x"))


def update(frame: int, window: tuple, values, revision: int) -> MaskUpdate:
    labels = np.array(values, dtype=np.uint16)
    return MaskUpdate(1, frame, window, labels == 1, labels, NO_SCORES, revision)


@pytest.fixture
def labels() -> Labels:
    return Labels(np.zeros((3, 4, 5), dtype=np.uint16))


@pytest.fixture
def dims() -> Dims:
    return Dims(ndim=3, ndisplay=2, range=((0, 2, 1), (0, 3, 1), (0, 4, 1)), point=(1, 0, 0))


@pytest.fixture
def painter(qtbot, labels, dims):
    painter = Painter(labels, PLACEMENT, dims)
    yield painter
    painter.close()


def test_merge_leaves_what_was_painted_by_hand() -> None:
    #                 ours  hand  background, erased by hand
    shown = np.array([[1, 9, 0, 0]])
    painted = np.array([[1, 1, 0, 1]])
    new = np.array([[2, 2, 2, 2]])
    merge(shown, painted, new)
    assert shown.tolist() == [[2, 9, 2, 0]]
    assert painted.tolist() == [[2, 2, 2, 2]]


def test_only_the_window_changes(painter, labels) -> None:
    painter.paint(update(1, (1, 2, 3, 4), [[1, 1], [0, 1]], revision=1))
    assert labels.data[1].tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0],
    ]
    assert not labels.data[[0, 2]].any()


def test_stale_update_is_dropped(painter, labels) -> None:
    assert painter.paint(update(1, (0, 0, 1, 1), [[1]], revision=5))
    assert not painter.paint(update(1, (0, 0, 1, 1), [[2]], revision=4))
    assert not painter.paint(update(1, (0, 0, 1, 1), [[2]], revision=5))
    assert labels.data[1, 0, 0] == 1


def test_update_without_a_mask_is_taken_in(painter, labels) -> None:
    assert painter.paint(update(1, (0, 0, 0, 0), np.zeros((0, 0)), revision=1))
    assert not labels.data.any()


def test_object_that_went_away_is_erased(painter, labels) -> None:
    painter.paint(update(1, (0, 0, 2, 2), [[1, 1], [1, 1]], revision=1))
    painter.paint(update(1, (0, 0, 2, 2), [[0, 0], [0, 0]], revision=2))
    assert not labels.data.any()


def test_numbers_grow_when_an_id_needs_it(painter, labels) -> None:
    painter.paint(update(1, (0, 0, 1, 1), [[7]], revision=1))
    big = np.array([[70_000]], dtype=np.uint32)
    painter.paint(MaskUpdate(70_000, 2, (0, 0, 1, 1), big > 0, big, NO_SCORES, 2))
    assert (labels.data[1, 0, 0], labels.data[2, 0, 0]) == (7, 70_000)
    painter.paint(update(2, (0, 0, 1, 1), [[7]], revision=3))
    assert labels.data[2, 0, 0] == 7


def refreshes(painter, labels, monkeypatch, frame: int) -> int:
    refresh = create_autospec(labels.refresh)
    monkeypatch.setattr(labels, "refresh", refresh)
    painter.paint(update(frame, (0, 0, 1, 1), [[1]], revision=1))
    return refresh.call_count


@pytest.mark.parametrize(("frame", "expected"), [(1, 1), (2, 0), (0, 0)])
def test_the_shown_plane_alone_is_drawn(painter, labels, monkeypatch, frame, expected) -> None:
    assert refreshes(painter, labels, monkeypatch, frame) == expected


@pytest.mark.parametrize(("frame", "expected"), [(0, 1), (1, 1), (2, 0)])
def test_between_two_planes_both_are_drawn(
    painter, labels, dims, monkeypatch, frame, expected
) -> None:
    dims.point = (0.5, 0, 0)
    assert refreshes(painter, labels, monkeypatch, frame) == expected


def test_plane_that_is_not_shown_is_not_drawn(painter, labels, dims, monkeypatch) -> None:
    dims.set_point(0, 0)
    assert refreshes(painter, labels, monkeypatch, 2) == 0
    assert labels.data[2, 0, 0] == 1


def test_every_plane_is_drawn_in_3d_and_along_the_axis(painter, labels, dims, monkeypatch) -> None:
    dims.set_point(0, 0)
    dims.order = (1, 0, 2)  # frames are shown as rows
    assert refreshes(painter, labels, monkeypatch, 2) == 1


def test_many_updates_are_drawn_together(painter, labels, monkeypatch, qtbot) -> None:
    refresh = create_autospec(labels.refresh)
    monkeypatch.setattr(labels, "refresh", refresh)
    for revision in range(1, 200):
        painter.paint(update(1, (0, 0, 1, 1), [[revision]], revision))
    assert refresh.call_count <= 20
    qtbot.waitUntil(lambda: refresh.call_count >= 2)  # the first at once, the last soon
    drawn = refresh.call_count
    qtbot.wait(150)
    assert refresh.call_count <= drawn + 1
