"""The session: prompts in, masks out, over a whole stack, with undo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from napari_sam2.engine.masks import NO_MASK, Overlap
from napari_sam2.engine.plan import Direction
from napari_sam2.engine.scores import stability_score
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.prompts import MaskPrompt, Prompt
from napari_sam2.results import Candidate, FrameScores, MaskUpdate, Progress, with_others
from napari_sam2.session import keeping, trust
from napari_sam2.session.claims import decide_contested, pixels_free
from napari_sam2.session.decoder import Decoder
from napari_sam2.session.denial import frames_denied, is_denial
from napari_sam2.session.editing import merge_objects, split_object
from napari_sam2.session.importing import ids_of_values, masks_by_value, object_of_masks
from napari_sam2.session.labels import Labels
from napari_sam2.session.ledger import Ledger
from napari_sam2.session.made import MaskRecords
from napari_sam2.session.propagation import Propagation, Request
from napari_sam2.session.recall import CacheSizes, Recall
from napari_sam2.session.requests import (
    check_frame,
    check_object_id,
    check_prompts,
    merge_prompts,
)
from napari_sam2.session.state import FrameRecord, ObjectState
from napari_sam2.session.views import extent_for, fitting_extent
from napari_sam2.stack import IntensityMap, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Mapping
    from contextlib import AbstractContextManager

    from napari_sam2.model.network import SAM2, MaskPrediction
    from napari_sam2.prompts import Point
    from napari_sam2.session.ledger import Action

__all__ = ["Intensity", "Session"]

Intensity: TypeAlias = Literal["auto"] | tuple[float, float] | None
"""How raw values become what the model sees; see `Session`."""


class Session:
    """Objects of one stack, made by prompts and carried from frame to frame.

    One thread at a time may use a session; it never starts threads of its own.

    Parameters
    ----------
    stack : Stack or array-like
        (frame, y, x) or (frame, y, x, channel), any numeric dtype; or a `Stack` with named axes. It is read plane by plane.
    model : SAM2
        From `load_model`.
    intensity : "auto", None, (low, high) or IntensityMap
        "auto": robust percentiles of the stack become black and white, one mapping for all planes. None: uint8 planes as they
        are. A pair: these values become black and white.
    window_side : int, optional
        Show the model a square window of so many data pixels around each object, which follows it, instead of the whole
        plane. A window of four object diameters is faster and better for small objects.
    window_diameters : float
        Once the first prompt of an object has found something, its window becomes so many diameters of it, if that is smaller
        than `window_side`, and the prompt is decoded again. 0 leaves windows as they are. 3 suits the bundled model.
    drops_islands : bool
        Leave out the parts of a mask that touch neither a prompt nor the object on the frame before (specks in its
        neighbours), and fill holes of at most a twentieth of its area in which no negative prompt lies.
    stop_rule : StopRule, optional
        When an object has ended; None: never, as upstream.
    overlap : {"higher_logit", "first", "newest"}
        Who gets a pixel that two objects claim: the one with the higher logit; the one with the lower id; the one whose mask
        is newer.
    caches : CacheSizes
        Bytes kept of what can be made again.
    labels_store : {"auto", "memory"} or Path
        Where the labels lie. "auto": in memory, or in a temporary zarr store if they would take more than a quarter of the
        memory that is left. A path: a zarr store in this new folder.

    Raises
    ------
    StackError, IntensityError
        If the stack can't be read as planes, or the intensity range can't be used.

    Examples
    --------
    >>> session = Session(stack, load_model("nano"))  # doctest: +SKIP
    >>> update = session.add_prompt(1, Point(frame=3, yx=(140.0, 88.5)))  # doctest: +SKIP
    >>> for update in session.propagate():  # doctest: +SKIP
    ...     print(update.frame, update.scores.area)
    """

    def __init__(
        self,
        stack: Stack | Any,
        model: SAM2,
        intensity: Intensity | IntensityMap = "auto",
        *,
        window_side: int | None = None,
        window_diameters: float = 0.0,
        drops_islands: bool = False,
        stop_rule: StopRule | None = StopRule(),  # noqa: B008 - frozen
        overlap: Overlap = "higher_logit",
        caches: CacheSizes = CacheSizes(),  # noqa: B008 - frozen
        labels_store: Literal["auto", "memory"] | Path = "auto",
    ) -> None:
        if overlap not in get_args(Overlap):
            raise SessionError(f"overlap {overlap!r} is unknown; use one of {get_args(Overlap)}.")
        if window_side is not None and window_side < 16:
            raise SessionError(
                f"window_side {window_side} is too small to show anything; use 16 pixels or more, "
                "about four object diameters, or None for the whole plane."
            )
        if not 0 <= window_diameters < np.inf:
            raise SessionError(
                f"window_diameters {window_diameters} is no size; use 0, or about 3 object diameters."
            )
        self.stack = stack if isinstance(stack, Stack) else _as_stack(stack)
        if not isinstance(intensity, IntensityMap):
            intensity = IntensityMap.from_stack(self.stack, intensity)
        self.intensity = intensity
        self.window_side = window_side
        self.window_diameters = float(window_diameters)
        self.drops_islands = bool(drops_islands)
        self.stop_rule = stop_rule or StopRule.never()
        self.overlap = overlap
        self._recall = Recall(model, self.stack, intensity, caches)
        self._decoder = Decoder(self._recall, self.drops_islands)
        self._made = MaskRecords(self._recall)
        self._labels = Labels(self._shape, self._recall, overlap, labels_store)
        self._ledger = Ledger(self._labels)
        self._propagation = Propagation(self._ledger, self._recall, self.drops_islands)
        self._objects = self._ledger.objects

    # what there is

    @property
    def model(self) -> SAM2:
        """The network; a copy on the processor once its device had too little memory for one object."""
        return self._recall.model

    def use_model(self, model: SAM2) -> None:
        """Go on with another model, such as one that was fine-tuned; masks that are there stay as they are.

        Raises
        ------
        SessionError
            If it is of another architecture: what it remembers would not fit.
        """
        if model.config != self.model.config:
            raise SessionError(
                f"{model.name or 'the new model'} is of another architecture than {self.model.name or 'this one'}; save the "
                "session and load it with the new model."
            )
        self._propagation.end()
        self._recall.use(model)

    @property
    def n_frames(self) -> int:
        """Frames of the stack."""
        return self.stack.n_frames

    @property
    def plane_shape(self) -> tuple[int, int]:
        """(y, x) of a plane."""
        return self.stack.plane_shape

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The objects, ascending."""
        return tuple(sorted(self._objects))

    @property
    def revision(self) -> int:
        """A number that grows with every change."""
        return self._ledger.revision

    @property
    def labels(self) -> Any:
        """The live label image, (frame, y, x), read only.

        An ndarray of uint16 (uint32 once an id needs it); or, where it lies on disk, a zarr array of uint32, which is read by
        indexing (``session.labels[frame]`` is an ndarray in both cases).
        """
        return self._labels.store.view

    def new_object_id(self) -> int:
        """Return an id that was never used in this session."""
        return self._ledger.highest_id + 1

    def prompts(self, object_id: int) -> dict[int, tuple[Prompt, ...]]:
        """Return an object's prompts by frame, in the order in which they were given."""
        return dict(sorted(self._state(object_id).prompts.items()))

    def mask(self, object_id: int, frame: int) -> np.ndarray:
        """Return an object's whole mask on a frame, bool, (y, x); contested pixels included."""
        record = self._state(object_id).records.get(check_frame(frame, self.n_frames))
        if record is None:
            return np.zeros(self.plane_shape, dtype=bool)
        return record.mask.inside((0, 0, *self.plane_shape))

    def pending(self, object_id: int) -> list[int]:
        """Return the frames on which an object was not tracked yet, or is out of date after a correction."""
        return self._state(object_id).pending(self.n_frames)

    def scores(self, object_id: int) -> FrameScores:
        """Return an object's scores on all frames that have a mask."""
        return trust.scores_of(self._state(object_id))

    def logits(self, object_id: int, frame: int) -> np.ndarray:
        """Return the model's mask logits, float32, (h, w), a quarter of the input's sides.

        Raises
        ------
        SessionError
            If the object has no mask on the frame.
        """
        return self._recall.logits_of(self._record(object_id, frame)).numpy().copy()

    # prompts

    def add_prompt(self, object_id: int, *prompts: Prompt) -> MaskUpdate:
        """Say something about an object on one frame; several prompts of one call are decoded together.

        All prompts of the frame are decoded, starting from the object's mask there. A frame that was tracked is decoded
        with the object's memories, and is a prompted frame from now on; `propagate` then redoes the frames up to the
        neighbouring prompted ones. A new mask takes the place of all earlier prompts of the frame.

        A negative prompt in the middle of a tracked mask, with no positive one on the frame, says that the object is not there
        if the model finds nothing else, or takes no heed. Then it was lost on the way: what the same pass found from its least
        certain frame on, between the prompted frame behind and this one, and beyond this one, goes at once.

        Parameters
        ----------
        object_id : int
            A new or a known object, 1 or more.
        *prompts : Point, Box, MaskPrompt or Scribble
            On one frame.

        Returns
        -------
        MaskUpdate
            Of the frame; `MaskUpdate.others` has the frames that lost their masks with it.

        Raises
        ------
        PromptError
            If a prompt can't be used; the session stays as it was.
        """
        object_id = check_object_id(object_id)
        check_prompts(prompts, self.n_frames, self.plane_shape)
        if object_id in self._objects:
            self._ledger.unlocked(object_id)
        with self._action("add prompt", object_id) as action:
            self._decode(object_id, prompts)
        return with_others(action.updates, prompts[0].frame)

    def add_objects(self, *prompts: Prompt) -> list[MaskUpdate]:
        """Make one new object per prompt, on any frames, as one action: all of them, or none if a prompt can't be used.

        Returns
        -------
        list of MaskUpdate
            One per prompt, in their order; ``update.object_id`` is the new object.

        Raises
        ------
        PromptError
            If a prompt can't be used; the session stays as it was.
        """
        for i in range(max(1, len(prompts))):
            check_prompts(prompts[i : i + 1], self.n_frames, self.plane_shape)
        with self._action("add objects") as action:
            for prompt in prompts:
                self._decode(self._ledger.new_id(), (prompt,))
        return action.updates

    def take_mask(self, object_id: int, frame: int, mask_yx: np.ndarray) -> MaskUpdate:
        """Take a mask painted by hand, bool, (y, x), as it is; the frame becomes a prompted one."""
        return self.add_prompt(object_id, MaskPrompt(frame, mask_yx))

    def remove_prompts(self, object_id: int, frame: int, *prompts: Prompt) -> list[MaskUpdate]:
        """Take prompts of a frame back; those that stay are decoded anew.

        Parameters
        ----------
        object_id : int
            A known object.
        frame : int
            Where.
        *prompts : Prompt
            Which; none means all of the frame. A frame without prompts is tracked again by `propagate`, and an object
            without any prompts has no masks.

        Returns
        -------
        list of MaskUpdate

        Raises
        ------
        PromptError
            If the frame has no such prompt.
        """
        state = self._ledger.unlocked(object_id)
        given = state.prompts.get(check_frame(frame, self.n_frames), ())
        missing = [p for p in prompts if p not in given]
        if missing or not given:
            raise PromptError(
                f"object {object_id} has no such prompt on frame {frame}: "
                f"{missing or 'none at all'}; see session.prompts({object_id})."
            )
        left = tuple(p for p in given if p not in prompts) if prompts else ()
        with self._action("remove prompt", object_id) as action:
            self._drop_prompts(state, frame, left)
        return action.updates

    def _drop_prompts(self, state: ObjectState, frame: int, left: tuple[Prompt, ...]) -> None:
        """Leave a frame with the prompts that are left."""
        if left:
            start = next((p for p in left if isinstance(p, MaskPrompt)), None)
            record = self._decoder.decode(state, frame, left, start)
            self._ledger.prompt(state, frame, left, record)
            return
        del state.prompts[frame]
        state.unsettle_around(frame)
        if not state.prompts:
            state.settled.clear()
        for f in [frame] if state.prompts else list(state.records):
            self._ledger.put(state, f, None)

    def refine(self, object_id: int, frame: int) -> MaskUpdate:
        """Let the decoder improve a prompted frame's mask once more, starting from what it is."""
        state, record = self._ledger.unlocked(object_id), self._record(object_id, frame)
        prompts = state.prompts.get(frame)
        if not prompts:
            raise SessionError(
                f"frame {frame} of object {object_id} has no prompt to refine; add one first."
            )
        with self._action("refine", object_id) as action:
            if record.index < 0:  # an exact mask becomes a hint
                prompts = tuple(
                    replace(p, refine=True) if isinstance(p, MaskPrompt) else p for p in prompts
                )
            new = self._decoder.decode(state, frame, prompts, record)
            self._ledger.prompt(state, frame, prompts, new)
        return action.updates[0]

    def candidates(self, object_id: int, frame: int) -> list[Candidate]:
        """Return the three masks that a click may mean, in the model's order.

        Raises
        ------
        SessionError
            If the frame has no prompt, or a mask that was taken as it is.
        """
        record = self._record(object_id, frame)
        prediction = self._prediction(object_id, frame, record)
        prompts = self._objects[object_id].prompts[frame]
        logits = self._decoder.candidates(record, prediction, prompts)
        full = np.zeros((len(logits), *self.plane_shape), dtype=bool)
        y0, x0, y1, x1 = record.view.window
        full[:, y0:y1, x0:x1] = (record.view.to_data(logits) > 0).cpu().numpy()
        return [
            Candidate(i, full[i], float(iou), float(stability), i == record.index - 1)
            for i, (iou, stability) in enumerate(
                zip(prediction.iou_score[0, 1:], stability_score(logits), strict=True)
            )
        ]

    def choose(self, object_id: int, frame: int, index: int) -> MaskUpdate:
        """Take another of the three masks (0 to 2, see `candidates`); the memory follows the choice.

        Raises
        ------
        SessionError
            If there are no candidates, or the index is not 0 to 2.
        """
        if index not in (0, 1, 2):
            raise SessionError(f"candidate {index!r} does not exist; choose 0, 1 or 2.")
        state = self._ledger.unlocked(object_id)
        record = self._record(object_id, frame)
        prediction = self._prediction(object_id, frame, record)
        new = self._decoder.choose(record, prediction, index + 1, state.prompts[frame])
        with self._action("choose mask", object_id) as action:
            self._ledger.prompt(state, frame, state.prompts[frame], new)
        return action.updates[0]

    def preview(
        self, point: Point, object_id: int | None = None, encode: bool = False
    ) -> np.ndarray | None:
        """Return the mask that a click would give, and record nothing.

        It costs one decoding, and may be called while a propagation is under way.

        Parameters
        ----------
        point : Point
            The click.
        object_id : int, optional
            The object that it would be added to; None, or an id that is not used yet, for a new one.
        encode : bool
            Whether to encode what is not encoded yet: cheap for a small model with a small ``window_side``.

        Returns
        -------
        ndarray of bool, (y, x), or None
            None if the plane is not encoded (see `encode`) nor to be, or the object is locked.
        """
        frame = check_prompts([point], self.n_frames, self.plane_shape)
        state = self._objects.get(object_id or 0) or ObjectState(0)
        if state.facts.locked:
            return None
        if not state.prompts:
            state = ObjectState(state.object_id)
            state.add_facts(extent=extent_for(self.window_side, [point]))
        found = self._decoder.preview(state, point, encode)
        if found is not None and not state.prompts and self._fit(state, found.area):
            found = self._decoder.preview(state, point, encode)
        if found is None:
            return None
        prompts = merge_prompts(state.prompts.get(frame, ()), (point,))
        if is_denial(state, frame, prompts, found, self.stop_rule):
            found = NO_MASK
        return pixels_free(self._objects, frame, found.inside((0, 0, *self.plane_shape)))

    # encoding ahead

    def encode(self, frame: int) -> bool:
        """Encode a whole plane ahead, so that a click there costs a decoding only.

        Returns
        -------
        bool
            False if nothing was to do: it was held already, or ``window_side`` was given, so that the part of the plane that is
            encoded depends on the prompts.
        """
        frame, view = check_frame(frame, self.n_frames), self._recall.whole_plane()
        if self.window_side is not None or self._recall.is_encoded(frame, view):
            return False
        self._recall.embedding(frame, view)
        return True

    def encoded_frames(self) -> np.ndarray:
        """Tell which whole planes are encoded, bool, (frame,)."""
        view = self._recall.whole_plane()
        return np.array([self._recall.is_encoded(f, view) for f in range(self.n_frames)])

    @property
    def encodings_kept(self) -> int:
        """How many whole planes can be held encoded; encoding more ahead would push the first ones out."""
        return self._recall.embeddings_kept(self._recall.whole_plane())

    # propagation

    def propagate(
        self,
        object_ids: Iterable[int] | None = None,
        frames: Iterable[int] | None = None,
        direction: Direction = "both",
        *,
        progress: Callable[[Progress], None] | None = None,
    ) -> Generator[MaskUpdate, None, None]:
        """Carry objects from their prompted frames to the others; only frames that need it are tracked.

        Parameters
        ----------
        object_ids : iterable of int, optional
            Which objects; None for all that are not locked.
        frames : iterable of int, optional
            Which frames, for example ``range(10, 20)``; None for all.
        direction : {"forward", "backward", "both"}
            "forward": one pass from each object's first prompted frame to the end; "backward": from the last to the
            start; "both": every frame from the nearest prompted one, nearest frames first (between a first click and a
            later correction: from the first click).
        progress : callable, optional
            Called with a `Progress` after every step.

        Yields
        ------
        MaskUpdate
            One per object and tracked frame. Stop taking them (or close the generator) to stop: what is done stays, and a
            later call goes on from there. Any other change of the session ends the propagation.

        Raises
        ------
        SessionError
            If an object, a frame or the direction does not exist, or an object is locked.
        """
        if direction not in get_args(Direction):
            raise SessionError(
                f"direction {direction!r} is unknown; use one of {get_args(Direction)}."
            )
        if object_ids is None:
            ids = tuple(i for i in self.object_ids if not self._objects[i].facts.locked)
        else:
            ids = tuple(self._ledger.unlocked(i).object_id for i in object_ids)
        wanted = (
            None if frames is None else frozenset(check_frame(f, self.n_frames) for f in frames)
        )
        request = Request(ids, wanted, direction, self.stop_rule)
        return self._propagation.start(request, progress)

    # objects

    def remove_object(self, object_id: int) -> list[MaskUpdate]:
        """Remove an object; pixels that it held against others go to them. Its id is not used again."""
        self._ledger.unlocked(object_id)
        with self._action("remove object", object_id) as action:
            del self._objects[object_id]
        return action.updates

    def import_labels(
        self,
        labels: Any,
        frame: int | None = None,
        *,
        known: Mapping[int, Collection[int]] | None = None,
    ) -> list[MaskUpdate]:
        """Make an object of every value of a label image; the network is not asked.

        The frame on which an object is largest gets a mask prompt. The other frames are kept as they are, also those without
        the object, until a prompt is added near them; given one plane only, the object can be propagated from there.

        Parameters
        ----------
        labels : array-like of int
            (frame, y, x), read plane by plane; or (y, x) with a frame. 0 is the background.
        frame : int, optional
            Where a plane lies.
        known : mapping of int to collection of int, optional
            By value, the frames of which the labels tell whether the object is there; on the others it can be propagated.
            None: all of them, or only that of a plane.

        Returns
        -------
        list of MaskUpdate
            A value above all ids used so far is the object's id; other values get new ids, in ascending order.

        Raises
        ------
        SessionError
            If the labels do not fit the stack or are empty.
        """
        frame = None if frame is None else check_frame(frame, self.n_frames)
        found = masks_by_value(labels, frame, self._shape)
        ids = ids_of_values(found, self._ledger.highest_id)
        everywhere = range(self.n_frames if frame is None else 0)
        with self._action("import labels") as action:
            for value, masks in found.items():
                told = everywhere if known is None else known.get(value, ())
                state = object_of_masks(ids[value], masks, told, self.window_side, self._made)
                self._objects[ids[value]] = state
                for f, record in state.records.items():
                    self._ledger.put(state, f, record)
        return action.updates

    def merge(self, object_ids: Iterable[int]) -> list[MaskUpdate]:
        """Join two or more objects into the one with the lowest id; the other ids are not used again.

        Raises
        ------
        SessionError
            If there are fewer than two, or one does not exist or is locked.
        """
        ids = sorted({self._ledger.unlocked(i).object_id for i in object_ids})
        if len(ids) < 2:
            raise SessionError(f"objects {ids} can't be merged; give two or more ids.")
        with self._action("merge objects", *self._objects) as action:
            merge_objects(self._objects, ids, self._labels, self._made)
        return action.updates

    def split(
        self, object_id: int, frame: int, yx: tuple[float, float]
    ) -> tuple[int, list[MaskUpdate]]:
        """Make a new object of the part that is connected to a place, within and across frames.

        Parameters
        ----------
        object_id : int
            The object.
        frame : int
            Where.
        yx : tuple of float
            A place on the part, data pixels.

        Returns
        -------
        new_id : int
        updates : list of MaskUpdate

        Raises
        ------
        SessionError
            If the object is not at that place, has no other part, or is locked.
        """
        self._ledger.unlocked(object_id)
        y, x = (round(float(v)) for v in yx)
        place = (check_frame(frame, self.n_frames), y, x)
        with self._action("split object", *self._objects) as action:
            new_id = self._ledger.new_id()
            split_object(self._objects, object_id, new_id, place, self._labels, self._made)
        return new_id, action.updates

    def rename(self, object_id: int, name: str) -> None:
        """Give an object a name."""
        state = self._state(object_id)
        with self._action("rename object", object_id):
            state.add_facts(name=str(name))

    def name(self, object_id: int) -> str:
        """Return an object's name; "" if it has none."""
        return self._state(object_id).facts.name

    def lock(self, object_id: int) -> list[MaskUpdate]:
        """Protect a finished object: it is not changed, and no other object gets its pixels, until it is unlocked.

        No pixel changes. Where masks overlap with this one, they lose the pixels that they do not show.

        Returns
        -------
        list of MaskUpdate
            Of masks that lost contested pixels; the labels are as before.
        """
        state = self._state(object_id)
        with self._action("lock object", *self._objects) as action:
            decide_contested(self._objects, [object_id], self._labels)
            state.add_facts(locked=True)
        return action.updates

    def unlock(self, object_id: int) -> None:
        """Let an object be changed again."""
        state = self._state(object_id)
        with self._action("unlock object", object_id):
            state.add_facts(locked=False)

    def is_locked(self, object_id: int) -> bool:
        """Tell whether an object is locked."""
        return self._state(object_id).facts.locked

    # trust

    def accept(self, object_id: int, frame: int) -> MaskUpdate:
        """Say that a mask is right: the frame becomes a prompted one, with the mask (or the absence) that it has.

        Nothing is tracked again because of it.

        Raises
        ------
        SessionError
            If the object was not tracked there, or is locked.
        """
        state, frame = self._ledger.unlocked(object_id), check_frame(frame, self.n_frames)
        with self._action("accept mask", object_id):
            trust.accept_frame(state, frame, self._made)
        return self._ledger.current(object_id, frame)

    def accepted_frames(self, object_id: int) -> frozenset[int]:
        """Return the frames that were accepted, and not changed since."""
        return self._state(object_id).facts.accepted

    def is_accepted(self, object_id: int, frame: int) -> bool:
        """Tell whether a frame was accepted, and not changed since."""
        return check_frame(frame, self.n_frames) in self._state(object_id).facts.accepted

    def confidence(self, object_id: int) -> np.ndarray:
        """Return how far an object's masks can be trusted, float, (frame,): 0 to 1, NaN where there is no mask.

        Prompted frames have 1. How it is computed: docs/confidence.md.
        """
        return trust.confidence_of(self._state(object_id), self.n_frames)

    def least_confident(self, seen: Collection[tuple[int, int]] = ()) -> tuple[int, int] | None:
        """Find the least certain mask of all objects that are not locked.

        Parameters
        ----------
        seen : collection of (int, int)
            (object_id, frame) pairs to pass over.

        Returns
        -------
        tuple of int or None
            (object_id, frame) of a mask that is not on a prompted frame; None if there is no other.
        """
        states = [s for _, s in sorted(self._objects.items()) if not s.facts.locked]
        return trust.least_confident(states, self.n_frames, seen)

    # history

    @property
    def can_undo(self) -> str:
        """What `undo` would take back; "" if there is nothing."""
        self._propagation.end()
        done = self._ledger.history.done
        return done[-1].what if done else ""

    @property
    def can_redo(self) -> str:
        """What `redo` would repeat; "" if there is nothing."""
        undone = self._ledger.history.undone
        return undone[-1].what if undone else ""

    def undo(self) -> list[MaskUpdate]:
        """Take the last action back, whatever it was.

        Returns
        -------
        list of MaskUpdate
            Empty if there was nothing to take back, or no mask changed.
        """
        self._propagation.end()
        return self._ledger.undo()

    def redo(self) -> list[MaskUpdate]:
        """Repeat the last action that was taken back."""
        self._propagation.end()
        return self._ledger.redo()

    # reading and writing

    def save(self, folder: str | Path) -> None:
        """Write the session to a folder: JSON for prompts and masks, zarr for the labels.

        The folder is replaced as a whole at the end, so that a crash leaves the old one or the new one. Its layout is in
        docs/session-folder.md.

        Parameters
        ----------
        folder : str or Path
            It is made; an existing session there is replaced, anything else is refused.

        Raises
        ------
        SessionError
            If the folder exists and is not a saved session, or holds the journal of another one.
        """
        self._propagation.end()
        keeping.save(self, Path(folder))

    @classmethod
    def load(
        cls,
        folder: str | Path,
        stack: Stack | Any,
        model: SAM2,
        intensity: Intensity | IntensityMap = "auto",
        **options: Any,
    ) -> Session:
        """Open a saved session on its stack.

        Parameters
        ----------
        folder : str or Path
            Written by `save`.
        stack, model, intensity, **options
            As for `Session`; windows, overlap and stop_rule are those of the saved session unless given.

        Returns
        -------
        Session
            With the same prompts, masks and labels, ready to be corrected; the history starts anew.

        Raises
        ------
        SessionError
            If the folder is not a session or the stack has another shape.
        """
        return keeping.load(cls, Path(folder), (stack, model, intensity), options)

    def start_journal(self, folder: str | Path, image: str = "") -> None:
        """Write the session to a journal, and from now on every action and every tracked frame at once.

        What was shown survives the end of the process, however it ends: `has_journal` finds it and `recover` opens it.

        Parameters
        ----------
        folder : str or Path
            It is made; it may be the folder of a saved session.
        image : str
            Name of the image, for whoever is asked whether to go on.

        Raises
        ------
        SessionError
            If the folder holds something else, or a journal that this session does not come from.
        """
        self._propagation.end()
        keeping.start_journal(self, Path(folder), image)

    def stop_journal(self) -> None:
        """Write no more to the journal; its folder stays."""
        if self._ledger.journal is not None:
            self._ledger.journal.close()
            self._ledger.journal = None

    @property
    def journal_folder(self) -> Path | None:
        """Where the journal is written; None if there is none, or the disk failed."""
        journal = self._ledger.journal
        return journal.folder if journal is not None and journal.is_open else None

    @classmethod
    def recover(
        cls,
        folder: str | Path,
        stack: Stack | Any,
        model: SAM2,
        intensity: Intensity | IntensityMap = "auto",
        **options: Any,
    ) -> Session:
        """Open the journal of a session that ended without notice; it is gone on with.

        Parameters
        ----------
        folder : str or Path
            Given to `start_journal`.
        stack, model, intensity, **options
            As for `load`.

        Returns
        -------
        Session
            With all that was shown; the history starts anew.

        Raises
        ------
        SessionError
            If there is no journal, it is in use, or the stack has another shape.
        """
        return keeping.recover(cls, Path(folder), (stack, model, intensity), options)

    # inside

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (self.n_frames, *self.plane_shape)

    def _action(self, what: str, *object_ids: int) -> AbstractContextManager[Action]:
        """Make one undoable action of what is done inside; see `Ledger.action`."""
        self._propagation.end()
        return self._ledger.action(what, object_ids)

    def _decode(self, object_id: int, prompts: tuple[Prompt, ...]) -> None:
        """Decode prompts, together with those that the frame has already, and take the result."""
        frame = prompts[0].frame
        state = self._objects.setdefault(object_id, ObjectState(object_id))
        mask_prompt = next((p for p in prompts if isinstance(p, MaskPrompt)), None)
        is_new = not state.prompts
        if is_new:
            state.add_facts(extent=extent_for(self.window_side, prompts))
        merged = merge_prompts(state.prompts.get(frame, ()), prompts)
        start = mask_prompt or state.records.get(frame)
        record = self._decoder.decode(state, frame, merged, start)
        if is_new and mask_prompt is None and self._fit(state, record.mask.area):
            record = self._decoder.decode(state, frame, merged, start)
        if not is_denial(state, frame, merged, record.mask, self.stop_rule):
            self._ledger.prompt(state, frame, merged, record)
            return
        gone = frames_denied(state, frame, self.n_frames)
        nothing = self._made.denied(state.records[frame])
        self._ledger.deny(state, frame, merged, nothing, gone)

    def _fit(self, state: ObjectState, area: int) -> bool:
        """Fit the window of a new object to what its first prompt found; returns whether it is another."""
        extent = fitting_extent(state.facts.extent, area, self.window_diameters)
        if extent is not None:
            state.add_facts(extent=extent)
        return extent is not None

    def _prediction(self, object_id: int, frame: int, record: FrameRecord) -> MaskPrediction:
        """Return the masks that the prompts of a frame may mean, decoding again if they are gone."""
        prompts = self._state(object_id).prompts.get(frame)
        if not prompts or record.index < 0:
            raise SessionError(
                f"frame {frame} of object {object_id} has no click, so there is nothing to choose "
                "from; click on it first."
            )
        held = self._recall.prediction(record)
        if held is not None:
            return held
        start = next((p for p in prompts if isinstance(p, MaskPrompt)), None)
        return self._decoder.predict(self._state(object_id), frame, prompts, start)

    def _state(self, object_id: int) -> ObjectState:
        return self._ledger.state(object_id)

    def _record(self, object_id: int, frame: int) -> FrameRecord:
        record = self._state(object_id).records.get(check_frame(frame, self.n_frames))
        if record is None:
            raise SessionError(
                f"object {object_id} has no mask on frame {frame}; add a prompt there or propagate."
            )
        return record


def _as_stack(array: Any) -> Stack:
    """Take (frame, y, x) or (frame, y, x, channel) as it is."""
    shape = getattr(array, "shape", None)
    if shape is None:
        array = np.asarray(array)
        shape = array.shape
    axes = {3: "ZYX", 4: "ZYXS"}.get(len(shape))
    if axes is None:
        raise SessionError(
            f"an array of shape {tuple(shape)} is not (frame, y, x) or (frame, y, x, channel); give "
            "Stack.from_array(array, axes=...) with the axes named."
        )
    return Stack.from_array(array, axes)
