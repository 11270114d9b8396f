"""Make the model's own estimate mean what it says: of masks with an iou_score of 0.8, the mean IoU is 0.8.

A logistic map of the estimate's logit (Platt 1999), fitted to (estimate, real IoU) pairs of held-out objects. It is monotone,
so that the choice among three masks stays as it is, and it is folded into the last layer of the IoU head: the network stays
an ordinary one.

References
----------
Platt 1999, Probabilistic outputs for support vector machines. Naeini et al. 2015, Obtaining well calibrated probabilities using
Bayesian binning (the expected calibration error).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from napari_sam2.model.network import SAM2

__all__ = ["LogitMap", "cross_fitted", "expected_calibration_error", "fit_map", "fold_into"]

_BINS: Final = 10
_EPS: Final = 1e-3
_PRIOR: Final = 2.0  # pairs that speak for leaving things as they are
_STEPS: Final = 50
_LEAST_SLOPE: Final = 0.1
_FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class LogitMap:
    """``logit(new) = slope * logit(old) + shift``.

    Parameters
    ----------
    slope : float
        Above 0.
    shift : float
        Below 0 where the model thinks too well of itself.
    """

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, iou_score: np.ndarray) -> np.ndarray:
        """Map estimates in 0..1."""
        return _sigmoid(self.slope * _logit(iou_score) + self.shift)


def expected_calibration_error(iou_score: np.ndarray, iou: np.ndarray) -> float:
    """Return the mean distance between estimate and real IoU over ten bins of the estimate, weighted by their pairs.

    Parameters
    ----------
    iou_score, iou : ndarray of float, (n,)
        0 to 1.
    """
    said, real = np.ravel(iou_score), np.ravel(iou)
    if not said.size:
        return 0.0
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for i in np.unique(bins):
        inside = bins == i
        error += inside.sum() * abs(said[inside].mean() - real[inside].mean())
    return float(error / said.size)


def fit_map(iou_score: np.ndarray, iou: np.ndarray) -> LogitMap:
    """Fit a map by the cross-entropy of the real IoU, with Newton's method.

    A prior holds it near the identity as long as there are only a few pairs.
    """
    x, y = _logit(np.ravel(iou_score)), np.ravel(iou)
    design = np.stack([x, np.ones_like(x)], 1)  # (n, 2)
    identity = np.array([1.0, 0.0])
    weights = identity.copy()
    for _ in range(_STEPS):
        p = _sigmoid(design @ weights)
        gradient = design.T @ (p - y) + _PRIOR * (weights - identity)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return LogitMap(float(max(weights[0], _LEAST_SLOPE)), float(weights[1]))


def cross_fitted(iou_score: np.ndarray, iou: np.ndarray) -> np.ndarray:
    """Map each object's estimates with a map that was fitted without it.

    Parameters
    ----------
    iou_score, iou : ndarray of float, (n, clicks)
        One row per object.

    Returns
    -------
    ndarray of float, (n, clicks)
        What the calibrated model would say of an object it was not calibrated on.
    """
    mapped = np.array(iou_score, dtype=float)
    fold = np.arange(len(mapped)) % min(_FOLDS, len(mapped))
    for i in np.unique(fold) if len(mapped) > 1 else ():
        others = fold != i
        mapped[~others] = fit_map(iou_score[others], iou[others])(mapped[~others])
    return mapped


def fold_into(model: SAM2, found: LogitMap) -> None:
    """Change the last layer of the IoU head, in place."""
    last = model.sam_mask_decoder.iou_prediction_head.layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(found.slope)
        last.bias.mul_(found.slope).add_(found.shift)


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, _EPS, 1 - _EPS)
    return np.asarray(np.log(p / (1 - p)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))
