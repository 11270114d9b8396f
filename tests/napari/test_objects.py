"""Objects are picked, named, locked, joined, split, accepted and deleted; labels and points are taken; a real window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam2._napari.tool import Tool

if TYPE_CHECKING:
    from napari_sam2._napari.messages import ObjectsNow

pytestmark = pytest.mark.gui

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(open_window, stack):
    return open_window(stack).start().go_to(2)


def squares(*places: tuple[int, int, int]) -> np.ndarray:
    """Draw squares of 6 x 6 pixels, (frame, y, x) of their corners, with the values 1, 2, ..."""
    labels = np.zeros((5, 40, 48), dtype=np.uint16)
    for value, (frame, y, x) in enumerate(places, start=1):
        labels[frame, y : y + 6, x : x + 6] = value
    return labels


def take(window, labels, **options):
    layer = window.viewer.add_labels(labels, name="before", **options)
    window.controller.take_layer(layer)
    window.settle()
    return layer


def known(window) -> dict[int, object]:
    """What the table would show, once it is up to date."""
    window.settle()
    found: list[ObjectsNow] = []
    window.widget.objects_changed.connect(found.append)
    window.controller.rename(10**6, "nobody")  # refused; but it disturbs the rest
    window.wait(lambda: bool(found))
    window.widget.objects_changed.disconnect(found.append)
    return {each.object_id: each for each in found[-1].objects}


def test_labels_become_objects(window) -> None:
    labels = squares((1, 5, 5), (2, 20, 20), (3, 30, 40))
    take(window, labels)
    assert np.array_equal(window.labels, labels)
    assert window.state.object_id == 1
    assert "3 objects were taken from before" in window.widget.progress_view.text.text()
    window.widget.undo.click()
    window.settle()
    assert not window.labels.any()


def test_one_plane_of_labels_goes_to_the_frame_in_view(window) -> None:
    take(window, squares((0, 5, 5), (0, 20, 20))[0])
    assert [frame for frame in range(5) if window.labels[frame].any()] == [2]
    assert set(np.unique(window.labels)) == {0, 1, 2}


def test_labels_that_do_not_fit_are_refused(window, notices) -> None:
    layer = take(window, np.ones((5, 40, 50), dtype=int))
    assert "must fit the image pixel by pixel" in notices[0]
    window.viewer.layers.remove(layer)
    take(window, squares((1, 5, 5)), translate=(0, 3, 0))
    assert "does not lie on" in notices[1]
    assert not window.labels.any()


def test_points_are_seeds_one_object_each(window, notices) -> None:
    points = window.viewer.add_points([(1, 10, 10), (2, 20, 24), (4, 30, 30)], name="seeds")
    window.controller.take_layer(points)
    window.settle()
    assert "3 new objects" in window.widget.progress_view.text.text()
    assert sorted(window.prompts.features["object_id"]) == [1, 2, 3]
    window.widget.undo.click()  # all of them
    window.settle()
    assert (len(window.prompts.data), window.labels.any()) == (0, False)
    points.data = np.empty((0, 3))
    window.controller.take_layer(points)
    assert "no points" in notices[0]


def test_menu_offers_the_layers_of_others(window) -> None:
    window.viewer.add_labels(squares((1, 5, 5)), name="nuclei")
    window.viewer.add_points([(1, 10, 10)], name="seeds")
    window.widget._menu.aboutToShow.emit()
    texts = [action.text() for action in window.widget._menu.actions()]
    assert texts == ["nuclei: labels as objects", "seeds: one object per point"]
    window.widget._menu.actions()[0].trigger()
    window.settle()
    assert (window.labels[1] == 1).sum() == 36


def test_objects_are_told_for_the_table(window) -> None:
    take(window, squares((1, 5, 5), (2, 20, 20)))
    window.controller.rename(2, "mother")
    window.controller.lock(2, True)
    objects = known(window)
    assert list(objects) == [1, 2]
    assert (objects[2].name, objects[2].locked, objects[1].locked) == ("mother", True, False)
    assert np.flatnonzero(objects[1].area > 0).tolist() == [1]
    assert objects[1].trusted[1]
    assert objects[1].confidence.shape == (5,)


def test_deleted_object_is_gone_and_comes_back(window) -> None:
    labels = squares((1, 5, 5), (2, 20, 20))
    take(window, labels)
    window.controller.select(2)
    window.press(Qt.Key.Key_X, SHIFT)
    window.settle()
    assert set(np.unique(window.labels)) == {0, 1}
    assert window.state.object_id == 3  # an id is not used again
    window.widget.undo.click()
    window.settle()
    assert np.array_equal(window.labels, labels)


def test_locked_object_takes_no_prompt(window, notices) -> None:
    take(window, squares((2, 18, 22)))
    window.press(Qt.Key.Key_K, SHIFT)
    window.settle()
    assert "locked" in window.widget.progress_view.text.text()
    window.controller.take_tool(Tool.POINT)
    before = window.labels.copy()
    window.click((10, 10))
    assert "locked" in notices[0]
    assert len(window.prompts.data) == 0
    assert np.array_equal(window.labels, before)
    window.press(Qt.Key.Key_K, SHIFT)
    window.settle()
    assert "unlocked" in window.widget.progress_view.text.text()


def test_merge_and_split(window, notices) -> None:
    take(window, squares((2, 5, 5), (2, 20, 20)))
    window.controller.merge([1, 2])
    window.settle()
    assert set(np.unique(window.labels)) == {0, 1}
    window.controller.take_tool(Tool.PAN)
    window.hover((22, 22))
    window.press(Qt.Key.Key_S, SHIFT)
    window.settle()
    new = window.state.object_id
    assert new == 3
    assert (window.labels[2, 20:26, 20:26] == new).all()
    assert (window.labels[2, 5:11, 5:11] == 1).all()
    assert "was split off" in window.widget.progress_view.text.text()
    window.press(Qt.Key.Key_S, SHIFT)
    window.settle()
    assert notices  # one part only


def test_worst_place_is_shown_and_accepted(window) -> None:
    window.click((20, 24))
    window.widget.propagate.click()
    window.settle()
    seen = []
    for _ in range(4):
        window.press(Qt.Key.Key_0)
        window.settle()
        seen.append(int(window.viewer.dims.current_step[0]))
    assert sorted(seen) == [0, 1, 3, 4]  # the prompted frame is not among them
    assert "confidence" in window.widget.progress_view.text.text()
    window.press(Qt.Key.Key_9)
    window.settle()
    assert known(window)[1].trusted.nonzero()[0].tolist() == sorted([2, seen[-1]])
    window.press(Qt.Key.Key_0)
    window.settle()
    assert "was looked at" in window.widget.progress_view.text.text()


def test_go_to_shows_the_object_and_moves_the_camera_only_if_it_must(window) -> None:
    from napari_sam2._napari.looking import camera_of

    take(window, squares((4, 2, 2), (1, 30, 40)))
    camera = camera_of(window.viewer)
    center = camera.center
    window.controller.go_to(2)
    assert window.viewer.dims.current_step[0] == 1
    assert (window.state.object_id, camera.center) == (2, center)
    camera.zoom *= 6
    window.qtbot.wait(50)
    window.controller.go_to(1, 4)
    assert window.viewer.dims.current_step[0] == 4
    assert np.allclose(camera.center[-2:], (4.5, 4.5), atol=1)


@pytest.mark.parametrize("where", ["4-D", "transformed"])
def test_everything_lies_right_elsewhere(open_window, stack, where) -> None:
    """Boxes, labels and seeds on a time point of a 4-D image, and on a turned and scaled one."""
    turned = {
        "scale": (2, 0.5, 0.25),
        "rotate": np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]),
        "translate": (1, 2, 3),
    }
    if where == "4-D":
        window = open_window(np.stack([stack, stack]), axis_labels=("t", "z", "y", "x"))
        window.widget.setup.axis.setCurrentIndex(1)
        window.viewer.dims.set_current_step(0, 1)
        frames = lambda: window.labels[1]  # noqa: E731
    else:
        window = open_window(stack, **turned)
        frames = lambda: window.labels  # noqa: E731
    window.start()
    image = window.controller.binding.image
    at = lambda yx: image.data_to_world((*[1, 2][-(image.ndim - 2) :], *yx))  # noqa: E731
    window.viewer.dims.set_point(image.ndim - 3, at((0, 0))[-3])
    window.press(Qt.Key.Key_G)
    window.drag(*(at(yx)[-2:] for yx in [(12, 16), (12, 30), (28, 30), (28, 16), (13, 15)]))
    (lasso,) = window.controller.binding._drawn._known
    assert lasso.frame == 2
    assert np.allclose(np.ptp(lasso.path_yx, axis=0), (16, 15), atol=1.5)
    assert frames()[2].any()
    window.press(Qt.Key.Key_N)
    labels = squares((3, 2, 2))
    shape = (1, *labels.shape)[-image.ndim :] if image.ndim == 3 else labels.shape
    options = {} if where == "4-D" else turned
    take(window, labels.reshape(shape), **options)
    assert (frames()[3, 2:8, 2:8] > 0).all()
    seeds = window.viewer.add_points([at((30, 40))])
    window.controller.take_layer(seeds)
    window.settle()
    (place,) = window.prompts.data
    assert place[-3:] == pytest.approx((2, 30, 40), abs=1e-3)
