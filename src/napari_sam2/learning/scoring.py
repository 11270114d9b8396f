"""How good a model is on annotated objects: a session, its windows, one click, then corrections; nothing in it is random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2.evaluation.measures import iou
from napari_sam2.evaluation.user import correction, first_click
from napari_sam2.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_sam2.learning.examples import Example, Showing
    from napari_sam2.model.network import SAM2

__all__ = ["CLICKS", "HeldOutScores", "score"]

CLICKS = 3


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutScores:
    """What the simulated user saw, object by object.

    Parameters
    ----------
    ious : ndarray of float, (n, 3)
        IoU with the truth after one, two and three clicks.
    iou_scores : ndarray of float, (n, 3)
        What the model thought of the same masks, 0 to 1.
    """

    ious: np.ndarray
    iou_scores: np.ndarray

    @property
    def one_click(self) -> float:
        """Median IoU after one click."""
        return float(np.median(self.ious[:, 0]))

    @property
    def three_clicks(self) -> float:
        """Median IoU after three clicks."""
        return float(np.median(self.ious[:, -1]))

    @property
    def value(self) -> float:
        """What is compared: the mean of the mean IoUs after one and after three clicks."""
        return float((self.ious[:, 0].mean() + self.ious[:, -1].mean()) / 2)

    @classmethod
    def join(cls, parts: Sequence[HeldOutScores]) -> HeldOutScores:
        """Put the scores of several sets of objects together."""
        return cls(
            np.concatenate([p.ious for p in parts]), np.concatenate([p.iou_scores for p in parts])
        )


def score(
    model: SAM2,
    examples: Sequence[Example],
    showing: Showing,
    tick: Callable[[], object] = lambda: None,
) -> HeldOutScores:
    """Click objects as `evaluation` does, in a session with the same windows as the user's.

    Parameters
    ----------
    model : SAM2
        In evaluation mode.
    examples : sequence of Example
        Objects.
    showing : Showing
        Windows.
    tick : callable
        Called after every object; what it raises ends the scoring.
    """
    ious = np.ones((len(examples), CLICKS))
    said = np.ones((len(examples), CLICKS))
    for row, example in enumerate(examples):
        near = _surroundings(example, showing)
        session = Session(
            example.plane.pixels[near][None],
            model,
            (0.0, 1.0),
            window_side=showing.window_side,
            window_diameters=showing.window_diameters,
            drops_islands=True,
        )
        truth = example.plane.labels[near] == example.object_id
        ious[row], said[row] = _click(session, truth)
        tick()
    return HeldOutScores(ious, said)


def _surroundings(example: Example, showing: Showing) -> tuple[slice, slice]:
    """Cut out as much of the plane as windows on this object can reach: the rest would only cost time."""
    if showing.window_side is None:
        return np.s_[:, :]
    y0, x0, y1, x1 = example.box
    reach = showing.window_side
    return np.s_[max(0, y0 - reach) : y1 + reach, max(0, x0 - reach) : x1 + reach]


def _click(session: Session, truth: np.ndarray) -> tuple[list[float], list[float]]:
    """Click one object and correct it; a mask without mistakes stays as it is."""
    points = [first_click(truth, 0)]
    ious: list[float] = []
    said: list[float] = []
    point = points[0]
    for _ in range(CLICKS):
        update = session.add_prompt(1, point)
        mask = session.mask(1, 0)
        ious.append(iou(mask, truth))
        said.append(float(update.scores.iou_score))
        following = correction(mask, truth, 0, points)
        if following is None:
            break
        points.append(point := following)
    missing = CLICKS - len(ious)
    return ious + ious[-1:] * missing, said + said[-1:] * missing
