"""Learn from some objects until others, held out, gain no more."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import torch
from torch import nn

from napari_sam2.errors import LearningError
from napari_sam2.learning.parts import learner, merged, sees_frozen_encoder
from napari_sam2.learning.scoring import HeldOutScores, score
from napari_sam2.learning.windows import Windows
from napari_sam2.training.average import Average
from napari_sam2.training.losses import LossWeights
from napari_sam2.training.schedule import Schedule
from napari_sam2.training.steps import clip_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_sam2.learning.examples import Example
    from napari_sam2.learning.settings import Learn, LearningSettings
    from napari_sam2.model.network import SAM2

__all__ = ["CurvePoint", "EnoughLearned", "Fit", "Report", "fit"]

_LARGEST_GRADIENT: Final = 1.0
_DECAY: Final = 0.98  # of the averaged weights: about fifty steps
_LOOKS: Final = 12  # at the held-out objects, if there is time
_STEPS_BETWEEN: Final = 5  # looks at least, where the steps are counted
_PATIENCE: Final = 5  # looks without a gain
_WARM_UP: Final = 0.1  # of the time: Adam's first steps are large, and the parent is good already
_WEIGHTS: Final = LossWeights(object_score=0.0)  # too few absent objects are known to teach absence
_PARENT_COUNTS: Final = 3  # as many objects as the parent stands for in the mean of both
_CLIP_EVERY: Final = 8  # steps; where the memory sees features that change, or learns itself


class EnoughLearned(Exception):
    """Raised by a report: stop here and take the best so far."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How far it is.

    Parameters
    ----------
    round, rounds : int
        Which of how many trainings, from 1; more than one where few objects are held out in turn.
    share : float
        Of this training, 0 to 1.
    step : int
        Of this training.
    seconds : float
        Since the beginning of this training.
    loss : float
        Mean of the last steps.
    held_out : HeldOutScores or None
        Where the held-out objects were looked at just now.
    """

    round: int
    rounds: int
    share: float
    step: int
    seconds: float
    loss: float
    held_out: HeldOutScores | None = None


Report: TypeAlias = "Callable[[CurvePoint], object]"
"""Called after every step. `EnoughLearned` takes the best so far; anything else that it raises ends it without a result."""


@dataclass(slots=True, eq=False)
class Fit:
    """What came out of one training.

    Attributes
    ----------
    model : SAM2
        The best one, an ordinary network.
    scores : HeldOutScores or None
        Of the held-out objects, with it.
    share : float
        Of the time after which it was reached.
    steps : int
        After how many steps.
    is_cut_short : bool
        Whether the report had enough.
    """

    model: SAM2
    scores: HeldOutScores | None
    share: float = 0.0
    steps: int = 0
    is_cut_short: bool = False


def fit(
    parent: SAM2,
    learned: Sequence[Example],
    held_out: Sequence[Example],
    before: HeldOutScores | None,
    settings: LearningSettings,
    learn: Learn,
    report: Callable[[float, int, float, float, HeldOutScores | None], object],
    *,
    seconds: float,
    until: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
) -> Fit:
    """Train a copy of a network.

    Parameters
    ----------
    parent : SAM2
        Stays as it is.
    learned, held_out : sequence of Example
        Objects; without any held out, the last state is taken.
    before : HeldOutScores or None
        Of the parent on those held out.
    settings : LearningSettings
        How.
    learn : str
        Which weights.
    report : callable
        Called after every step, and while objects are looked at, with the share that is done, the step, the seconds, the loss
        and the scores, if they were just made.
    seconds : float
        At most, looks included.
    until : float
        Share of the time at which to stop, with the learning rate that it has then.
    clock : callable
        Seconds that count.

    Returns
    -------
    Fit
        The parent itself (copied) if nothing was better on the objects held out.

    Raises
    ------
    LearningError
        If the training diverges.
    """
    training = _Training(parent, learned, settings, learn, seconds)
    best = Fit(merged(learner(parent, "decoder", 0)), before)
    watch = _Clock(seconds, settings.steps, clock)
    next_look, failed = 1 / _LOOKS, 0
    try:
        while watch.share(training.step) < until:
            loss = training.take_step(watch.share(training.step))
            share = watch.share(training.step)
            seen = None
            if held_out and (share >= next_look or share >= until):
                began, done = watch.seconds, min(1.0, share / until)
                now = (done, training.step, began, loss)
                model = training.averaged()
                seen = score(model, held_out, settings.showing, partial(report, *now, None))
                next_look = share + watch.pause(watch.seconds - began)
                failed += 1
                if best.scores is None or seen.value > best.scores.value:
                    best, failed = Fit(model, seen, share, training.step), 0
            report(min(1.0, share / until), training.step, watch.seconds, loss, seen)
            if failed >= _PATIENCE:
                break
    except EnoughLearned:
        best.is_cut_short = True
    if not held_out:
        best = Fit(training.averaged(), None, until, training.step, is_cut_short=best.is_cut_short)
    return best


class _Clock:
    """How much is done: of the steps, if their number is given, else of the time."""

    def __init__(self, limit: float, steps: int | None, now: Callable[[], float]) -> None:
        self._now = now
        self._begin = now()
        self._limit = limit
        self._steps = steps

    @property
    def seconds(self) -> float:
        return self._now() - self._begin

    def pause(self, look: float) -> float:
        """Return the share until the next look: looks take a quarter of the time at most."""
        least = _STEPS_BETWEEN / self._steps if self._steps else 4 * look / self._limit
        return max(1 / _LOOKS, least)

    def share(self, step: int) -> float:
        return step / self._steps if self._steps else self.seconds / self._limit


class _Training:
    """The network that learns."""

    def __init__(
        self,
        parent: SAM2,
        learned: Sequence[Example],
        settings: LearningSettings,
        learn: Learn,
        seconds: float,
    ) -> None:
        self.net = learner(parent, learn, settings.seed).train()
        if self.net.device.type == "cpu":
            self.net.precision = "float32"  # gradients in bfloat16 are slow there
        self.settings = settings
        self.step = 0
        self.average = Average(self.net, _DECAY)
        self.has_clips = learn != "decoder"
        self.windows = Windows(
            parent, learned, settings, seconds if sees_frozen_encoder(learn) else None
        )
        trained = [p for p in self.net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trained, lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.trained = trained
        self.schedule = Schedule(peak_rate=settings.rate, warm_up=_WARM_UP)
        self.loss = math.nan
        self.parent = parent.state_dict()
        objects = len({example.group for example in learned})
        self.share = objects / (objects + _PARENT_COUNTS)

    def take_step(self, share: float) -> float:
        """Learn from one batch; returns the loss, averaged over the last steps."""
        rng = np.random.default_rng((self.settings.seed, self.step))
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(share)
        with torch.enable_grad(), self.net.autocast():
            loss = self._loss(rng)
            if not torch.isfinite(loss):
                raise LearningError(
                    f"the loss of step {self.step} is {float(loss.detach())}: the training diverged; use a lower rate than "
                    f"{self.settings.rate}."
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained, _LARGEST_GRADIENT)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        value = float(loss.detach())
        self.loss = value if math.isnan(self.loss) else 0.9 * self.loss + 0.1 * value
        return self.loss

    def averaged(self) -> SAM2:
        """Return the averaged weights as an ordinary network, between the parent and what was learned."""
        now = self.net.state_dict()
        kept = {name: value.clone() for name, value in now.items()}
        self.net.load_state_dict(self.average.weights)
        model = merged(self.net)
        self.net.load_state_dict(kept)
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(self.parent[name].to(value), 1 - self.share)
        return model

    def _loss(self, rng: np.random.Generator) -> Tensor:
        """Return the loss of windows, now and then of clips: so the memory keeps up with features that change."""
        if self.has_clips and self.step % _CLIP_EVERY == _CLIP_EVERY - 1:
            return clip_loss(self.net, self.windows.clip(rng), rng, _WEIGHTS).total
        return self.windows.loss(self.net, rng, _WEIGHTS)
