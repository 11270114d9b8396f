"""Ask the network about objects as a user would: a first prompt, then corrections with the earlier logits fed back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_sam2.model.network import SAM2, MaskPrediction
from napari_sam2.training.clicks import (
    BOX_KINDS,
    correction_click,
    first_click,
    jittered_box,
    pick_inside,
    rough_logits,
)
from napari_sam2.training.losses import LossWeights, PromptLoss, prompt_loss

__all__ = ["Answer", "Objects", "PromptKind", "ask", "chosen_mask", "decode_and_judge", "upscaled"]

PromptKind = Literal["click", "box", "mask"]
FED_BACK_LIMIT = 32.0
"""Logits that are fed back are clamped to this, as in the SAM 2 predictors."""


@dataclass(frozen=True, slots=True)
class Objects:
    """R objects on one frame, with the features to decode them from.

    Parameters
    ----------
    features : Tensor
        (R, D, h, w), with or without memory.
    high_res : tuple of Tensor
        (R, D/8, 4h, 4w) and (R, D/4, 2h, 2w).
    truth : ndarray of bool
        (R, side, side); an all-False row asks for something absent.
    background : ndarray of bool
        (R, side, side): where a click hits nothing.
    """

    features: Tensor
    high_res: tuple[Tensor, Tensor]
    truth: npt.NDArray[np.bool_]
    background: npt.NDArray[np.bool_]

    def target(self) -> Tensor:
        """Return the truth as fractions of 2 x 2 pixels, (R, side/2, side/2)."""
        truth = torch.from_numpy(self.truth).to(self.features.device, torch.float32)
        return F.avg_pool2d(truth[:, None], 2)[:, 0]

    def rows(self, index: npt.NDArray[np.int64]) -> "Objects":
        """Return some of the objects."""
        at = torch.from_numpy(index).to(self.features.device)
        fine, middle = self.high_res
        return Objects(
            self.features[at], (fine[at], middle[at]), self.truth[index], self.background[index]
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network said after the last prompt.

    Parameters
    ----------
    losses : list of PromptLoss
        One per decoding.
    logits : Tensor
        (R, 1, 4h, 4w), of the chosen mask.
    token : Tensor
        (R, D), of the chosen mask, for the object pointer.
    object_score : Tensor
        (R,) logit.
    """

    losses: list[PromptLoss]
    logits: Tensor
    token: Tensor
    object_score: Tensor


@dataclass(slots=True)
class _Prompts:
    """Points of R objects, (R, N, 2) and (R, N), and the logits to start from."""

    xy: npt.NDArray[np.float32]
    kind: npt.NDArray[np.int64]
    logits: Tensor | None = field(default=None)

    @property
    def is_ambiguous(self) -> bool:
        return bool(self.kind.shape[1] <= 1)

    def add(self, xy: npt.NDArray[np.float32], kind: npt.NDArray[np.int64]) -> None:
        self.xy = np.concatenate([self.xy, xy[:, None]], 1)
        self.kind = np.concatenate([self.kind, kind[:, None]], 1)


def ask(
    net: SAM2,
    objects: Objects,
    kind: PromptKind,
    corrections: int,
    rng: np.random.Generator,
    weights: LossWeights,
    start_logits: Tensor | None = None,
) -> Answer:
    """Prompt, decode, correct, decode again.

    Parameters
    ----------
    net : SAM2
        The network.
    objects : Objects
        What is asked for.
    kind : {"click", "box", "mask"}
        The first prompt; ignored if there are ``start_logits``, where a correction comes first.
    corrections : int
        How many clicks follow the first prompt.
    rng : numpy.random.Generator
        Source of chance.
    weights : LossWeights
        Of the loss of every decoding.
    start_logits : Tensor, optional
        (R, 1, 4h, 4w): what was predicted without a prompt, on a tracked frame.
    """
    target = objects.target()
    if start_logits is None:
        prompts = _first_prompts(objects, kind, rng)
    else:
        prompts = _no_points(len(objects.truth))
        _correct(prompts, start_logits, objects.truth, rng)
    losses = []
    for remaining in range(corrections, -1, -1):
        prediction, loss = decode_and_judge(net, objects, prompts, target, weights)
        losses.append(loss)
        logits, token = chosen_mask(prediction, ambiguous=prompts.is_ambiguous)
        if remaining:
            _correct(prompts, logits, objects.truth, rng)
    return Answer(losses, logits, token, prediction.object_score)


def decode_and_judge(
    net: SAM2, objects: Objects, prompts: _Prompts | None, target: Tensor, weights: LossWeights
) -> tuple[MaskPrediction, PromptLoss]:
    """Decode objects, with no prompt at all if ``prompts`` is None, and compare with ``target``."""
    asked = prompts if prompts is not None else _no_points(len(objects.truth))
    device = objects.features.device
    prediction = net.decode(
        objects.features,
        objects.high_res,
        torch.from_numpy(asked.xy).to(device),
        torch.from_numpy(asked.kind).to(device),
        asked.logits,
    )
    loss = prompt_loss(
        prediction.logits,
        prediction.iou_score,
        prediction.object_score,
        target,
        ambiguous=asked.is_ambiguous,
        weights=weights,
    )
    return prediction, loss


def chosen_mask(prediction: MaskPrediction, *, ambiguous: bool) -> tuple[Tensor, Tensor]:
    """Return logits (R, 1, 4h, 4w) and token (R, D) of the best of three by score, or of the single mask."""
    count = len(prediction.logits)
    index = torch.zeros(count, dtype=torch.int64, device=prediction.logits.device)
    if ambiguous:
        index = 1 + prediction.iou_score[:, 1:].argmax(1)
    row = torch.arange(count, device=index.device)
    return prediction.logits[row, index][:, None], prediction.tokens[row, index]


def upscaled(logits: Tensor) -> Tensor:
    """Bring logits (R, 1, 4h, 4w) to the full resolution (R, 1, 16h, 16w)."""
    return F.interpolate(logits.float(), scale_factor=4, mode="bilinear", align_corners=False)


def _no_points(count: int) -> _Prompts:
    return _Prompts(np.zeros((count, 0, 2), np.float32), np.zeros((count, 0), np.int64))


def _first_prompts(objects: Objects, kind: PromptKind, rng: np.random.Generator) -> _Prompts:
    prompts = _no_points(len(objects.truth))
    if kind == "mask":
        hints = np.stack([rough_logits(mask, rng) for mask in objects.truth])
        prompts.logits = torch.from_numpy(hints)[:, None].to(objects.features.device)
    elif kind == "box":
        prompts.xy = np.stack([_box(m, b, rng) for m, b in _asked(objects)])
        prompts.kind = np.tile(np.array(BOX_KINDS), (len(prompts.xy), 1))
    else:
        points = [_click(m, b, rng) for m, b in _asked(objects)]
        prompts.add(np.array(points, np.float32), np.ones(len(points), np.int64))
    return prompts


def _asked(objects: Objects) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    return zip(objects.truth, objects.background, strict=True)


def _click(
    mask: npt.NDArray[np.bool_], background: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[float, float]:
    return first_click(mask, rng) if mask.any() else pick_inside(background, 0.4, rng)


def _box(
    mask: npt.NDArray[np.bool_], background: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    if mask.any():
        return jittered_box(mask, rng)
    corner = np.array(pick_inside(background, 0.4, rng), np.float32)
    return np.stack([corner - 4, corner + 4])


def _correct(
    prompts: _Prompts,
    logits: Tensor,
    truth: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Add a click where the mask of ``logits`` is wrong, and feed the logits back."""
    fed_back = logits.detach().float().clamp(-FED_BACK_LIMIT, FED_BACK_LIMIT)
    predicted = (upscaled(fed_back)[:, 0] > 0).cpu().numpy()
    clicks = [correction_click(p, t, rng) for p, t in zip(predicted, truth, strict=True)]
    xy = np.array([c[0] for c in clicks], np.float32)
    prompts.add(xy, np.array([c[1] for c in clicks], np.int64))
    prompts.logits = fed_back
