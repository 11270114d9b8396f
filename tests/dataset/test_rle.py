"""COCO's run lengths, against strings worked out by hand from the published format, and against the published code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as published

from napari_sam2.dataset import decode_rle, encode_rle
from napari_sam2.dataset.rle import area_of, runs_from_text, text_from_runs
from napari_sam2.errors import DatasetError


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        # 25 = 0b11001 has the sign's bit set, so a group of zeros follows: (25 + 32 + 48), 48
        (np.zeros((5, 5), bool), "i0"),
        # beginning with no zeros, then 6 ones
        (np.ones((2, 3), bool), "06"),
        (np.array([[1, 0], [0, 0]], bool), "013"),
        # columns 00, 11, 01: runs 2 2 1 1, and the fourth is written as 1 - 2 = -1, all five bits
        (np.array([[0, 1, 0], [0, 1, 1]], bool), "221O"),
        # a million = 0 + 32 * (18 + 32 * (16 + 32 * 30)), and 30 has the sign's bit set
        (np.zeros((1000, 1000), bool), "Pb`n0"),
    ],
    ids=["empty", "full", "first pixel", "by columns", "large"],
)
def test_masks_are_the_text_that_was_computed_by_hand(mask: np.ndarray, text: str) -> None:
    assert encode_rle(mask) == {"size": list(mask.shape), "counts": text}
    assert np.array_equal(decode_rle({"size": mask.shape, "counts": text}), mask)


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        # 40 = 8 + 32 * 1; 2 - 40 = -38 = 26 - 32 * 2, and -2 is 30 with the sign's bit
        ([5, 40, 1, 2], "5X11jN"),
        # the third number is never a difference, the fourth and fifth are: 7 - 7 and 9 - 8
        ([7, 7, 8, 7, 9], "778" + "0" + "1"),
        ([15, 16], "?" + "@0".replace("@", chr(16 + 32 + 48))),
        ([], ""),
    ],
)
def test_runs_are_the_text_that_was_computed_by_hand(runs: list[int], text: str) -> None:
    assert text_from_runs(runs) == text
    assert runs_from_text(text) == runs


def published_decoder(text: str) -> list[int]:
    """The format as it is published, bit by bit: integers of 64 bits, the sign filled up."""
    counts: list[int] = []
    groups: list[int] = []
    for character in text:
        code = ord(character) - 48
        groups.append(code & 31)
        if not code & 32:
            bits = "".join(f"{group:05b}" for group in reversed(groups))
            number = int(bits, 2) - (int(bits[0]) << len(bits))  # two's complement
            counts.append(number + counts[-2] if len(counts) > 2 else number)
            groups = []
    return counts


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (37, 53), (400, 300)])
def test_random_masks_come_back_and_agree_with_a_second_decoder(
    shape: tuple[int, int], share: float
) -> None:
    mask = np.random.default_rng(0).random(shape) < share
    rle = encode_rle(mask)
    assert np.array_equal(decode_rle(rle), mask)
    assert area_of(rle) == mask.sum()
    runs = published_decoder(rle["counts"])
    columns = np.repeat(np.arange(len(runs)) % 2, runs)
    assert np.array_equal(columns.reshape(shape, order="F"), mask)


def test_uncompressed_runs_are_read_too() -> None:
    mask = decode_rle({"size": [2, 3], "counts": [2, 2, 1, 1]})
    assert np.array_equal(mask, [[0, 1, 0], [0, 1, 1]])


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("i", "end within a number"),
        ("!", "is none of COCO's run lengths"),
        ("p0", "is none of COCO's run lengths"),
        ("5", "runs of 5 pixels in all do not fill a mask of 2 x 3"),
        ([7, -1], "do not fill"),
    ],
)
def test_what_is_no_mask_is_refused(counts: object, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        decode_rle({"size": [2, 3], "counts": counts})


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:pycocotools")
@settings(max_examples=50, deadline=None)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_the_published_code_writes_the_same_and_reads_it(mask: np.ndarray) -> None:
    theirs = published.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = encode_rle(mask)
    assert ours == {"size": list(theirs["size"]), "counts": theirs["counts"].decode()}
    assert np.array_equal(published.decode(ours), mask)
    assert area_of(ours) == published.area(theirs)
