"""What the network made before: held while there is room, and made again when it is asked for."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import torch

from napari_sam2.engine import inference
from napari_sam2.engine.cache import TensorCache
from napari_sam2.engine.masks import NO_MASK, CompactMask
from napari_sam2.engine.memory_bank import Memory, MemoryChoice, choose_memories
from napari_sam2.engine.transforms import view_of
from napari_sam2.model.device import copy_to_processor
from napari_sam2.model.network import SAM2, ImageEmbedding, MaskPrediction
from napari_sam2.model.threads import threads_for
from napari_sam2.results import Scores
from napari_sam2.session.foresight import Foresight
from napari_sam2.session.state import FrameRecord, ObjectState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_sam2.engine.inference import Decision
    from napari_sam2.engine.transforms import View
    from napari_sam2.stack import IntensityMap, Stack

__all__ = ["CacheSizes", "Recall", "after_tracking"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CacheSizes:
    """Bytes kept at most of what can be made again.

    Parameters
    ----------
    embeddings : int
        Encoded planes, in memory.
    memories : int
        Memory maps and memory-conditioned features, in memory.
    logits : int
        Mask logits and object pointers, in memory.
    disk : int
        For embeddings and logits that left memory, in a temporary folder.
    """

    embeddings: int = 2 * 2**30
    memories: int = 2**30
    logits: int = 256 * 2**20
    disk: int = 4 * 2**30


class Recall:
    """Embeddings of planes, and logits, pointers and memories of records.

    Parameters
    ----------
    model : SAM2
        The network.
    stack : Stack
        The image.
    intensity : IntensityMap
        From raw planes to what the model sees.
    sizes : CacheSizes
        Bounds.
    """

    def __init__(
        self, model: SAM2, stack: Stack, intensity: IntensityMap, sizes: CacheSizes
    ) -> None:
        self.model = model
        self.stack = stack
        self.intensity = intensity
        self.embeddings = TensorCache(sizes.embeddings, sizes.disk // 2)
        self.memories = TensorCache(sizes.memories // 2)
        self.conditioned = TensorCache(sizes.memories // 2)
        self.logits = TensorCache(sizes.logits, sizes.disk // 2)
        self.foresight = Foresight()
        self._versions = count(1)

    # the device

    def fit(self, work: Callable[[], T]) -> T:
        """Do some of the network's work; where the device has no room, do it and all that follows on the processor.

        Parameters
        ----------
        work : callable
            Without arguments; it holds no tensors, since they may have to be made again.

        Returns
        -------
        object
            What `work` returns.
        """
        try:
            return work()
        except torch.OutOfMemoryError:
            if self.is_on_processor:
                raise
        self._move_to_processor()
        return work()

    @property
    def is_on_processor(self) -> bool:
        """Whether there is nothing to fall back to."""
        return self.model.device.type == "cpu"

    def _move_to_processor(self) -> None:
        """Go on with a copy of the network on the processor; what was made on the device is made again."""
        warnings.warn(
            f"{self.model.device} has too little memory for one object of {self.model.name or 'this model'}; going on "
            "on the processor, which is slower. A smaller model or window_side fits sooner.",
            UserWarning,
            stacklevel=2,
        )
        self.use(copy_to_processor(self.model))

    def use(self, model: SAM2) -> None:
        """Go on with another network of the same architecture; what the old one made of planes is made again."""
        for cache in (self.embeddings, self.memories, self.conditioned, self.foresight):
            cache.clear()
        self.model = model

    # planes

    def embedding(self, frame: int, view: View) -> ImageEmbedding:
        """Return the embedding of a frame, encoding it if it is not held."""
        return self.embeddings_of(frame, [view])[view]

    def embeddings_of(self, frame: int, views: Sequence[View]) -> dict[View, ImageEmbedding]:
        """Return embeddings of a frame, in views of one side; those that are not held are encoded together."""
        held = {view: self._held(frame, view) for view in views}
        missing = [view for view, embedding in held.items() if embedding is None]
        made = dict(zip(missing, self.encode(frame, missing), strict=True))
        for view, embedding in made.items():
            self.hold(frame, view, embedding)
        return {view: embedding or made[view] for view, embedding in held.items()}

    def _held(self, frame: int, view: View) -> ImageEmbedding | None:
        tensors = self.embeddings.get((frame, view))
        if tensors is None:
            return None
        features, fine, middle = tensors
        return ImageEmbedding(features, (fine, middle))

    def hold(self, frame: int, view: View, embedding: ImageEmbedding) -> None:
        """Hold the embedding of a frame, as long as there is room."""
        self.embeddings.put((frame, view), embedding.features, *embedding.high_res)

    def encode(self, frame: int, views: Sequence[View]) -> list[ImageEmbedding]:
        """Encode a frame in views of one side, together, and hold nothing of it."""
        if not views:
            return []
        plane = self.intensity(self.stack.plane(frame))
        with threads_for(self.model.config, views[0].side):
            return inference.encode_views(self.model, views, plane)

    def embeddings_kept(self, view: View) -> int:
        """Tell how many embeddings of this size can be held."""
        tokens = (view.side // 16) ** 2
        # the plain map, the one of twice its sides with D/4 channels, the one of four times with D/8
        num_bytes = tokens * self.model.config.d_model * (1 + 1 + 2) * 4
        return (self.embeddings.memory_bytes + self.embeddings.disk_bytes) // num_bytes

    def whole_plane(self) -> View:
        """Return the view of a whole plane."""
        return view_of(self.stack.plane_shape, self.model.config)

    def is_encoded(self, frame: int, view: View) -> bool:
        """Tell whether the embedding of a frame is held."""
        return (frame, view) in self.embeddings

    # records

    def record(
        self,
        decision: Decision,
        row: int,
        view: View,
        earlier: FrameRecord | None = None,
        prediction: MaskPrediction | None = None,
        mask: CompactMask | None = None,
    ) -> FrameRecord:
        """Make a record of one object's row of a decision.

        Parameters
        ----------
        decision : Decision
            Of a batch of objects.
        row : int
            Of the object.
        view : View
            What the model was shown.
        earlier : FrameRecord, optional
            Of the same frame: how it was tracked before it was prompted.
        prediction : MaskPrediction, optional
            All masks of decoded prompts, to choose from.
        mask : CompactMask, optional
            That of the row, where it is known.

        Returns
        -------
        FrameRecord
            In data pixels.
        """
        logits = decision.logits[row]
        mask = mask or self.mask_of(logits, view)
        version = self.remember(logits, decision.pointer[row])
        if prediction is not None:
            parts = (prediction.logits, prediction.iou_score, prediction.tokens)
            held = [t.float().cpu() for t in (*parts, prediction.object_score)]
            self.logits.put(("prediction", version), *held)
        scores = Scores(
            float(decision.iou_score[row]),
            float(decision.stability[row]),
            float(decision.object_score[row]),
            mask.area,
        )
        made = FrameRecord(version, mask, scores, view, index=int(decision.index[row]))
        if earlier is not None:
            made = after_tracking(made, earlier)
        return made

    @staticmethod
    def mask_of(logits: Tensor, view: View) -> CompactMask:
        """Return what logits (h, w) show, in data pixels."""
        return CompactMask.pack((view.to_data(logits) > 0).cpu().numpy(), view.window[:2])

    def remember(self, logits: Tensor, pointer: Tensor) -> int:
        """Hold the logits (h, w) and the pointer (D,) of a new record; return its version."""
        version = self.new_version()
        self.logits.put(version, logits.float().cpu().clone(), pointer.cpu().clone())
        return version

    def new_version(self) -> int:
        """Return a version for a new record."""
        return next(self._versions)

    def copy_of(self, record: FrameRecord) -> int:
        """Hold what is held of a record under a new version, and return it."""
        held = self.logits.get(record.version)
        return self.remember(*held) if held is not None else self.new_version()

    def without_mask(self, record: FrameRecord) -> FrameRecord:
        """Turn a record into one that says the object is not there."""
        scores = replace(record.scores, area=0)
        return replace(record, version=self.new_version(), mask=NO_MASK, scores=scores)

    def start_versions_after(self, last: int) -> None:
        """Go on counting after the records of a loaded session."""
        self._versions = count(last + 1)

    def logits_of(self, record: FrameRecord) -> Tensor:
        """Return a record's logits, float32 on the CPU, (h, w); made from the mask if they are gone."""
        held = self.logits.get(record.version)
        if held is not None:
            return held[0]
        mask = record.mask.inside((0, 0, *self.stack.plane_shape))
        return record.view.hint_logits(mask, torch.device("cpu"))[0, 0]

    def prediction(self, record: FrameRecord) -> MaskPrediction | None:
        """Return all masks of decoded prompts; None if they are gone."""
        held = self.logits.get(("prediction", record.version))
        if held is None:
            return None
        return MaskPrediction(*(t.to(self.model.device) for t in held))

    # memories

    def choice(
        self, state: ObjectState, frame: int, direction: int, since: int | None
    ) -> MemoryChoice:
        """Choose an object's memories for a frame."""
        tracked = state.tracked_frames(direction, since)
        return choose_memories(frame, direction, state.prompts, tracked)

    def memory(self, record: FrameRecord, frame: int) -> Memory:
        """Return a record's memory, made from its logits, or else its mask, if it is not held."""
        held = self.memories.get(record.version)
        if held is None:
            held = self._make_memory(record, frame)
            self.memories.put(record.version, *held)
        return Memory(*held)

    def _make_memory(self, record: FrameRecord, frame: int) -> tuple[Tensor, Tensor]:
        embedding = self.embedding(frame, record.view)
        held = self.logits.get(record.version)
        if held is None:
            plane = record.mask.inside((0, 0, *self.stack.plane_shape))
            made = inference.memory_of_mask(self.model, record.view, embedding, plane)
            return made.map, made.pointer
        logits, pointer = (t.to(self.model.device) for t in held)
        score = torch.tensor([record.scores.object_score], device=self.model.device)
        maps = inference.encode_memory(
            self.model, record.view, embedding.features, logits[None], score, record.prompted
        )
        return maps[0], pointer


def after_tracking(record: FrameRecord, earlier: FrameRecord) -> FrameRecord:
    """Keep how a frame was tracked when its mask is replaced."""
    return replace(record, direction=earlier.direction, since=earlier.since, origin=earlier.origin)
