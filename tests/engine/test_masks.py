"""Packed masks, and who owns a contested pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_sam2.engine.masks import Claim, CompactMask, compose, intersect, union

WINDOWS = st.tuples(*[st.integers(0, 9)] * 4).map(
    lambda w: (min(w[0], w[2]), min(w[1], w[3]), max(w[0], w[2]) + 1, max(w[1], w[3]) + 1)
)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)), WINDOWS)
def test_packing_loses_nothing(mask, window):
    packed = CompactMask.pack(mask)
    assert np.array_equal(packed.inside((0, 0, *mask.shape)), mask)
    assert packed.area == mask.sum()
    y0, x0, y1, x1 = window
    big = np.zeros((20, 20), bool)
    big[: mask.shape[0], : mask.shape[1]] = mask
    assert np.array_equal(packed.inside(window), big[y0:y1, x0:x1])


def test_the_window_is_the_bounding_box_at_its_origin():
    mask = np.zeros((5, 6), bool)
    mask[1:3, 2:5] = True
    packed = CompactMask.pack(mask, origin=(10, 20))
    assert packed.window == (11, 22, 13, 25)
    assert packed.centre() == (11.5, 23.0)
    assert CompactMask.pack(np.zeros((3, 3), bool)).centre() is None


def test_a_cell_takes_less_than_half_a_kilobyte():
    y, x = np.mgrid[:1024, :1024]
    disk = (y - 500) ** 2 + (x - 300) ** 2 < 40**2
    assert len(CompactMask.pack(disk).packed) < 512


@given(WINDOWS, WINDOWS)
def test_windows(a, b):
    def pixels(w):
        return {(y, x) for y in range(w[0], w[2]) for x in range(w[1], w[3])}

    common = intersect(a, b)
    assert (pixels(common) if common else set()) == pixels(a) & pixels(b)
    assert pixels(a) | pixels(b) <= pixels(union(a, b))
    assert union(a, (0, 0, 0, 0)) == union((0, 0, 0, 0), a) == a


#        object 1   object 2   logits 1   logits 2
#        1 1 1 0    0 1 1 1    5 5 1 -    - 1 5 5
FIRST = np.array([[True, True, True, False]])
SECOND = np.array([[False, True, True, True]])


def claims(asked=None):
    def logits(name, values):
        def give():
            if asked is not None:
                asked.append(name)
            return np.array([values], dtype=np.float32)

        return give

    return [
        Claim(1, FIRST, logits(1, [5, 5, 1, -9])),
        Claim(2, SECOND, logits(2, [-9, 1, 5, 5])),
    ]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [("higher_logit", [1, 1, 2, 2]), ("first", [1, 1, 1, 2]), ("newest", [1, 2, 2, 2])],
)
def test_contested_pixels(overlap, expected):
    assert compose(claims(), (1, 4), overlap).tolist() == [expected]


def test_logits_are_not_asked_for_where_nothing_is_contested():
    asked = []
    one, two = claims(asked)
    apart = [one, Claim(2, SECOND & ~FIRST, two.logits)]
    assert compose(apart, (1, 4), "higher_logit").tolist() == [[1, 1, 1, 2]]
    assert asked == []
