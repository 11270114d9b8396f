"""Data pixels and the model's pixels lie on each other exactly."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_sam2.engine.transforms import View, exact_logits, input_side, view_of
from napari_sam2.model.config import CONFIGS

CPU = torch.device("cpu")
NANO, TINY = CONFIGS["nano"], CONFIGS["sam2.1_hiera_tiny"]


@pytest.mark.parametrize(
    ("config", "window", "side"),
    [
        (TINY, (0, 0, 64, 64), 1024),
        (TINY, (0, 0, 3000, 2000), 1024),
        (NANO, (0, 0, 64, 64), 128),
        (NANO, (10, 0, 200, 211), 224),
        (NANO, (0, 0, 3000, 2000), 512),
    ],
)
def test_input_side(config, window, side):
    assert input_side(config, window) == side


def test_at_the_input_size_points_are_as_they_were():
    view = View((0, 0, 256, 256), 256)
    assert view.points([(3.0, 7.5)], CPU).tolist() == [[[7.5, 3.0]]]
    assert view.points([], CPU).shape == (1, 0, 2)


@given(st.integers(0, 63), st.integers(0, 95))
def test_a_click_falls_on_the_pixel_that_it_names(y, x):
    """A single bright pixel is enlarged; the click's place in the input is the middle of the bright spot."""
    plane = np.zeros((64, 96, 3), np.float32)
    plane[y, x] = 1
    view = View((0, 0, 64, 96), 512)
    ((px, py),) = view.points([(y, x)], CPU)[0].tolist()
    image = view.image(plane, CPU)[0, 0]
    bright = (image - image.min()).double()
    grid = torch.arange(512, dtype=torch.double)
    inside = 1 <= y <= 62 and 1 <= x <= 94  # at the rim the enlarged spot is cut off
    if inside:
        assert float((bright.sum(1) * grid).sum() / bright.sum()) == pytest.approx(py, abs=0.01)
        assert float((bright.sum(0) * grid).sum() / bright.sum()) == pytest.approx(px, abs=0.01)


def test_a_window_is_cut_where_it_lies():
    plane = np.zeros((50, 60, 3), np.float32)
    plane[20:30, 40:50] = 1
    view = View((20, 40, 30, 50), 32)
    image = view.image(plane, CPU)
    assert torch.allclose(image[0, 0], torch.full((32, 32), (1 - 0.485) / 0.229), atol=1e-5)
    assert view.points([(20, 40)], CPU)[0, 0].tolist() == pytest.approx([1.1, 1.1])


def test_masks_go_there_and_back():
    y, x = np.mgrid[:100, :120]
    mask = (y - 50) ** 2 + (x - 60) ** 2 < 30**2
    view = View((0, 0, 100, 120), 256)
    exact = view.exact_mask(mask, CPU)
    assert exact.shape == (1, 1, 256, 256)
    assert set(exact.unique().tolist()) == {0.0, 1.0}
    back = (view.to_data(exact_logits(exact))[0, 0] > 0).numpy()
    assert (back & mask).sum() / (back | mask).sum() > 0.96
    hinted = (view.to_data(view.hint_logits(mask, CPU))[0, 0] > 0).numpy()
    assert (hinted & mask).sum() / (hinted | mask).sum() > 0.96


@given(
    st.tuples(st.floats(0, 99), st.floats(0, 149)),
    st.integers(16, 200),
)
def test_windows_lie_inside_and_hold_their_centre(centre, extent):
    view = view_of((100, 150), NANO, centre, extent)
    y0, x0, y1, x1 = view.window
    assert 0 <= y0 < y1 <= 100 and 0 <= x0 < x1 <= 150
    assert (y1 - y0, x1 - x0) == (min(extent, 100), min(extent, 150))
    assert y0 - 0.5 <= centre[0] <= y1 - 0.5
    assert x0 - 0.5 <= centre[1] <= x1 - 0.5


def test_without_an_extent_the_whole_plane_is_shown():
    assert view_of((100, 150), NANO, (3, 3), None) == View((0, 0, 100, 150), 160)


@given(st.integers(0, 39), st.integers(0, 63))
def test_a_mirrored_view_is_a_view_of_the_mirrored_plane(y, x):
    """Image, points and masks of a mirrored view, against those of a plane that was mirrored before."""
    rng = np.random.default_rng(y * 64 + x)
    plane = rng.random((40, 64, 3)).astype(np.float32)
    mask = rng.random((40, 64)) < 0.3
    upright, mirrored = View((0, 0, 40, 64), 128), View((0, 0, 40, 64), 128, mirrored=True)
    turned_mask = np.ascontiguousarray(mask[:, ::-1])
    assert torch.allclose(
        mirrored.image(plane, CPU), upright.image(plane[:, ::-1].copy(), CPU), atol=1e-5
    )
    assert torch.allclose(
        mirrored.points([(y, x)], CPU), upright.points([(y, 63 - x)], CPU), atol=1e-4
    )
    assert torch.allclose(
        mirrored.hint_logits(mask, CPU), upright.hint_logits(turned_mask, CPU), atol=1e-4
    )
    assert torch.equal(mirrored.exact_mask(mask, CPU), upright.exact_mask(turned_mask, CPU))
    assert np.array_equal(mirrored.cells_of_mask(mask), upright.cells_of_mask(turned_mask))
    assert np.array_equal(
        mirrored.cells_of_points([(y, x)]), upright.cells_of_points([(y, 63 - x)])
    )
    logits = torch.randn(2, 32, 32, generator=torch.Generator().manual_seed(x))
    there = mirrored.to_data(logits)
    assert torch.allclose(there, upright.to_data(mirrored.turn(logits)), atol=1e-5)
    assert torch.equal(mirrored.turn(mirrored.turn(logits)), logits)
