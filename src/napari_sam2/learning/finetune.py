"""Fine-tune a model on annotated objects: learn, judge on objects held out, calibrate, keep it under a name or refuse."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from napari_sam2.errors import LearningError
from napari_sam2.learning.calibration import cross_fitted, fit_map, fold_into
from napari_sam2.learning.examples import examples_of
from napari_sam2.learning.fitting import CurvePoint, EnoughLearned, Fit, fit
from napari_sam2.learning.holding_out import hold_out
from napari_sam2.learning.lineage import Lineage, hash_of_weights, summarise
from napari_sam2.learning.scoring import HeldOutScores, score
from napari_sam2.learning.settings import LearningSettings, usual_parts
from napari_sam2.model.load import parameter_shapes, recognise
from napari_sam2.model.own import LINEAGE_KEY, path_for
from napari_sam2.model.weights import save_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_sam2.learning.annotations import AnnotatedPlane
    from napari_sam2.learning.examples import Example
    from napari_sam2.learning.fitting import Report
    from napari_sam2.learning.holding_out import Split
    from napari_sam2.learning.settings import Learn
    from napari_sam2.model.network import SAM2

__all__ = ["Learned", "check_name", "fine_tune", "keep"]

_LEAST_GAIN: Final = 1e-6
_FEWEST_JUDGES: Final = 3
_LOOK_SHARE: Final = 0.1  # of the time: one look at the held-out objects


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A fine-tuned model that is better than its parent.

    Parameters
    ----------
    model : SAM2
        Ready to use; a network of the parent's architecture.
    lineage : Lineage
        How it was made, with scores before and after.
    curve : tuple of CurvePoint
        Looks at the held-out objects.
    """

    model: SAM2
    lineage: Lineage
    curve: tuple[CurvePoint, ...]


def fine_tune(
    parent: SAM2,
    planes: Sequence[AnnotatedPlane],
    settings: LearningSettings = LearningSettings(),  # noqa: B008 - frozen
    report: Report = lambda point: None,
    clock: Callable[[], float] = time.monotonic,
) -> Learned:
    """Let a copy of a model learn from annotated objects.

    Threads, gradient mode, random states and the parent are afterwards what they were before, also after an exception. It may
    run on a thread of its own while the parent is in use.

    Parameters
    ----------
    parent : SAM2
        From `load_model`; never changed.
    planes : sequence of AnnotatedPlane
        What to learn from.
    settings : LearningSettings
        How.
    report : callable
        Called with a `CurvePoint` after every step. What it raises ends the learning without a result, but for `EnoughLearned`: then
        the best so far is taken.
    clock : callable
        Seconds that count.

    Returns
    -------
    Learned
        Not yet kept: see `keep`.

    Raises
    ------
    LearningError
        If there are too few objects, or the result is not better than the parent on the objects held out.
    """
    begin = clock()
    learn = settings.learn or usual_parts(parent.config)
    examples = examples_of(planes)
    splits = hold_out(examples, settings.seed)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False):
        run = _Run(parent, settings, learn, splits, report, clock)
        result = run.whole(examples)
        return _finished(run, result, planes, clock() - begin)


def check_name(name: str) -> None:
    """Make sure that a model can be kept under a name.

    Raises
    ------
    CheckpointError
        If the name cannot be used or is taken.
    """
    path_for(name)


def keep(learned: Learned, name: str) -> Path:
    """Write a fine-tuned model to the user's models, where `load_model` finds it by its name.

    Raises
    ------
    CheckpointError
        If the name cannot be used or is taken.
    """
    path = path_for(name)
    learned.model.name = name
    metadata = {LINEAGE_KEY: learned.lineage.to_json()}
    return save_weights(learned.model, path, metadata=metadata)


@dataclass(slots=True, eq=False)
class _Result:
    """The model to keep, and what is known of it from the objects held out."""

    model: SAM2
    before: HeldOutScores
    after: HeldOutScores
    steps: int


class _Run:
    """All trainings of one fine-tuning."""

    def __init__(
        self,
        parent: SAM2,
        settings: LearningSettings,
        learn: Learn,
        splits: list[Split],
        report: Report,
        clock: Callable[[], float],
    ) -> None:
        self.parent, self.settings, self.learn = parent, settings, learn
        self.splits, self.report, self.clock = splits, report, clock
        self.rounds = len(splits) + (len(splits) > 1)
        self.curve: list[CurvePoint] = []
        self.parents: list[HeldOutScores] = []
        self.fits: list[Fit] = []

    def whole(self, examples: Sequence[Example]) -> _Result:
        """Train on every split; of several, once more on all objects, for as long as was best."""
        for learned, held in self.splits:
            try:
                judges, before = self._look_at_parent(held)
            except EnoughLearned:
                break
            self.parents.append(before)
            self.fits.append(self._fit(len(self.fits), learned, judges, before, 1.0))
            if self.fits[-1].is_cut_short:
                break
        if not self.fits:
            raise LearningError("stopped before anything was learned; give it more time.")
        before = HeldOutScores.join(self.parents)
        after = HeldOutScores.join([_seen(f) for f in self.fits])
        if after.value <= before.value + _LEAST_GAIN:
            raise LearningError(
                f"nothing was learned that is worth keeping: on the objects held out the mean IoU after one and three clicks is "
                f"{before.value:.3f} with {self.parent.name or 'the parent'} and not better afterwards; mark more objects, or other "
                "kinds of them."
            )
        best = max(self.fits, key=self._gain)
        if (
            self.rounds > 1
            and len(self.fits) == len(self.splits)
            and not self.fits[-1].is_cut_short
        ):
            until = float(np.median([f.share for f in self.fits if f.share > 0]))
            best = self._fit(len(self.fits), list(examples), [], None, until)
        return _Result(best.model, before, after, best.steps)

    def _gain(self, one: Fit) -> float:
        return _seen(one).value - self.parents[self.fits.index(one)].value

    def _look_at_parent(self, held: list[Example]) -> tuple[list[Example], HeldOutScores]:
        """Score the parent; of held-out objects no more than can be looked at again and again in the time."""
        first = CurvePoint(len(self.fits) + 1, self.rounds, 0.0, 0, 0.0, math.nan)
        begin = self.clock()
        one = score(self.parent, held[:1], self.settings.showing, lambda: self.report(first))
        if self.settings.steps is None:
            cost = max(self.clock() - begin, 1e-3)
            held = held[: max(_FEWEST_JUDGES, int(_LOOK_SHARE * self._seconds / cost))]
        rest = held[1:]
        if not rest:
            return held, one
        others = score(self.parent, rest, self.settings.showing, lambda: self.report(first))
        return held, HeldOutScores.join([one, others])

    @property
    def _seconds(self) -> float:
        """Of one training."""
        return 60 * self.settings.minutes / self.rounds

    def _fit(
        self,
        done: int,
        learned: list[Example],
        held: list[Example],
        before: HeldOutScores | None,
        until: float,
    ) -> Fit:
        def tell(
            share: float, step: int, seconds: float, loss: float, seen: HeldOutScores | None
        ) -> None:
            point = CurvePoint(done + 1, self.rounds, share, step, seconds, loss, seen)
            if seen is not None:
                self.curve.append(point)
            self.report(point)

        return fit(
            self.parent,
            learned,
            held,
            before,
            self.settings,
            self.learn,
            tell,
            seconds=self._seconds,
            until=until,
            clock=self.clock,
        )


def _seen(one: Fit) -> HeldOutScores:
    assert one.scores is not None, "a training with held-out objects has their scores"
    return one.scores


def _finished(
    run: _Run, result: _Result, planes: Sequence[AnnotatedPlane], seconds: float
) -> Learned:
    """Calibrate, and write down where it comes from."""
    after = result.after
    calibrated = cross_fitted(after.iou_scores, after.ious)
    fold_into(result.model, fit_map(after.iou_scores, after.ious))
    result.model.precision = run.parent.precision
    settings = replace(run.settings, learn=run.learn)
    lineage = Lineage(
        parent=run.parent.name,
        parent_hash=hash_of_weights(run.parent),
        network=recognise(parameter_shapes(run.parent.config)),
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        version=version("napari-sam2"),
        data=tuple(sorted({plane.source for plane in planes})),
        planes=len(planes),
        objects=len({e.group for e in examples_of(planes)}),
        held_out=len(after.ious),
        rounds=len(run.splits),
        settings=asdict(settings),
        seconds=seconds,
        steps=result.steps,
        before=summarise(result.before),
        after=summarise(after, calibrated),
    )
    return Learned(result.model, lineage, tuple(run.curve))
