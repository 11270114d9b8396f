"""Masks as COCO's compressed run lengths, in text.

Runs count the pixels column by column, beginning with zeros. From the fourth run on, the difference from the run two before is written.
Each number is cut into groups of 5 bits, the lowest first, of which the last one carries the sign; a sixth bit says that more follow, and
48 is added to make a printable character. (Lin et al. 2014, Microsoft COCO; the format is that of the published mask API.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_sam2.errors import DatasetError
from napari_sam2.session.json_format import mask_of, runs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["area_of", "decode_rle", "encode_rle", "runs_from_text", "text_from_runs"]

FIRST_CHARACTER: Final = 48
BITS: Final = 5
SIGN, MORE = 1 << (BITS - 1), 1 << BITS
FIRST_DIFFERENCE: Final = 3


def encode_rle(mask: np.ndarray) -> dict[str, Any]:
    """Encode a mask.

    Parameters
    ----------
    mask : ndarray of bool, (y, x)
        One object.

    Returns
    -------
    dict
        ``size``, [rows, columns], and ``counts``, a text: what COCO has as ``segmentation``.
    """
    rows, columns = mask.shape
    there = np.flatnonzero(mask.any(axis=0))  # the columns beside the object are not scanned
    if not there.size:
        return {"size": [rows, columns], "counts": text_from_runs([rows * columns])}
    first, end = int(there[0]), int(there[-1]) + 1
    runs = runs_of(mask[:, first:end].T)
    runs[0] += first * rows
    left = (columns - end) * rows
    if len(runs) % 2:  # they end with zeros
        runs[-1] += left
    elif left:
        runs.append(left)
    return {"size": [rows, columns], "counts": text_from_runs(runs)}


def decode_rle(rle: Mapping[str, Any]) -> np.ndarray:
    """Decode what `encode_rle`, or another program that writes COCO's format, has made.

    Parameters
    ----------
    rle : mapping
        ``size`` and ``counts``: a text, or the runs as a list (COCO's uncompressed form).

    Returns
    -------
    ndarray of bool, (y, x)

    Raises
    ------
    DatasetError
        If it is not such a mask, or its runs do not fill the plane.
    """
    rows, columns = rle["size"]
    # the runs of the columns of a mask are those of the rows of its transpose
    return mask_of(_runs(rle), (columns, rows)).T


def area_of(rle: Mapping[str, Any]) -> int:
    """Return the number of pixels of a mask; see `decode_rle`."""
    return sum(_runs(rle)[1::2])


def _runs(rle: Mapping[str, Any]) -> list[int]:
    """Read and check the runs."""
    rows, columns = rle["size"]
    counts = rle["counts"]
    runs = runs_from_text(counts) if isinstance(counts, str) else [int(n) for n in counts]
    if sum(runs) != rows * columns or min(runs, default=0) < 0:
        raise DatasetError(
            f"runs of {sum(runs)} pixels in all do not fill a mask of {rows} x {columns}; export the set again."
        )
    return runs


def text_from_runs(runs: Sequence[int]) -> str:
    """Write lengths of runs as text."""
    text = bytearray()
    for i, run in enumerate(runs):
        text += _characters(run - runs[i - 2] if i >= FIRST_DIFFERENCE else run)
    return text.decode("ascii")


def _characters(number: int) -> bytes:
    """Write one number, which may be negative."""
    out = bytearray()
    while True:
        group = number & (MORE - 1)
        number >>= BITS  # rounds down, so that a negative number ends at -1
        if number == (-1 if group & SIGN else 0):
            out.append(group + FIRST_CHARACTER)
            return bytes(out)
        out.append((group | MORE) + FIRST_CHARACTER)


def runs_from_text(text: str) -> list[int]:
    """Read what `text_from_runs` wrote.

    Raises
    ------
    DatasetError
        If a character is none of the 64, or the text ends within a number.
    """
    runs: list[int] = []
    number = shift = 0
    for character in text:
        group = ord(character) - FIRST_CHARACTER
        if not 0 <= group < 2 * MORE:
            raise DatasetError(
                f"character {character!r} is none of COCO's run lengths ('0' to 'o'); export the set again."
            )
        number |= (group & (MORE - 1)) << shift
        shift += BITS
        if not group & MORE:
            number -= (1 << shift) if group & SIGN else 0
            runs.append(number + (runs[-2] if len(runs) >= FIRST_DIFFERENCE else 0))
            number = shift = 0
    if shift:
        raise DatasetError(f"run lengths {text[-12:]!r} end within a number; export the set again.")
    return runs
