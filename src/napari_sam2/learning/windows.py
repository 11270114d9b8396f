"""Batches of windows: drawn anew for every step, or encoded once and drawn again where the encoder does not change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from napari_sam2.engine.transforms import input_side
from napari_sam2.learning.examples import as_batch, draw_crop
from napari_sam2.model.network import ImageEmbedding
from napari_sam2.training.prompting import Objects, PromptKind, ask
from napari_sam2.training.samples import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_sam2.learning.examples import Crop, Example
    from napari_sam2.learning.settings import LearningSettings
    from napari_sam2.model.network import SAM2
    from napari_sam2.training.losses import LossWeights

__all__ = ["Windows"]

_KINDS: Final[tuple[PromptKind, ...]] = ("click", "box", "mask")
_KIND_SHARES: Final = (0.8, 0.15, 0.05)
_CORRECTION_SHARES: Final = (0.5, 0.25, 0.25)  # of 0, 1, 2 corrections
_FRAMES: Final = 3  # of a clip made of one plane
_CACHE_BYTES: Final = 2**30
_PER_OBJECT: Final = 32  # windows that are encoded of each object, if there is room and time
_ENCODING_SHARE: Final = 0.3  # of the time


class Windows:
    """Where the batches come from.

    Parameters
    ----------
    encoder : SAM2
        Encodes what is cached.
    examples : sequence of Example
        Objects to learn from.
    settings : LearningSettings
        How.
    seconds : float or None
        Of the training, if embeddings are made once, in a part of it; None if they are made anew.
    """

    def __init__(
        self,
        encoder: SAM2,
        examples: Sequence[Example],
        settings: LearningSettings,
        seconds: float | None,
    ) -> None:
        self._encoder = encoder
        self._examples = list(examples)
        self._settings = settings
        self._groups = frozenset(e.group for e in examples)
        self._side = _side(encoder, examples, settings)
        self._cached = seconds is not None
        self._limit = (seconds or 0) * _ENCODING_SHARE
        self._crops: list[tuple[Crop, ImageEmbedding]] = []
        self._is_full = False
        self._spent = 0.0
        self._turn = 0

    def loss(self, net: SAM2, rng: np.random.Generator, weights: LossWeights) -> Tensor:
        """Prompt the objects of some windows, mostly by a click, correct, and return the mean loss of all decodings."""
        if self._cached:
            batch, embedding = self._encoded(rng)
        else:
            batch = self._on_device(self._draw(rng))
            embedding = net.encode_image(batch.images[0])
        at = batch.crop_of_row.to(net.device)
        fine, middle = embedding.high_res
        features = net.without_memory(embedding.features)[at]
        objects = Objects(features, (fine[at], middle[at]), batch.truth[0], batch.background)
        kind: PromptKind = _KINDS[int(rng.choice(len(_KINDS), p=_KIND_SHARES))]
        corrections = int(rng.choice(len(_CORRECTION_SHARES), p=_CORRECTION_SHARES))
        losses = ask(net, objects, kind, corrections, rng, weights).losses
        return torch.stack([loss.total for loss in losses]).mean()

    def _encoded(self, rng: np.random.Generator) -> tuple[Batch, ImageEmbedding]:
        """Draw from the windows that were encoded."""
        self._encode_more(rng)
        count = min(self._settings.crops, len(self._crops))
        chosen = [self._crops[i] for i in rng.permutation(len(self._crops))[:count]]
        embedding = _join([e for _, e in chosen], self._encoder.device)
        return as_batch([crop for crop, _ in chosen]), embedding

    def clip(self, rng: np.random.Generator) -> Batch:
        """Draw short clips: each is one plane, seen through a window that moves."""
        half = max(2, self._settings.crops // 2)
        return self._on_device(_moving(self._draw(rng, half), rng))

    def _draw(self, rng: np.random.Generator, crops: int = 0) -> Batch:
        return as_batch([self._crop(rng) for _ in range(crops or self._settings.crops)])

    def _crop(self, rng: np.random.Generator) -> Crop:
        """Draw a window; all objects have their turn."""
        if self._turn % len(self._examples) == 0:
            self._order = rng.permutation(len(self._examples))
        example = self._examples[self._order[self._turn % len(self._examples)]]
        self._turn += 1
        return draw_crop(example, self._side, self._settings.showing, self._groups, rng)

    def _encode_more(self, rng: np.random.Generator) -> None:
        """Encode windows, at first enough for a step, later a few per step while there is room and time."""
        wanted = self._settings.crops if not self._crops else 2
        for _ in range(0 if self._is_full else wanted):
            begin = time.monotonic()
            crop = self._crop(rng)
            with torch.no_grad(), self._encoder.autocast():
                whole = self._encoder.encode_image(crop.image[None].to(self._encoder.device))
            kept = ImageEmbedding(
                whole.features.to(torch.bfloat16),
                (whole.high_res[0].to(torch.bfloat16), whole.high_res[1].to(torch.bfloat16)),
            )
            self._crops.append((crop, kept))
            self._spent += time.monotonic() - begin
            n_bytes = 2 * sum(t.numel() for t in (kept.features, *kept.high_res))
            most = min(_PER_OBJECT * len(self._examples), _CACHE_BYTES // n_bytes)
            if len(self._crops) >= max(2, most) or self._spent > self._limit:
                self._is_full = len(self._crops) >= 2

    def _on_device(self, batch: Batch) -> Batch:
        images = batch.images.to(self._encoder.device)
        return Batch(images, batch.crop_of_row, batch.truth, batch.background)


def _side(model: SAM2, examples: Sequence[Example], settings: LearningSettings) -> int:
    """Return the input's side for a usual window."""
    extent = float(np.median([settings.showing.usual_extent(e.diameter) for e in examples]))
    return input_side(model.config, (0, 0, round(extent), round(extent)))


def _join(embeddings: Sequence[ImageEmbedding], device: torch.device) -> ImageEmbedding:
    features = torch.cat([e.features for e in embeddings]).to(device, torch.float32)
    fine, middle = (
        torch.cat([e.high_res[i] for e in embeddings]).to(device, torch.float32) for i in (0, 1)
    )
    return ImageEmbedding(features, (fine, middle))


def _moving(batch: Batch, rng: np.random.Generator) -> Batch:
    """Make clips (T, B, ...) of crops (1, B, ...) that are rolled a few pixels from frame to frame."""
    images, truths = [batch.images[0]], [batch.truth[0]]
    reach = max(1, batch.images.shape[-1] // 24)
    for _ in range(_FRAMES - 1):
        dy, dx = (int(v) for v in rng.integers(-reach, reach + 1, 2))
        images.append(torch.roll(images[-1], (dy, dx), (-2, -1)))
        truths.append(np.roll(truths[-1], (dy, dx), (-2, -1)))
    return Batch(torch.stack(images), batch.crop_of_row, np.stack(truths), batch.background)
