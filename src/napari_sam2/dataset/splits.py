"""Which stacks are for training, which for validation, which for the test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_sam2.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SPLITS", "TRAIN", "Shares", "choose_splits"]

TRAIN: Final = "train"
SPLITS: Final = (TRAIN, "validation", "test")


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of the stacks are held back.

    Parameters
    ----------
    validation, test : float
        Shares of the stacks, 0 to 1; what is left is for training.
    seed : int
        Of the lot.

    Raises
    ------
    DatasetError
        If a share is negative, or nothing is left for training.
    """

    validation: float = 0.2
    test: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.validation >= 0 and self.test >= 0 and self.validation + self.test < 1):
            raise DatasetError(
                f"shares {self.validation} for validation and {self.test} for the test leave nothing for "
                "training, or are negative; give shares from 0 whose sum is less than 1."
            )


def choose_splits(
    families: Iterable[str], shares: Shares, taken: Mapping[str, int] | None = None
) -> dict[str, str]:
    """Draw splits by lot; the lot of a family depends on its name and the seed alone.

    A share that is not 0 gets one family at least, validation before test, as long as one is left for training.

    Parameters
    ----------
    families : iterable of str
        What may not be divided: a stack, or all stacks of one image.
    shares : Shares
        How many are held back, rounded.
    taken : mapping of str to int, optional
        Families that are in each split already, of a set that is extended.

    Returns
    -------
    dict of str to str
        Family to "train", "validation" or "test".
    """
    taken = taken or {}
    drawn = sorted(set(families), key=lambda name: _lot(name, shares.seed))
    total = len(drawn) + sum(taken.values())
    room = total - max(1, taken.get(TRAIN, 0))
    splits: dict[str, str] = {}
    for split, share in (("validation", shares.validation), ("test", shares.test)):
        wanted = min(max(round(share * total), 1 if share else 0), room)
        missing = max(0, wanted - taken.get(split, 0))
        room -= wanted
        splits |= dict.fromkeys(drawn[:missing], split)
        drawn = drawn[missing:]
    return splits | dict.fromkeys(drawn, TRAIN)


def _lot(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=16).digest()
