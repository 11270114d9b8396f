"""What the network is taught: masks, their quality, and whether the object is there at all.

Follows the SAM 2 paper (Ravi et al. 2024, appendix D.2.2): focal loss 20, dice loss 1, predicted IoU 1, object score 1,
and for an ambiguous prompt mainly the best of the three masks is pulled towards the truth. Four things differ, because
the network is small and trained for an hour or two: binary cross-entropy fades into the focal loss (focal loss alone
hardly moves at first), objects and background weigh the same in it (with the usual 0.25 for objects, the masks of blurred
ones came out a fifth too small), the IoU head is trained with a cross-entropy (its optimum is the expected IoU), and the
choice among the three masks is trained directly.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "LossWeights",
    "PromptLoss",
    "binary_cross_entropy",
    "choice_loss",
    "dice_loss",
    "focal_loss",
    "iou_loss",
    "mask_iou",
    "prompt_loss",
]

FOCAL_ALPHA = 0.5
FOCAL_GAMMA = 2.0


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each part of the loss counts.

    Parameters
    ----------
    focal_share : float
        0 is pure cross-entropy (the beginning of a run), 1 pure focal loss (its end).
    focal, cross_entropy, dice, iou, choice, object_score : float
        Factors of the parts.
    spread : float
        What all three masks learn beside the best of them; keeps all of them sensible on images far from the training
        set.
    other : float
        What the single mask learns from an ambiguous prompt, and the best of three from an unambiguous one.
    """

    focal_share: float = 1.0
    focal: float = 20.0
    cross_entropy: float = 2.0
    dice: float = 1.0
    iou: float = 1.0
    choice: float = 1.0
    object_score: float = 1.0
    spread: float = 0.1
    other: float = 0.25


@dataclass(frozen=True, slots=True)
class PromptLoss:
    """The loss of one decoding, with its parts for the log.

    Parameters
    ----------
    total : Tensor
        Scalar, to be minimised.
    parts : dict
        Name -> scalar without gradient: mask, iou, choice, object, chosen_iou, best_iou.
    """

    total: Tensor
    parts: dict[str, Tensor]


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy per pixel of ``logits`` against ``target`` in 0..1 (any broadcastable shapes)."""
    return F.softplus(logits) - logits * target


def focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss per pixel (Lin et al. 2017), alpha 0.5, gamma 2; a fractional target is allowed."""
    return _focal(logits.sigmoid(), binary_cross_entropy(logits, target), target)


def _focal(probability: Tensor, cross_entropy: Tensor, target: Tensor) -> Tensor:
    alpha = FOCAL_ALPHA * target + (1 - FOCAL_ALPHA) * (1 - target)
    return alpha * (target - probability).abs().pow(FOCAL_GAMMA) * cross_entropy


def dice_loss(probability: Tensor, target: Tensor) -> Tensor:
    """``1 - (2 sum(pt) + 1) / (sum(p) + sum(t) + 1)`` over the last two axes."""
    overlap = (probability * target).sum((-2, -1))
    total = probability.sum((-2, -1)) + target.sum((-2, -1))
    return 1 - (2 * overlap + 1) / (total + 1)


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """Intersection over union of ``logits > 0`` and ``target > 0.5`` over the last two axes; 1 where both are empty."""
    mask, truth = logits > 0, target > 0.5
    overlap = (mask & truth).sum((-2, -1))
    union = (mask | truth).sum((-2, -1))
    return torch.where(union > 0, overlap / union.clamp(min=1), torch.ones_like(overlap / 1))


def iou_loss(score: Tensor, iou: Tensor) -> Tensor:
    """Cross-entropy of a predicted IoU against the true one, less its unavoidable part: 0 where both agree.

    Its gradient at the logit of ``score`` is ``score - iou``, and its optimum the expected IoU: what a choice needs.
    """
    score, iou = score.clamp(1e-4, 1 - 1e-4), iou.clamp(1e-4, 1 - 1e-4)
    return iou * (iou.log() - score.log()) + (1 - iou) * ((1 - iou).log() - (1 - score).log())


def choice_loss(score: Tensor, iou: Tensor, temperature: float = 0.05) -> Tensor:
    """Return the IoU expected to be lost by choosing among masks (last axis) by their score, (...,)."""
    share = (score / temperature).softmax(-1)
    return (share * (iou.amax(-1, keepdim=True) - iou)).sum(-1)


def mask_cost(logits: Tensor, target: Tensor, weights: LossWeights) -> Tensor:
    """Pixel loss plus dice of every mask, (R, M), of logits (R, M, h, w) against target (R, 1, h, w)."""
    probability = logits.sigmoid()
    pixel = binary_cross_entropy(logits, target)
    cost = weights.dice * dice_loss(probability, target)
    if weights.focal_share < 1:
        cost = cost + (1 - weights.focal_share) * weights.cross_entropy * pixel.mean((-2, -1))
    if weights.focal_share > 0:
        focal = _focal(probability, pixel, target).mean((-2, -1))
        cost = cost + weights.focal_share * weights.focal * focal
    return cost


def prompt_loss(
    logits: Tensor,
    iou_score: Tensor,
    object_score: Tensor,
    target: Tensor,
    *,
    ambiguous: bool,
    weights: LossWeights,
) -> PromptLoss:
    """Loss of one decoding of R objects.

    Parameters
    ----------
    logits : Tensor
        (R, 4, h, w): the single mask, then the three of an ambiguous prompt.
    iou_score : Tensor
        (R, 4) in 0..1.
    object_score : Tensor
        (R,) logit.
    target : Tensor
        (R, H, W) in 0..1; an all-zero row is an absent object, of which only the object score is trained. The
        comparison is made at the target's resolution.
    ambiguous : bool
        At most one point was given: the best of three is taught, else the single mask.
    weights : LossWeights
        Factors of the parts.
    """
    target = target.float()[:, None]  # (R, H, W) -> (R, 1, H, W)
    full = logits.float()
    if full.shape[-2:] != target.shape[-2:]:
        full = F.interpolate(full, target.shape[-2:], mode="bilinear", align_corners=False)
    present = (target.amax((1, 2, 3)) > 0.5).float()
    count = present.sum().clamp(min=1)
    iou = mask_iou(full.detach(), target)
    cost = mask_cost(full, target, weights)
    best = cost[:, 1:].amin(1)
    main, other = (best, cost[:, 0]) if ambiguous else (cost[:, 0], best)
    mask = main + weights.other * other + weights.spread * cost[:, 1:].mean(1)
    score = iou_score.float()
    quality = iou_loss(score, iou).mean(1)
    choice = choice_loss(score[:, 1:], iou[:, 1:])
    there = binary_cross_entropy(object_score.float(), present).mean()
    rows = mask + weights.iou * quality + weights.choice * choice
    total = (rows * present).sum() / count + weights.object_score * there
    picked = iou[:, 1:].gather(1, score[:, 1:].argmax(1, keepdim=True))[:, 0]
    chosen = picked if ambiguous else iou[:, 0]
    parts = {
        "mask": (main * present).sum() / count,
        "iou": (quality * present).sum() / count,
        "choice": (choice * present).sum() / count,
        "object": there,
        "chosen_iou": (chosen * present).sum() / count,
        "best_iou": (iou[:, 1:].amax(1) * present).sum() / count,
    }
    return PromptLoss(total, {name: value.detach() for name, value in parts.items()})
