"""One step's loss: on planes (prompts and corrections), or on clips (a prompt, then tracking by memory)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_sam2.model.network import SAM2, ImageEmbedding, MemoryBatch
from napari_sam2.training.losses import LossWeights, PromptLoss
from napari_sam2.training.prompting import (
    Answer,
    Objects,
    PromptKind,
    ask,
    chosen_mask,
    decode_and_judge,
    upscaled,
)
from napari_sam2.training.samples import Batch

__all__ = ["StepLoss", "clip_loss", "image_loss", "track"]

MAX_AGE = 6
MAX_DISTANCE = 15
"""Pointers are at most this far away; distances are given relative to it, as in a stack of 16 frames or more."""

CORRECTIONS = ((0, 1, 2, 3), (0.3, 0.35, 0.2, 0.15))
CORRECTED_CLIPS = 0.4
"""Share of the clips on which a tracked frame is corrected."""


@dataclass(frozen=True, slots=True)
class StepLoss:
    """Loss of a step and its parts for the log."""

    total: Tensor
    parts: dict[str, float]


def image_loss(net: SAM2, batch: Batch, rng: np.random.Generator, weights: LossWeights) -> StepLoss:
    """Prompt all objects of a batch of planes: six of ten by a click, the others by a box or a mask; then correct."""
    embedding = net.encode_image(batch.images[0])
    features = net.without_memory(embedding.features)
    objects = _objects(features, embedding.high_res, batch, 0)
    order = rng.permutation(len(batch.crop_of_row))
    clicked = round(0.6 * len(order))
    kind: PromptKind = "box" if rng.random() < 0.75 else "mask"
    corrections = int(rng.choice(CORRECTIONS[0], p=CORRECTIONS[1]))
    losses: list[PromptLoss] = []
    shares: list[float] = []
    for rows, first in ((order[:clicked], "click"), (order[clicked:], kind)):
        answer = ask(net, objects.rows(np.sort(rows)), first, corrections, rng, weights)  # type: ignore[arg-type]
        losses += answer.losses
        shares += [len(rows) / len(order) / len(answer.losses)] * len(answer.losses)
    total = torch.stack([loss.total * s for loss, s in zip(losses, shares, strict=True)]).sum()
    return StepLoss(total, _parts(losses, losses[0]))


def clip_loss(net: SAM2, batch: Batch, rng: np.random.Generator, weights: LossWeights) -> StepLoss:
    """Prompt the objects of a batch of clips on their first frame and track them through the others.

    On two of five clips a tracked frame is corrected by a click, so that all others see two prompted frames.
    """
    kind: PromptKind = rng.choice(np.array(["click", "box", "mask"]), p=[0.5, 0.2, 0.3])
    times = _draw_times(len(batch.images), rng)
    corrected = int(rng.integers(1, len(times))) if rng.random() < CORRECTED_CLIPS else -1
    losses = track(net, batch, str(kind), times, corrected, rng, weights)  # type: ignore[arg-type]
    total = torch.stack([loss.total for loss in losses]).mean()
    return StepLoss(total, _parts(losses, losses[-1]))


def track(
    net: SAM2,
    batch: Batch,
    kind: PromptKind,
    times: npt.NDArray[np.int64],
    corrected: int,
    rng: np.random.Generator,
    weights: LossWeights,
) -> list[PromptLoss]:
    """Return the losses of a clip's decodings, the last frame's last; frame ``corrected`` (or none, -1) gets a click.

    As in a session, the corrected frame comes right after the prompted one, and both are known to all others, also to
    those that lie before it. ``times`` are the positions of the frames in a longer imagined stack, so that all ages of
    memories are learned from short clips.
    """
    count, crops = batch.images.shape[:2]
    order = [0, *sorted(range(1, count), key=lambda t: t != corrected)]
    # (T, B, 3, side, side) -> (T B, ...): all frames are encoded at once
    whole = net.encode_image(batch.images.flatten(0, 1))
    frames = [_slice(whole, slice(t * crops, (t + 1) * crops)) for t in range(count)]
    losses: list[PromptLoss] = []
    bank = _Bank()
    for t in order:
        frame = frames[t]
        plain = frame.features[batch.crop_of_row]
        if t == 0:
            objects = _objects(net.without_memory(frame.features), frame.high_res, batch, 0)
            answer = _prompt(net, objects, kind, rng, weights)
            losses += answer.losses
            is_prompted = True
        else:
            conditioned = net.attend_memory(plain, bank.seen_from(int(times[t])))
            objects = _objects(frame.features, frame.high_res, batch, t, conditioned)
            prediction, loss = decode_and_judge(net, objects, None, objects.target(), weights)
            losses.append(loss)
            logits, token = chosen_mask(prediction, ambiguous=True)
            answer = Answer([loss], logits, token, prediction.object_score)
            is_prompted = t == corrected
            if is_prompted:
                answer = ask(net, objects, "click", 0, rng, weights, start_logits=logits)
                losses += answer.losses
        if t != order[-1]:
            bank.remember(net, plain, answer, int(times[t]), is_prompted)
    return losses


def _prompt(
    net: SAM2, objects: Objects, kind: PromptKind, rng: np.random.Generator, weights: LossWeights
) -> Answer:
    """Prompt the first frame; a mask is taken as it is, and the decoder makes its pointer."""
    if kind != "mask":
        return ask(net, objects, kind, int(rng.random() < 0.3), rng, weights)
    truth = torch.from_numpy(objects.truth)[:, None].to(objects.features.device, torch.float32)
    nothing = torch.zeros(len(truth), 0, 2, device=truth.device)
    prediction = net.decode(
        objects.features,
        objects.high_res,
        nothing,
        nothing[..., 0].long(),
        net.mask_as_prompt(truth),
    )
    _, token = chosen_mask(prediction, ambiguous=True)
    present = truth.amax((1, 2, 3)) * 20 - 10
    low = torch.nn.functional.avg_pool2d(truth, 4) * 20 - 10
    return Answer([], low, token, present)


class _Bank:
    """The memories and pointers of R objects, from the prompted frame on."""

    def __init__(self) -> None:
        self.maps: list[Tensor] = []
        self.pointers: list[Tensor] = []
        self.times: list[int] = []
        self.prompted: list[bool] = []

    def remember(
        self, net: SAM2, features: Tensor, answer: Answer, time: int, is_prompted: bool
    ) -> None:
        logits = upscaled(answer.logits)
        mask = (logits > 0).float() if is_prompted else logits.sigmoid()
        mask = mask * (answer.object_score > 0).float()[:, None, None, None]
        self.maps.append(net.encode_memory(features, mask, answer.object_score))
        self.pointers.append(net.object_pointer(answer.token, answer.object_score))
        self.times.append(time)
        self.prompted.append(is_prompted)

    def seen_from(self, time: int) -> MemoryBatch:
        """Prompted frames first (age 0), then tracked frames of the last six, as at inference; no pointers from ahead."""
        order = sorted(range(len(self.times)), key=lambda i: (not self.prompted[i], -self.times[i]))
        ages = [0 if self.prompted[i] else time - self.times[i] for i in order]
        kept = [(i, age) for i, age in zip(order, ages, strict=True) if age <= MAX_AGE]
        rows, device = len(self.maps[0]), self.maps[0].device
        behind = [i for i in order if self.times[i] < time]
        distance = [float(time - self.times[i]) for i in behind]
        return MemoryBatch(
            maps=torch.stack([self.maps[i] for i, _ in kept], 1),
            map_age=torch.tensor([age for _, age in kept], device=device).expand(rows, -1),
            pointers=torch.stack([self.pointers[i] for i in behind], 1),
            pointer_distance=torch.tensor(distance, device=device).expand(rows, -1),
            max_distance=MAX_DISTANCE,
        )


def _draw_times(count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Place frames in time: mostly neighbours, sometimes with gaps, so that far memories are seen too."""
    gaps = np.where(rng.random(count) < 0.75, 1, rng.integers(2, 4, count))
    if rng.random() < 0.4:
        gaps[1] = rng.integers(2, MAX_DISTANCE)
    gaps[0] = 0
    return np.asarray(np.cumsum(gaps), np.int64)


def _objects(
    features: Tensor,
    high_res: tuple[Tensor, Tensor],
    batch: Batch,
    frame: int,
    conditioned: Tensor | None = None,
) -> Objects:
    """Spread the features of crops (B, ...) over the objects (R, ...), unless they are ``conditioned`` per object."""
    at = batch.crop_of_row.to(features.device)
    fine, middle = high_res
    return Objects(
        features[at] if conditioned is None else conditioned,
        (fine[at], middle[at]),
        batch.truth[frame],
        batch.background,
    )


def _slice(embedding: ImageEmbedding, part: slice) -> ImageEmbedding:
    fine, middle = embedding.high_res
    return ImageEmbedding(embedding.features[part], (fine[part], middle[part]))


def _parts(losses: list[PromptLoss], shown: PromptLoss) -> dict[str, float]:
    """Average the parts over decodings, but show the IoU of one of them."""
    names = shown.parts
    means = {n: float(torch.stack([loss.parts[n] for loss in losses]).mean()) for n in names}
    return means | {n: float(shown.parts[n]) for n in ("chosen_iou", "best_iou")}
