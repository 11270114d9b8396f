"""The work of ``finetune``: a bar, a curve, Ctrl+C, and what came of it."""

from __future__ import annotations

import csv
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from napari_sam2.cli.choosing import ModelChoice, describe_model, memory_errors
from napari_sam2.cli.console import note, progress_bar, show_table
from napari_sam2.learning import EnoughLearned, LearningSettings, fine_tune, keep
from napari_sam2.learning.examples import examples_of
from napari_sam2.model.own import path_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_sam2.cli.console import Advance
    from napari_sam2.cli.learning_sources import Sources
    from napari_sam2.learning import CurvePoint, Learned
    from napari_sam2.learning.settings import Learn

__all__ = ["LearningRun"]

COLUMNS = ("round", "step", "seconds", "loss", "one_click", "three_clicks", "value")


@dataclass(slots=True, eq=False)
class LearningRun:
    """One run of ``finetune``.

    Parameters
    ----------
    name : str
        Of the new model.
    sources : Sources
        What it learns from.
    model : ModelChoice
        Its parent.
    learn : str or None
        Which weights.
    minutes : float
        At most.
    curve : Path or None
        CSV.
    """

    name: str
    sources: Sources
    model: ModelChoice
    learn: Learn | None
    minutes: float
    curve: Path | None
    _stopped: bool = False
    _rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        """Learn, and keep what is better than the parent; errors say why not."""
        path_for(self.name)  # a name that cannot be used is refused before the work
        net = self.model.load()
        note(describe_model(net))
        planes, showing = self.sources.read(net)
        examples = examples_of(planes)
        note(
            f"{len({e.group for e in examples})} objects on {len(planes)} planes; window {showing.window_side or 'whole plane'}"
        )
        settings = LearningSettings(
            learn=self.learn, minutes=self.minutes, showing=showing, seed=self.sources.seed
        )
        try:
            with memory_errors(), self._interruptible(), progress_bar("learning") as advance:
                learned = fine_tune(
                    net, planes, settings, lambda point: self._report(point, advance)
                )
        finally:
            self._write_curve()
        path = keep(learned, self.name)
        self._show(learned, path)

    def _report(self, point: CurvePoint, advance: Advance) -> None:
        advance(round(100 * (point.round - 1 + point.share)), 100 * point.rounds)
        if point.held_out is not None:
            scores = point.held_out
            values = (scores.one_click, scores.three_clicks, scores.value)
            row = (point.round, point.step, point.seconds, point.loss, *values)
            self._rows.append(dict(zip(COLUMNS, row, strict=True)))
            note(
                f"step {point.step}, {point.seconds:.0f} s: IoU of held-out objects {scores.one_click:.3f} after one click, "
                f"{scores.three_clicks:.3f} after three"
            )
        if self._stopped:
            raise EnoughLearned

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let Ctrl+C ask for the best so far, and a second one end the program as usual."""
        before = signal.getsignal(signal.SIGINT)

        def stop(*_: object) -> None:
            self._stopped = True
            signal.signal(signal.SIGINT, before)
            note("stopping after this step; the best so far is kept if it is better than before.")

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _write_curve(self) -> None:
        if self.curve is None:
            return
        self.curve.parent.mkdir(parents=True, exist_ok=True)
        with self.curve.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(self._rows)

    def _show(self, learned: Learned, path: Path) -> None:
        before, after = learned.lineage.before, learned.lineage.after
        rows = [
            (model, *(f"{v:.3f}" for v in (s.one_click, s.three_clicks, s.calibration_error)))
            for model, s in ((learned.lineage.parent, before), (self.name, after))
        ]
        show_table(
            f"On {learned.lineage.held_out} objects held out",
            ("model", "IoU, one click", "three clicks", "calibration error"),
            rows,
            text_columns=("model",),
        )
        if learned.lineage.rounds > 1:
            note(
                f"so few objects were held out in turn, in {learned.lineage.rounds} trainings; the model itself learned from all."
            )
        typer.echo(f"{self.name}: {path}")
        typer.echo(
            f"Use it: napari-sam2 segment IMAGE --model {self.name}, or choose it in the window."
        )
