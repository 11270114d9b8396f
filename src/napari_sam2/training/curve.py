"""The curve of a run: a CSV table that survives interruptions."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Curve", "RunningMean"]


class Curve:
    """A CSV table with a column ``step``.

    Parameters
    ----------
    path : Path
        The file.
    columns : tuple of str
        Its columns, ``step`` first.
    step : int
        Rows after this step are dropped from an existing file: they belong to steps that an interruption undid.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        self.path = path
        self.columns = columns
        kept: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    def add(self, row: Mapping[str, float | int | str]) -> None:
        """Append a row; floats are written with five digits."""
        texts = {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()}
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns, extrasaction="ignore").writerow(texts)


class RunningMean:
    """Means of named values since they were last taken."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self.count = 0

    def add(self, values: Mapping[str, float]) -> None:
        """Take in one step."""
        self.count += 1
        for name, value in values.items():
            self._sums[name] += value

    def take(self) -> dict[str, float]:
        """Return the means and start again."""
        means = {name: total / self.count for name, total in self._sums.items()}
        self._sums.clear()
        self.count = 0
        return means
