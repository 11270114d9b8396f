"""The steps of the network in the order in which SAM 2 takes them, without state.

References
----------
Ravi et al. 2024, SAM 2, section 4 and appendix D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from napari_sam2.engine.memory_bank import Memory
from napari_sam2.engine.scores import stability_score
from napari_sam2.engine.transforms import View, exact_logits
from napari_sam2.model.network import ImageEmbedding, MaskPrediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from napari_sam2.model.network import SAM2, MemoryBatch

__all__ = [
    "ABSENT_LOGIT",
    "Decision",
    "accept_mask",
    "carry",
    "condition",
    "decide",
    "encode_memory",
    "encode_views",
    "mean_of",
    "memory_of_mask",
    "predict",
    "stack_embeddings",
]

ABSENT_LOGIT: Final = -1024.0
"""The logit of every pixel where the object is not on the frame at all."""

_FEEDBACK_LOGIT: Final = 32.0  # earlier logits are clamped to this before they are fed back
_ENCODED_AT_ONCE: Final = 512**2  # pixels: many short operations become fewer longer ones
_DYNAMIC_OFFSET: Final = 0.05
_DYNAMIC_STABILITY: Final = 0.98
_PRESENT_SCORE: Final = 1e-3  # logit: the least object score of an object that the user has shown


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The masks that were chosen for a batch of objects.

    Parameters
    ----------
    logits : Tensor, float32, (B, S/4, S/4)
        Of the chosen masks.
    iou_score : Tensor, (B,)
        The model's estimate for the chosen masks.
    stability : Tensor, (B,)
        Stability scores of the chosen masks.
    object_score : Tensor, (B,)
        Logits.
    pointer : Tensor, (B, D)
        Object pointers.
    index : Tensor of int, (B,)
        0: the single mask; 1 to 3: one of the three.
    """

    logits: Tensor
    iou_score: Tensor
    stability: Tensor
    object_score: Tensor
    pointer: Tensor
    index: Tensor


@torch.inference_mode()
def encode_views(model: SAM2, views: Sequence[View], plane: np.ndarray) -> list[ImageEmbedding]:
    """Encode views of a plane (y, x, 3), float32 in 0 to 1; all of one side, small ones together."""
    made: list[ImageEmbedding] = []
    at_once = max(1, _ENCODED_AT_ONCE // views[0].side ** 2)
    for start in range(0, len(views), at_once):
        images = [view.image(plane, model.device) for view in views[start : start + at_once]]
        with model.autocast():
            whole = model.encode_image(torch.cat(images))
        made += _apart(whole, len(images))
    return made


@torch.inference_mode()
def predict(
    model: SAM2,
    features: Tensor,
    high_res: tuple[Tensor, Tensor],
    point_xy: Tensor,
    point_kind: Tensor,
    earlier_logits: Tensor | None = None,
) -> MaskPrediction:
    """Decode prompts; earlier logits (B, 1, S/4, S/4) are clamped and fed back."""
    if earlier_logits is not None:
        earlier_logits = earlier_logits.clamp(-_FEEDBACK_LOGIT, _FEEDBACK_LOGIT)
    with model.autocast():
        return model.decode(features, high_res, point_xy, point_kind, earlier_logits)


@torch.inference_mode()
def mean_of(predictions: Sequence[MaskPrediction]) -> MaskPrediction:
    """Average what was said about the same prompts in several views, upright; the tokens are those of the first one."""
    first, *others = predictions
    if not others:
        return first
    logits, iou_score, object_score = (
        torch.stack([getattr(each, name) for each in predictions]).mean(0)
        for name in ("logits", "iou_score", "object_score")
    )
    return MaskPrediction(logits, iou_score, first.tokens, object_score)


@torch.inference_mode()
def decide(
    model: SAM2,
    prediction: MaskPrediction,
    ambiguous: bool,
    index: int | None = None,
    *,
    is_present: bool = False,
) -> Decision:
    """Choose one of the four masks of each object.

    Parameters
    ----------
    model : SAM2
        Makes the object pointers.
    prediction : MaskPrediction
        From `predict`.
    ambiguous : bool
        At most one point was given: the best of the three masks. Otherwise the single mask, unless it is unstable.
    index : int, optional
        The user's choice, 1 to 3, instead.
    is_present : bool
        The user has said that the objects are there: a low object score does not empty their masks.

    Returns
    -------
    Decision
    """
    logits, iou, object_score = prediction.logits, prediction.iou_score, prediction.object_score
    if is_present:
        object_score = object_score.clamp(min=_PRESENT_SCORE)
    best = iou[:, 1:].argmax(dim=1) + 1
    if index is not None:
        chosen = torch.full_like(best, index)
    elif ambiguous:
        chosen = best
    else:
        stable = stability_score(logits[:, 0], _DYNAMIC_OFFSET) >= _DYNAMIC_STABILITY
        chosen = torch.where(stable, torch.zeros_like(best), best)
    # an unstable single mask is replaced, but the object keeps the single mask's token
    token_index = chosen if ambiguous or index is not None else torch.zeros_like(best)
    rows = torch.arange(len(best), device=best.device)
    absent = (object_score <= 0)[:, None, None]
    picked = torch.where(absent, ABSENT_LOGIT, logits[rows, chosen])
    with model.autocast():
        pointer = model.object_pointer(prediction.tokens[rows, token_index], object_score)
    return Decision(
        picked, iou[rows, chosen], stability_score(picked), object_score, pointer, chosen
    )


@torch.inference_mode()
def accept_mask(model: SAM2, view: View, embedding: ImageEmbedding, mask: np.ndarray) -> Decision:
    """Take a mask (y, x) of the whole plane as it is; the decoder is asked only for the object pointer."""
    exact = view.exact_mask(mask, model.device)
    pointer, object_score = _pointer_of_mask(model, embedding, exact)
    logits = exact_logits(exact)[:, 0]
    ones = torch.ones_like(object_score)
    index = torch.zeros(1, dtype=torch.long, device=model.device)
    return Decision(logits, ones, ones, object_score, pointer, index)


@torch.inference_mode()
def memory_of_mask(model: SAM2, view: View, embedding: ImageEmbedding, mask: np.ndarray) -> Memory:
    """Make the memory of a frame again from its mask (y, x) alone."""
    exact = view.exact_mask(mask, model.device)
    pointer, object_score = _pointer_of_mask(model, embedding, exact)
    with model.autocast():
        maps = model.encode_memory(embedding.features, exact, object_score)
    return Memory(maps[0], pointer[0])


@torch.inference_mode()
def encode_memory(
    model: SAM2,
    view: View,
    features: Tensor,
    logits: Tensor,
    object_score: Tensor,
    prompted: bool,
) -> Tensor:
    """Encode memories (B, M, h, w) of logits (B, S/4, S/4); those of prompted frames are binarised."""
    full = view.to_input(logits[:, None])
    mask = (full > 0).float() if prompted else full.sigmoid()
    with model.autocast():
        return model.encode_memory(features, mask, object_score)


@torch.inference_mode()
def condition(model: SAM2, features: Tensor, memory: MemoryBatch | None) -> Tensor:
    """Prepare features for the decoder, with memories or (None) without."""
    with model.autocast():
        if memory is None:
            return model.without_memory(features)
        return model.attend_memory(features, memory)


@torch.inference_mode()
def carry(model: SAM2, conditioned: Tensor, high_res: tuple[Tensor, Tensor]) -> Decision:
    """Find objects on a frame from memory-conditioned features alone: no prompt, the best of three masks."""
    nothing = torch.zeros(len(conditioned), 0, 2, device=conditioned.device)
    kinds = torch.zeros(len(conditioned), 0, dtype=torch.long, device=conditioned.device)
    return decide(model, predict(model, conditioned, high_res, nothing, kinds), ambiguous=True)


def stack_embeddings(
    embeddings: Sequence[ImageEmbedding],
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Stack the embeddings of several objects; one that all share stays a batch of one."""
    first = embeddings[0]
    if all(e is first for e in embeddings):
        return first.features, first.high_res
    features = torch.cat([e.features for e in embeddings])
    fine = torch.cat([e.high_res[0] for e in embeddings])
    middle = torch.cat([e.high_res[1] for e in embeddings])
    return features, (fine, middle)


def _apart(whole: ImageEmbedding, count: int) -> list[ImageEmbedding]:
    """Take a batch of embeddings apart, each with memory of its own: they are forgotten one by one."""
    if count == 1:
        return [whole]
    parts = (whole.features, *whole.high_res)
    made = ([part[i : i + 1].clone() for part in parts] for i in range(count))
    return [ImageEmbedding(features, (fine, middle)) for features, fine, middle in made]


def _pointer_of_mask(
    model: SAM2, embedding: ImageEmbedding, exact: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the pointer (1, D) and object score (1,) of an exact mask (1, 1, S, S)."""
    nothing = torch.zeros(1, 0, 2, device=model.device)
    kinds = torch.zeros(1, 0, dtype=torch.long, device=model.device)
    with model.autocast():
        hint = model.mask_as_prompt(exact)
        prediction = model.decode(embedding.features, embedding.high_res, nothing, kinds, hint)
        decided = decide(model, prediction, ambiguous=False)
        present = exact.flatten(1).any(dim=1)
        object_score = torch.where(present, 10.0, -10.0)
        pointer = torch.where(present[:, None], decided.pointer, model.no_obj_ptr)
    return pointer, object_score
