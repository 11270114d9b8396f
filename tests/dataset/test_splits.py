from __future__ import annotations

from collections import Counter

import pytest

from napari_sam2.dataset import Shares
from napari_sam2.dataset.splits import choose_splits
from napari_sam2.errors import DatasetError

NAMES = [f"stack-{i}" for i in range(20)]


def test_shares_are_kept() -> None:
    splits = choose_splits(NAMES, Shares(0.2, 0.1))
    assert splits.keys() == set(NAMES)
    assert Counter(splits.values()) == {"train": 14, "validation": 4, "test": 2}


def test_the_lot_depends_on_names_and_seed_alone() -> None:
    splits = choose_splits(NAMES, Shares(seed=3))
    assert choose_splits(reversed(NAMES), Shares(seed=3)) == splits
    assert choose_splits(NAMES, Shares(seed=4)) != splits


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, {"train": 1}),
        (2, {"train": 1, "validation": 1}),
        (3, {"train": 1, "validation": 1, "test": 1}),
    ],
)
def test_training_comes_first_and_then_one_of_each(n: int, expected: dict[str, int]) -> None:
    assert Counter(choose_splits(NAMES[:n], Shares(0.1, 0.1)).values()) == expected


def test_nothing_is_held_back_where_no_share_is_given() -> None:
    assert set(choose_splits(NAMES, Shares(0, 0)).values()) == {"train"}


def test_what_is_there_already_counts() -> None:
    taken = {"train": 8, "validation": 2, "test": 0}
    splits = choose_splits(NAMES[:10], Shares(0.2, 0.1), taken)
    assert Counter(splits.values()) == {"validation": 2, "test": 2, "train": 6}


@pytest.mark.parametrize(
    ("validation", "test"), [(-0.1, 0), (0.5, 0.5), (1.0, 0), (float("nan"), 0)]
)
def test_shares_that_leave_nothing_are_refused(validation: float, test: float) -> None:
    with pytest.raises(DatasetError, match="leave nothing for training, or are negative"):
        Shares(validation, test)
