"""Clicks and masks lie where they should: scaled, moved, turned, 2-D, 4-D, in colour; a real window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam2 import Point, Session

pytestmark = pytest.mark.gui

ROTATION = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])
AFFINE = np.array([[1.5, 0, 0, 1], [0, 0, -1.5, 40], [0, 1, 0.5, -7], [0, 0, 0, 1]])

TRANSFORMS = {
    "scale": {"scale": (2.2, 0.3, 0.3), "units": ("pixel", "micrometer", "micrometer")},
    "translate": {"translate": (-5, 100.5, 3)},
    "rotate": {"rotate": ROTATION},
    "affine": {"affine": AFFINE},
    "all": {
        "scale": (2, 0.5, 0.25),
        "translate": (1, 2, 3),
        "rotate": ROTATION,
        "shear": (0, 0, 0.3),
    },
}


@pytest.mark.parametrize("options", TRANSFORMS.values(), ids=TRANSFORMS)
def test_click_on_a_transformed_image_is_where_the_mouse_is(
    open_window, stack, net, options
) -> None:
    window = open_window(stack, **options).start()
    image = window.viewer.layers[0]
    window.viewer.dims.set_point(0, image.data_to_world((3, 0, 0))[0])
    window.click(image.data_to_world((3, 20, 26))[1:])
    ((point,),) = ([click.point for click in window.controller.binding._known],)
    assert point.frame == 3
    assert point.yx == pytest.approx((20, 26), abs=0.5)
    session = Session(stack, net, drops_islands=True)
    session.add_prompt(1, point)
    assert np.array_equal(window.labels, session.labels)
    for layer in (window.layer, window.prompts):
        assert np.allclose(layer.extent.world, image.extent.world) or layer is window.prompts
        for place in [(0, 0, 0), (4, 39, 47)]:
            assert layer.data_to_world(place) == pytest.approx(image.data_to_world(place))
    window.widget.undo.click()
    window.settle()
    window.widget.redo.click()
    window.settle()
    assert [c.point for c in window.controller.binding._known] == [point]
    assert window.prompts.data == pytest.approx(np.array([[3, *point.yx]]), abs=1e-6)


def test_image_that_is_moved_while_it_is_segmented(open_window, stack, net) -> None:
    window = open_window(stack).start().go_to(2)
    image = window.viewer.layers[0]
    image.scale = (1, 0.5, 0.5)
    image.translate = (0, 3, 4)
    window.viewer.reset_view()
    window.click((3 + 10, 4 + 12))
    (click,) = window.controller.binding._known
    assert click.point.yx == pytest.approx((20, 24), abs=0.5)


def test_single_plane(open_window, stack, net) -> None:
    window = open_window(stack[2]).start()
    assert not window.widget.setup.axis.isVisible()
    window.click((20, 24))
    (click,) = window.controller.binding._known
    session = Session(stack[2:3], net, drops_islands=True)
    session.add_prompt(1, click.point)
    assert np.array_equal(window.labels, session.labels[0])
    assert not window.widget.propagate.isEnabled()


@pytest.mark.parametrize("axis", [0, 1])
def test_four_axes_follow_the_chosen_one_at_the_current_position(
    open_window, stack, net, axis, notices
) -> None:
    image = np.stack([stack, stack[::-1], stack])  # (t, z, y, x)
    options = {"axis_labels": ("t", "z", "y", "x")}
    window = open_window(image, **options)
    assert [window.widget.setup.axis.itemText(i) for i in range(2)] == ["t (3)", "z (5)"]
    assert window.widget.setup.axis.isEnabled()
    window.widget.setup.axis.setCurrentIndex(axis)
    window.viewer.dims.set_current_step(0, 1)
    window.viewer.dims.set_current_step(1, 3)
    window.start()
    window.click((20, 24))
    (click,) = window.controller.binding._known
    assert click.point.frame == (1, 3)[axis]
    window.widget.propagate.click()
    window.settle()
    frames = image[:, 3] if axis == 0 else image[1]
    session = Session(frames, net, drops_islands=True)
    session.add_prompt(1, click.point)
    list(session.propagate())
    expected = np.zeros(image.shape, dtype=np.uint16)
    expected[(slice(None), 3) if axis == 0 else 1] = session.labels
    assert expected.any()
    assert np.array_equal(window.labels, expected)
    # a click elsewhere is refused with the name of the axis
    window.viewer.dims.set_current_step(1 - axis, 0)
    window.click((20, 24))
    assert len(window.prompts.data) == 1
    assert f"this click is at {'zt'[axis]} = 0" in notices[0]
    assert np.array_equal(window.labels, expected)


def test_frames_shown_sideways_take_clicks_on_any_frame(open_window, stack, net) -> None:
    window = open_window(stack, scale=(8, 1, 1)).start()
    window.viewer.dims.order = (1, 0, 2)  # rows are left out, frames are rows
    window.viewer.reset_view()
    window.viewer.dims.set_point(1, 20)
    window.click((3 * 8, 26))
    (click,) = window.controller.binding._known
    assert click.point.frame == 3
    assert click.point.yx == pytest.approx((20, 26), abs=0.5)
    assert window.labels[3].any()


def test_colour_image(open_window, net) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (3, 40, 48, 3)).astype(np.uint8)
    window = open_window(image, rgb=True).start().go_to(1)
    window.click((20, 24))
    (click,) = window.controller.binding._known
    session = Session(image, net, None, drops_islands=True)
    session.add_prompt(1, click.point)
    assert np.array_equal(window.labels, session.labels)


def test_multiscale_image_is_segmented_in_full_resolution(open_window, stack, net) -> None:
    small = stack[:, ::2, ::2]
    window = open_window([stack, small], multiscale=True, scale=(1, 0.5, 0.5)).start().go_to(2)
    window.click((10, 12))
    (click,) = window.controller.binding._known
    assert click.point.yx == pytest.approx((20, 24), abs=0.5)
    session = Session(stack, net, drops_islands=True)
    session.add_prompt(1, click.point)
    assert np.array_equal(window.labels, session.labels)


def test_image_with_fewer_axes_than_the_viewer(open_window, stack, net) -> None:
    window = open_window(stack)
    window.viewer.add_image(np.zeros((2, 5, 40, 48)), name="four")
    window.widget.setup.image.setCurrentIndex(0)
    window.start()
    window.viewer.dims.set_current_step(1, 3)
    window.click((20, 24))
    (click,) = window.controller.binding._known
    assert click.point == Point(3, click.point.yx)
    assert window.labels[3].any()
