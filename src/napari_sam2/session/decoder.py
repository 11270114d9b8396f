"""Prompts of one object on one frame become a mask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_sam2.engine import inference
from napari_sam2.engine.masks import CompactMask
from napari_sam2.engine.memory_bank import batch_memories
from napari_sam2.engine.transforms import View, view_of
from napari_sam2.model.threads import threads_for
from napari_sam2.prompts import MaskPrompt, Point, Prompt
from napari_sam2.results import Scores
from napari_sam2.session.foresight import Asked, Foreseen
from napari_sam2.session.islands import outside_of, seed_of, tidy, without_islands
from napari_sam2.session.recall import after_tracking
from napari_sam2.session.requests import merge_prompts, points_of, says_present
from napari_sam2.session.state import FrameRecord, ObjectState
from napari_sam2.session.views import centre_of_prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_sam2.engine.inference import Decision
    from napari_sam2.model.network import SAM2, ImageEmbedding, MaskPrediction
    from napari_sam2.session.recall import Recall

__all__ = ["Decoder"]


class Decoder:
    """Decode prompts.

    Parameters
    ----------
    recall : Recall
        What was made before.
    drops_islands : bool
        Whether parts of a mask that touch no prompt, and nothing of the mask before, are left out, and small holes filled.
    """

    def __init__(self, recall: Recall, drops_islands: bool = False) -> None:
        self.recall = recall
        self.drops_islands = drops_islands

    @property
    def model(self) -> SAM2:
        """The network, wherever it is now."""
        return self.recall.model

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
        view = self._view(state, frame, prompts)
        with threads_for(self.model.config, view.side):
            return self.recall.fit(lambda: self._decode(state, frame, prompts, start, view))

    def _decode(
        self,
        state: ObjectState,
        frame: int,
        prompts: Sequence[Prompt],
        start: MaskPrompt | FrameRecord | None,
        view: View,
    ) -> FrameRecord:
        earlier = state.records.get(frame)
        if isinstance(start, MaskPrompt) and _is_exact(prompts):
            made = self._accept(frame, view, start)
            if earlier is not None:
                made = after_tracking(made, earlier)
            return made
        if not isinstance(start, MaskPrompt):
            foreseen = self.recall.foresight.find(self._asked(frame, view, prompts, start))
            if foreseen is not None:
                for seen, embedding in foreseen.embeddings.items():
                    self.recall.hold(frame, seen, embedding)
                decision, prediction = foreseen.decision, foreseen.prediction
                made = self.recall.record(decision, 0, view, earlier, prediction, foreseen.mask)
                return replace(made, prompted=True)
        prediction = self.predict(state, frame, prompts, start)
        decision = self._decide(prediction, prompts, view, start)
        return replace(self.recall.record(decision, 0, view, earlier, prediction), prompted=True)

    def predict(
        self,
        state: ObjectState,
        frame: int,
        prompts: Sequence[Prompt],
        start: MaskPrompt | FrameRecord | None,
    ) -> MaskPrediction:
        """Return all masks that prompts may mean; else as `decode`."""
        view = self._view(state, frame, prompts)
        earlier = state.records.get(frame)
        embeddings = self.recall.embeddings_of(frame, self._views(earlier, view))
        conditioned = self._conditioned(state, frame, view)
        return self._predict(embeddings, conditioned, prompts, start)

    def _predict(
        self,
        embeddings: dict[View, ImageEmbedding],
        conditioned: Tensor | None,
        prompts: Sequence[Prompt],
        start: MaskPrompt | FrameRecord | None,
    ) -> MaskPrediction:
        """Decode prompts on memory-conditioned features if there are some, else without memory in every view."""
        device = self.model.device
        points = points_of(prompts, self.recall.stack.plane_shape)
        kinds = torch.tensor([points.kinds], dtype=torch.long, device=device).reshape(1, -1)
        predictions = []
        for view, plain in embeddings.items():
            seen = points.for_mirror() if view.mirrored else points
            fed_back: Tensor | None = None
            if isinstance(start, MaskPrompt):
                fed_back = view.hint_logits(start.mask, device)
            elif start is not None and start.mask.area:  # nothing found is no hint for a click
                fed_back = view.turn(self.recall.logits_of(start)[None, None].to(device))
            features = conditioned
            if features is None:
                features = inference.condition(self.model, plain.features, None)
            made = inference.predict(
                self.model,
                features,
                plain.high_res,
                view.points(seen.points_yx, device),
                kinds,
                fed_back,
            )
            predictions.append(replace(made, logits=view.turn(made.logits)))
        return inference.mean_of(predictions)

    def preview(self, state: ObjectState, point: Point, encode: bool) -> CompactMask | None:
        """Decode what one more click would give; nothing is held of it but the last answers, for the click itself.

        Parameters
        ----------
        state : ObjectState
            The object, or an empty one.
        point : Point
            The click.
        encode : bool
            Whether to encode what is not held.

        Returns
        -------
        CompactMask or None
            None if the embedding is not held, nor to be made (that of its mirror image always is: both are small). On a
            tracked frame whose memory-conditioned features left the cache, the plain ones are used.
        """
        frame = point.frame
        prompts = merge_prompts(state.prompts.get(frame, ()), (point,))
        view, earlier = self._view(state, frame, prompts), state.records.get(frame)
        foreseen = self.recall.foresight.find(self._asked(frame, view, prompts, earlier))
        if foreseen is None and (encode or self.recall.is_encoded(frame, view)):
            with threads_for(self.model.config, view.side):
                foreseen = self._foresee(state, frame, prompts, view)
        return foreseen.mask if foreseen is not None else None

    def _foresee(
        self, state: ObjectState, frame: int, prompts: Sequence[Prompt], view: View
    ) -> Foreseen:
        """Decode prompts that may come, and keep the answer if it is the one that they will get."""
        earlier, recall = state.records.get(frame), self.recall
        views = self._views(earlier, view)
        if recall.is_encoded(frame, view):
            embeddings = recall.embeddings_of(frame, views)
        else:
            embeddings = dict(zip(views, recall.encode(frame, views), strict=True))
        held = recall.conditioned.get(earlier.origin) if earlier else None
        prediction = self._predict(embeddings, held[0] if held else None, prompts, earlier)
        decision = self._decide(prediction, prompts, view, earlier)
        mask = self.recall.mask_of(decision.logits[0], view)
        asked = self._asked(frame, view, prompts, earlier)
        foreseen = Foreseen(asked, embeddings, prediction, decision, mask)
        if held or earlier is None or not earlier.direction:
            self.recall.foresight.keep(foreseen)
        return foreseen

    def _asked(
        self, frame: int, view: View, prompts: Sequence[Prompt], start: FrameRecord | None
    ) -> Asked:
        """Return what a prediction follows from."""
        points = points_of(prompts, self.recall.stack.plane_shape)
        version = start.version if start else None
        return Asked(frame, view, points, version, self._is_ambiguous(prompts))

    def _is_ambiguous(self, prompts: Sequence[Prompt]) -> bool:
        """Tell whether so little was said that one of three masks is to be chosen."""
        points = points_of(prompts, self.recall.stack.plane_shape)
        return len(points.kinds) <= 1 and not any(isinstance(p, MaskPrompt) for p in prompts)

    def _decide(
        self,
        prediction: MaskPrediction,
        prompts: Sequence[Prompt],
        view: View,
        start: MaskPrompt | FrameRecord | None,
        index: int | None = None,
    ) -> Decision:
        """Choose a mask; leave its islands out and fill its small holes if that is wanted."""
        ambiguous = index is None and self._is_ambiguous(prompts)
        decision = inference.decide(
            self.model, prediction, ambiguous, index, is_present=says_present(prompts)
        )
        if not self.drops_islands:
            return decision
        plane_shape = self.recall.stack.plane_shape
        seed = seed_of(prompts, view, plane_shape)
        if isinstance(start, FrameRecord):
            seed |= view.cells_of_mask(start.mask.inside(view.window))
        return without_islands(decision, [seed], outside_of(prompts, view, plane_shape))

    def candidates(
        self, record: FrameRecord, prediction: MaskPrediction, prompts: Sequence[Prompt]
    ) -> Tensor:
        """Return the logits of masks 1 to 3 of a record's prediction, (3, S/4, S/4), as `choose` would take them."""
        logits = prediction.logits[0, 1:]
        if not self.drops_islands:
            return logits
        plane_shape = self.recall.stack.plane_shape
        seed = seed_of(prompts, record.view, plane_shape)
        return tidy(logits, [seed] * len(logits), outside_of(prompts, record.view, plane_shape))

    def choose(
        self,
        record: FrameRecord,
        prediction: MaskPrediction,
        index: int,
        prompts: Sequence[Prompt],
    ) -> FrameRecord:
        """Take mask 1 to 3 of a prediction in place of a record's mask."""
        decision = self._decide(prediction, prompts, record.view, None, index)
        made = self.recall.record(decision, 0, record.view, record, prediction)
        return replace(made, prompted=True)

    def _view(self, state: ObjectState, frame: int, prompts: Sequence[Prompt]) -> View:
        """Show what was shown before on this frame, else a window around the prompts."""
        earlier = state.records.get(frame)
        if earlier is not None:
            return earlier.view
        plane_shape, config = self.recall.stack.plane_shape, self.model.config
        return view_of(plane_shape, config, centre_of_prompts(prompts), state.facts.extent)

    def _accept(self, frame: int, view: View, prompt: MaskPrompt) -> FrameRecord:
        embedding = self.recall.embedding(frame, view)
        decision = inference.accept_mask(self.model, view, embedding, prompt.mask)
        version = self.recall.remember(decision.logits[0], decision.pointer[0])
        mask = CompactMask.pack(prompt.mask)
        scores = Scores(1.0, 1.0, float(decision.object_score[0]), mask.area)
        return FrameRecord(version, mask, scores, view, index=-1, prompted=True)

    def _views(self, earlier: FrameRecord | None, view: View) -> list[View]:
        """Show a small network the mirror image too, but where it has memories, which are all of the upright image."""
        is_tracked = earlier is not None and earlier.direction
        if is_tracked or view.side > self.model.config.mirrored_to:
            return [view]
        return [view, replace(view, mirrored=True)]

    def _conditioned(self, state: ObjectState, frame: int, view: View) -> Tensor | None:
        """Return the memory-conditioned features of a frame that was tracked; None if there are no memories to see."""
        earlier = state.records.get(frame)
        if earlier is None or not earlier.direction:
            return None
        held = self.recall.conditioned.get(earlier.origin)
        if held is not None:
            return held[0]
        choice = self.recall.choice(state, frame, earlier.direction, earlier.since)
        if not choice.maps:  # all other prompts were taken back
            return None
        memories = {f: self.recall.memory(state.records[f], f) for f in choice.frames}
        batch = batch_memories([choice], [memories], self.recall.stack.n_frames, self.model.device)
        plain = self.recall.embedding(frame, view).features
        conditioned = inference.condition(self.model, plain, batch)
        self.recall.conditioned.put(earlier.origin, conditioned)
        return conditioned


def _is_exact(prompts: Sequence[Prompt]) -> bool:
    """Tell whether a mask is to be taken as it is: nothing else was said, and no hint was meant."""
    return all(isinstance(p, MaskPrompt) and not p.refine for p in prompts)
