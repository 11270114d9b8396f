"""The picture of the trust strip: objects by frames as an array of colours; plain numpy."""

from __future__ import annotations

import numpy as np

from napari_sam2._napari.confidence_colors import colors_of

__all__ = ["StripPicture"]


class StripPicture:
    """Confidences of many objects over many frames, reduced to the columns that fit on the screen.

    Where several frames share a column, the least sure of them is shown: nothing bad is ever hidden.

    Parameters
    ----------
    confidence : ndarray of float, (n_objects, n_frames)
        0 to 1, NaN where there is no mask. A copy is kept.
    trusted : ndarray of bool, (n_objects, n_frames)
        Frames that were prompted or accepted.
    """

    def __init__(self, confidence: np.ndarray, trusted: np.ndarray) -> None:
        self.confidence = np.array(confidence, dtype=np.float32, ndmin=2)
        self.trusted = np.array(trusted, dtype=bool, ndmin=2)
        if self.confidence.shape != self.trusted.shape:
            raise ValueError(
                f"confidence is {self.confidence.shape} and trusted is {self.trusted.shape}; both "
                "are (n_objects, n_frames)."
            )
        self._edges = np.arange(self.n_frames + 1)
        self.pixels = np.zeros((self.n_objects, 0, 4), dtype=np.uint8)
        self.fit(self.n_frames)

    @property
    def n_objects(self) -> int:
        """Rows."""
        return int(self.confidence.shape[0])

    @property
    def n_frames(self) -> int:
        """Frames; the columns may be fewer."""
        return int(self.confidence.shape[1])

    @property
    def n_columns(self) -> int:
        """Columns of the picture."""
        return len(self._edges) - 1

    def fit(self, width: int) -> None:
        """Use at most so many columns; all colours are made anew."""
        n_columns = max(1, min(width, self.n_frames)) if self.n_frames else 0
        self._edges = np.arange(n_columns + 1) * self.n_frames // max(n_columns, 1)
        self.pixels = np.zeros((self.n_objects, n_columns, 4), dtype=np.uint8)
        self._draw(slice(0, self.n_objects), 0, n_columns)

    def set_row(self, row: int, confidence: np.ndarray, trusted: np.ndarray) -> None:
        """Change a row; only its colours are made anew."""
        self.confidence[row] = confidence
        self.trusted[row] = trusted
        self._draw(slice(row, row + 1), 0, self.n_columns)

    def set_cell(self, row: int, frame: int, confidence: float, trusted: bool) -> None:
        """Change one cell; only its column is made anew, in its row."""
        self.confidence[row, frame] = confidence
        self.trusted[row, frame] = trusted
        column = self.column_of(frame)
        self._draw(slice(row, row + 1), column, column + 1)

    def column_of(self, frame: int) -> int:
        """Return the column that shows a frame."""
        return int(np.searchsorted(self._edges, frame, side="right")) - 1

    def worst_in(self, row: int, column: int) -> int:
        """Return the least sure frame of a column; its middle one if none has a mask."""
        first, last = int(self._edges[column]), int(self._edges[column + 1])
        values = self.confidence[row, first:last]
        if np.isnan(values).all():
            return (first + last - 1) // 2
        return first + int(np.nanargmin(values))

    def trusted_columns(self, row: int) -> np.ndarray:
        """Return the columns of a row with a trusted frame, ascending."""
        frames = np.flatnonzero(self.trusted[row])
        return np.unique(np.searchsorted(self._edges, frames, side="right") - 1)

    def _draw(self, rows: slice, first: int, last: int) -> None:
        if first == last:
            return
        begin = int(self._edges[first])
        part = self.confidence[rows, begin : int(self._edges[last])]
        # fmin passes NaN over: a column is empty only if all of its frames are
        lowest = np.fmin.reduceat(part, self._edges[first:last] - begin, axis=1)
        self.pixels[rows, first:last] = colors_of(lowest)
