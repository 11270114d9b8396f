"""Between the session's state and the network: encodes, decodes and tracks, and caches what can be made again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_sam2.engine import inference
from napari_sam2.engine.cache import TensorCache
from napari_sam2.engine.masks import CompactMask
from napari_sam2.engine.memory_bank import Memory, MemoryChoice, batch_memories, choose_memories
from napari_sam2.engine.transforms import View, view_of
from napari_sam2.model.device import available_memory
from napari_sam2.model.network import SAM2, ImageEmbedding, MaskPrediction, MemoryBatch
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt
from napari_sam2.results import Scores
from napari_sam2.session.requests import points_of
from napari_sam2.session.state import FrameRecord, ObjectState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_sam2.engine.inference import Decision
    from napari_sam2.engine.plan import Task
    from napari_sam2.stack import IntensityMap, Stack

__all__ = ["CacheSizes", "Tracker"]

_EXTENT_PER_OBJECT = 1.5  # a window is at least so many times as large as the object in it


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


class Tracker:
    """Run the network for a session.

    Parameters
    ----------
    model : SAM2
        The network.
    stack : Stack
        The image.
    intensity : IntensityMap
        From raw planes to what the model sees.
    sizes : CacheSizes
        Bounds of the caches.
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
        self._versions = count(1)
        self._largest_batch = 64

    # encoding

    def embedding(self, frame: int, view: View) -> ImageEmbedding:
        """Return the embedding of a frame, encoding it if it is not cached."""
        tensors = self.embeddings.get((frame, view))
        if tensors is None:
            plane = self.intensity(self.stack.plane(frame))
            made = inference.encode_plane(self.model, view, plane)
            self.embeddings.put((frame, view), made.features, *made.high_res)
            return made
        features, fine, middle = tensors
        return ImageEmbedding(features, (fine, middle))

    def embeddings_kept(self, view: View) -> int:
        """Tell how many embeddings of this size the cache holds."""
        config, tokens = self.model.config, (view.side // 16) ** 2
        # the plain map, the map at twice its sides with D/4 channels, at four times with D/8
        num_bytes = tokens * config.d_model * (1 + 1 + 2) * 4
        return (self.embeddings.memory_bytes + self.embeddings.disk_bytes) // num_bytes

    # what the model is shown

    def view_for_prompts(self, state: ObjectState, prompts: Sequence[Prompt]) -> View:
        """Choose the window around new prompts."""
        low, high = _bounds(prompts)
        centre = (low + high) / 2
        return self._view((float(centre[0]), float(centre[1])), state.extent)

    def extent_for(self, window_side: int | None, prompts: Sequence[Prompt]) -> int | None:
        """Choose an object's window side when it is first prompted: large enough to hold it."""
        if window_side is None:
            return None
        low, high = _bounds(prompts)
        return max(window_side, int(np.ceil(_EXTENT_PER_OBJECT * float((high - low).max()))))

    def _view(self, centre: tuple[float, float] | None, extent: int | None) -> View:
        return view_of(self.stack.plane_shape, self.model.config, centre, extent)

    def _view_to_track(self, state: ObjectState, frame: int, task: Task) -> View:
        """Let the window follow the object from the frame before."""
        if state.extent is None:
            return self._view(None, None)
        before = state.records.get(frame - task.direction) or state.records[task.source]
        centre = before.mask.centre()
        if centre is None:
            y0, x0, y1, x1 = before.view.window
            centre = (y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2
        return self._view(centre, state.extent)

    # decoding prompts

    def decode(
        self,
        state: ObjectState,
        frame: int,
        prompts: Sequence[Prompt],
        start: MaskPrompt | FrameRecord | None,
    ) -> FrameRecord:
        """Decode the prompts of a frame.

        Parameters
        ----------
        state : ObjectState
            The object, as it is without the new prompts' result.
        frame : int
            Where.
        prompts : sequence of Prompt
            All of the frame's prompts.
        start : MaskPrompt, FrameRecord or None
            What the decoder starts from: a mask that the user gave, or the logits of an earlier result.

        Returns
        -------
        FrameRecord
        """
        earlier = state.records.get(frame)
        view = earlier.view if earlier else self.view_for_prompts(state, prompts)
        direction = earlier.direction if earlier else 0
        points = points_of(prompts, self.stack.plane_shape)
        if isinstance(start, MaskPrompt) and not start.refine and not points.kinds:
            return self._accept(frame, view, start.mask, direction)
        device = self.model.device
        fed_back: Tensor | None = None
        if isinstance(start, MaskPrompt):
            fed_back = view.hint_logits(start.mask, device)
        elif start is not None:
            fed_back = self.logits_of(start)[None, None].to(device)
        embedding = self.embedding(frame, view)
        prediction = inference.predict(
            self.model,
            self._conditioned_for_click(state, frame, view, direction, embedding),
            embedding.high_res,
            view.points(points.points_yx, device),
            torch.tensor([points.kinds], dtype=torch.long, device=device).reshape(1, -1),
            fed_back,
        )
        has_mask = any(isinstance(p, MaskPrompt) for p in prompts)
        ambiguous = len(points.kinds) <= 1 and not has_mask
        decision = inference.decide(self.model, prediction, ambiguous)
        return self._record(decision, 0, view, direction, prediction)

    def choose(self, record: FrameRecord, index: int) -> FrameRecord | None:
        """Take mask 1 to 3 of a decoded frame; None if the masks are not held any more."""
        prediction = self.prediction(record)
        if prediction is None:
            return None
        decision = inference.decide(self.model, prediction, ambiguous=False, index=index)
        return self._record(decision, 0, record.view, record.direction, prediction)

    def prediction(self, record: FrameRecord) -> MaskPrediction | None:
        """Return all masks of a decoded frame; None if they are not held any more."""
        tensors = self.logits.get(("prediction", record.version))
        if tensors is None:
            return None
        return MaskPrediction(*(t.to(self.model.device) for t in tensors))

    def _accept(self, frame: int, view: View, mask: np.ndarray, direction: int) -> FrameRecord:
        embedding = self.embedding(frame, view)
        decision = inference.accept_mask(self.model, view, embedding, mask)
        version = self._remember(decision, 0)
        scores = Scores(1.0, 1.0, float(decision.object_score[0]), int(mask.sum()))
        return FrameRecord(version, CompactMask.pack(mask), scores, view, direction, -1, True)

    def _conditioned_for_click(
        self,
        state: ObjectState,
        frame: int,
        view: View,
        direction: int,
        embedding: ImageEmbedding,
    ) -> Tensor:
        """Return the features that a click is decoded on: with memories if the frame was tracked."""
        memory = None
        key = None
        if direction:
            choice = choose_memories(frame, direction, state.prompts, state.usable_frames())
            if choice.maps:
                key = _memory_key(state, frame, view, choice.frames)
                held = self.conditioned.get(key)
                if held is not None:
                    return held[0]
                memories = {f: self.memory(state.records[f], f) for f in choice.frames}
                memory = self._batch([choice], [memories])
        conditioned = inference.condition(self.model, embedding.features, memory)
        if key is not None:
            self.conditioned.put(key, conditioned)
        return conditioned

    # memories

    def memory(self, record: FrameRecord, frame: int) -> Memory:
        """Return the memory of a frame, making it from its logits, or else its mask, if it is not cached."""
        key = record.version
        held = self.memories.get(key)
        if held is None:
            held = self._make_memory(record, frame)
            self.memories.put(key, *held)
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

    def logits_of(self, record: FrameRecord) -> Tensor:
        """Return a record's low-resolution logits (h, w) on the CPU; made from the mask if they are gone."""
        held = self.logits.get(record.version)
        if held is not None:
            return held[0]
        mask = record.mask.inside((0, 0, *self.stack.plane_shape))
        return record.view.hint_logits(mask, torch.device("cpu"))[0, 0]

    def _batch(
        self, choices: Sequence[MemoryChoice], memories: Sequence[dict[int, Memory]]
    ) -> MemoryBatch:
        return batch_memories(choices, memories, self.stack.n_frames, self.model.device)

    # tracking

    def track(
        self, frame: int, states: Sequence[ObjectState], tasks: Sequence[Task]
    ) -> Iterator[tuple[ObjectState, Task, FrameRecord]]:
        """Carry objects to a frame, in batches that fit the free memory."""
        jobs = [
            (state, task, self._view_to_track(state, frame, task))
            for state, task in zip(states, tasks, strict=True)
        ]
        # one batch has one input side; objects with as many memories need no padding
        jobs.sort(key=lambda job: (job[2].side, len(job[0].prompts)))
        while jobs:
            side = jobs[0][2].side
            same = [job for job in jobs if job[2].side == side]
            size = min(self._batch_size(side), len(same))
            chunk, jobs = same[:size], [job for job in jobs if job not in same[:size]]
            yield from self._track_or_halve(frame, chunk)

    def _track_or_halve(
        self, frame: int, chunk: list[tuple[ObjectState, Task, View]]
    ) -> list[tuple[ObjectState, Task, FrameRecord]]:
        """Track a batch; where the device runs out of memory, go on with half as many at a time."""
        try:
            return self._track_chunk(frame, chunk)
        except torch.OutOfMemoryError:
            if len(chunk) == 1:
                raise
            half = len(chunk) // 2
            self._largest_batch = half
        return [
            *self._track_or_halve(frame, chunk[:half]),
            *self._track_or_halve(frame, chunk[half:]),
        ]

    def _track_chunk(
        self, frame: int, chunk: list[tuple[ObjectState, Task, View]]
    ) -> list[tuple[ObjectState, Task, FrameRecord]]:
        model = self.model
        choices, memories = [], []
        for state, task, _ in chunk:
            choice = choose_memories(frame, task.direction, state.prompts, state.usable_frames())
            choices.append(choice)
            memories.append({f: self.memory(state.records[f], f) for f in choice.frames})
        embeddings = [self.embedding(frame, view) for _, _, view in chunk]
        if len({view for _, _, view in chunk}) == 1:
            embeddings = embeddings[:1] * len(chunk)
        features, high_res = inference.stack_embeddings(embeddings)
        conditioned = inference.condition(model, features, self._batch(choices, memories))
        decision = inference.carry(model, conditioned, high_res)
        view = chunk[0][2]
        maps = inference.encode_memory(
            model, view, features, decision.logits, decision.object_score, prompted=False
        )
        results = []
        for row, (state, task, view) in enumerate(chunk):
            record = self._record(decision, row, view, task.direction)
            self.memories.put(record.version, maps[row].clone(), decision.pointer[row].clone())
            key = _memory_key(state, frame, view, choices[row].frames)
            self.conditioned.put(key, conditioned[row : row + 1].clone())
            results.append((state, task, record))
        return results

    def _batch_size(self, side: int) -> int:
        """Choose how many objects are tracked at once: a quarter of the free memory, and not above 64."""
        config, tokens = self.model.config, (side // 16) ** 2
        attention = tokens * (2 * config.feedforward_dim + 24 * config.d_model)
        masks = 16 * tokens * (config.d_model // 2 + 32)
        per_object = 4 * (attention + masks)
        fitting = available_memory(self.model.device) // (4 * per_object)
        return int(min(max(fitting, 1), self._largest_batch))

    # records

    def _record(
        self,
        decision: Decision,
        row: int,
        view: View,
        direction: int,
        prediction: MaskPrediction | None = None,
    ) -> FrameRecord:
        """Bring a row of a decision to data pixels; a prediction is given for decoded prompts."""
        logits = decision.logits[row]
        mask = CompactMask.pack((view.to_data(logits) > 0).cpu().numpy(), view.window[:2])
        version = self._remember(decision, row)
        if prediction is not None:
            self.logits.put(
                ("prediction", version),
                prediction.logits.cpu(),
                prediction.iou_score.cpu(),
                prediction.tokens.float().cpu(),
                prediction.object_score.cpu(),
            )
        scores = Scores(
            float(decision.iou_score[row]),
            float(decision.stability[row]),
            float(decision.object_score[row]),
            mask.area,
        )
        index, prompted = int(decision.index[row]), prediction is not None
        return FrameRecord(version, mask, scores, view, direction, index, prompted)

    def without_mask(self, record: FrameRecord) -> FrameRecord:
        """Turn a record into one that says the object is not there."""
        nothing = CompactMask((0, 0, 0, 0), 0, b"")
        scores = replace(record.scores, area=0)
        return replace(record, version=next(self._versions), mask=nothing, scores=scores)

    def _remember(self, decision: Decision, row: int) -> int:
        version = next(self._versions)
        logits, pointer = decision.logits[row], decision.pointer[row]
        self.logits.put(version, logits.float().cpu().clone(), pointer.cpu().clone())
        return version

    def skip_versions(self, last: int) -> None:
        """Number new records after those of a loaded session."""
        self._versions = count(last + 1)


def _memory_key(
    state: ObjectState, frame: int, view: View, frames: frozenset[int]
) -> tuple[object, ...]:
    versions = frozenset(state.records[f].version for f in frames)
    return ("conditioned", frame, view, versions)


def _bounds(prompts: Sequence[Prompt]) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest (y, x) of prompts."""
    places: list[tuple[float, float]] = []
    for prompt in prompts:
        if isinstance(prompt, Point):
            places.append(prompt.yx)
        elif isinstance(prompt, Box):
            places += [prompt.yx_min, prompt.yx_max]
        elif isinstance(prompt, MaskPrompt):
            y0, x0, y1, x1 = CompactMask.pack(prompt.mask > 0.5).window
            h, w = prompt.mask.shape
            places += [(y0, x0), (y1 - 1, x1 - 1)] if y1 else [((h - 1) / 2, (w - 1) / 2)]
        else:
            places += prompt.path_yx
    array = np.asarray(places, dtype=float)
    return array.min(axis=0), array.max(axis=0)
