"""The session: prompts in, masks out, over a whole stack, with undo."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from napari_sam2.engine.masks import CompactMask, Overlap, union
from napari_sam2.engine.plan import Direction, Step, Task, plan_propagation
from napari_sam2.engine.scores import mask_iou, stability_score
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.prompts import MaskPrompt, Prompt
from napari_sam2.results import NO_SCORES, Candidate, FrameScores, MaskUpdate, Progress
from napari_sam2.session import storage
from napari_sam2.session.decoder import Decoder
from napari_sam2.session.history import Change, History, compare
from napari_sam2.session.labels import Labels
from napari_sam2.session.recall import CacheSizes, Recall
from napari_sam2.session.requests import (
    check_frame,
    check_object_id,
    check_prompts,
    merge_prompts,
)
from napari_sam2.session.run import Run
from napari_sam2.session.state import FrameRecord, ObjectState
from napari_sam2.session.tracker import Tracker
from napari_sam2.session.views import extent_for
from napari_sam2.stack import IntensityMap, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from napari_sam2.model.network import SAM2, MaskPrediction

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
    stop_rule : StopRule, optional
        When an object has ended; None: never, as upstream.
    overlap : {"higher_logit", "first", "newest"}
        Who gets a pixel that two objects claim: the one with the higher logit; the one with the lower id; the one whose mask
        is newer.
    caches : CacheSizes
        Bytes kept of what can be made again.

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
        stop_rule: StopRule | None = StopRule(),  # noqa: B008 - frozen
        overlap: Overlap = "higher_logit",
        caches: CacheSizes = CacheSizes(),  # noqa: B008 - frozen
    ) -> None:
        if overlap not in get_args(Overlap):
            raise SessionError(f"overlap {overlap!r} is unknown; use one of {get_args(Overlap)}.")
        if window_side is not None and window_side < 16:
            raise SessionError(
                f"window_side {window_side} is too small to show anything; use 16 pixels or more, "
                "about four object diameters, or None for the whole plane."
            )
        self.stack = stack if isinstance(stack, Stack) else _as_stack(stack)
        self.model = model
        if not isinstance(intensity, IntensityMap):
            intensity = IntensityMap.from_stack(self.stack, intensity)
        self.intensity = intensity
        self.window_side = window_side
        self.stop_rule = stop_rule or StopRule.never()
        self.overlap = overlap
        self._recall = Recall(model, self.stack, intensity, caches)
        self._decoder = Decoder(self._recall)
        self._tracker = Tracker(self._recall)
        shape = (self.stack.n_frames, *self.stack.plane_shape)
        self._labels = Labels(shape, self._recall, overlap)
        self._objects: dict[int, ObjectState] = {}
        self._history = History()
        self._run: Run | None = None
        self._revision = 0
        self._highest_id = 0

    # what there is

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
        return self._revision

    @property
    def labels(self) -> np.ndarray:
        """The label image, (frame, y, x), uint16 (uint32 once an id needs it); a read-only view of the live array."""
        view = self._labels.array.view()
        view.setflags(write=False)
        return view

    def new_object_id(self) -> int:
        """Return an id that was never used in this session."""
        return self._highest_id + 1

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
        state = self._state(object_id)
        frames = sorted(state.records)
        scores = [state.records[f].scores for f in frames]
        return FrameScores(
            np.array(frames, dtype=np.int64),
            np.array([s.iou_score for s in scores]),
            np.array([s.stability_score for s in scores]),
            np.array([s.object_score for s in scores]),
            np.array([s.area for s in scores], dtype=float),
            np.array([s.overlap for s in scores]),
            np.array([f in state.prompts for f in frames], dtype=bool),
        )

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

        Parameters
        ----------
        object_id : int
            A new or a known object, 1 or more.
        *prompts : Point, Box, MaskPrompt or Scribble
            On one frame.

        Returns
        -------
        MaskUpdate

        Raises
        ------
        PromptError
            If a prompt can't be used; the session stays as it was.
        """
        object_id = check_object_id(object_id)
        frame = check_prompts(prompts, self.n_frames, self.plane_shape)
        mask_prompt = next((p for p in prompts if isinstance(p, MaskPrompt)), None)
        with self._action("add prompt", object_id) as objects:
            state = objects.setdefault(object_id, ObjectState(object_id))
            if not state.prompts:
                state.extent = extent_for(self.window_side, prompts)
            merged = merge_prompts(state.prompts.get(frame, ()), prompts)
            record = self._decoder.decode(
                state, frame, merged, mask_prompt or state.records.get(frame)
            )
            update = self._set_prompted(state, frame, merged, record)
        self._highest_id = max(self._highest_id, object_id)
        return update

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
        state = self._state(object_id)
        given = state.prompts.get(check_frame(frame, self.n_frames), ())
        missing = [p for p in prompts if p not in given]
        if missing or not given:
            raise PromptError(
                f"object {object_id} has no such prompt on frame {frame}: "
                f"{missing or 'none at all'}; see session.prompts({object_id})."
            )
        left = tuple(p for p in given if p not in prompts) if prompts else ()
        with self._action("remove prompt", object_id):
            if left:
                start = next((p for p in left if isinstance(p, MaskPrompt)), None)
                record = self._decoder.decode(state, frame, left, start)
                return [self._set_prompted(state, frame, left, record)]
            del state.prompts[frame]
            state.unsettle_around(frame)
            if state.prompts:
                return [self._set_record(state, frame, None)]
            state.settled.clear()
            return [self._set_record(state, f, None) for f in sorted(state.records)]

    def refine(self, object_id: int, frame: int) -> MaskUpdate:
        """Let the decoder improve a prompted frame's mask once more, starting from what it is."""
        state, record = self._state(object_id), self._record(object_id, frame)
        prompts = state.prompts.get(frame)
        if not prompts:
            raise SessionError(
                f"frame {frame} of object {object_id} has no prompt to refine; add one first."
            )
        with self._action("refine", object_id):
            if record.index < 0:  # an exact mask becomes a hint
                prompts = tuple(
                    replace(p, refine=True) if isinstance(p, MaskPrompt) else p for p in prompts
                )
            new = self._decoder.decode(state, frame, prompts, record)
            return self._set_prompted(state, frame, prompts, new)

    def candidates(self, object_id: int, frame: int) -> list[Candidate]:
        """Return the three masks that a click may mean, in the model's order.

        Raises
        ------
        SessionError
            If the frame has no prompt, or a mask that was taken as it is.
        """
        record = self._record(object_id, frame)
        prediction = self._prediction(object_id, frame, record)
        logits = prediction.logits[0, 1:]
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
        state = self._state(object_id)
        record = self._record(object_id, frame)
        prediction = self._prediction(object_id, frame, record)
        new = self._decoder.choose(record, prediction, index + 1)
        with self._action("choose mask", object_id):
            return self._set_prompted(state, frame, state.prompts[frame], new)

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
            Which objects; None for all.
        frames : iterable of int, optional
            Which frames, for example ``range(10, 20)``; None for all.
        direction : {"forward", "backward", "both"}
            "forward": one pass from each object's first prompted frame to the end; "backward": from the last to the
            start; "both": every frame from the nearest prompted one, nearest frames first.
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
            If an object, a frame or the direction does not exist.
        """
        if direction not in get_args(Direction):
            raise SessionError(
                f"direction {direction!r} is unknown; use one of {get_args(Direction)}."
            )
        ids = self.object_ids if object_ids is None else tuple(object_ids)
        for object_id in ids:
            self._state(object_id)
        wanted = None if frames is None else {check_frame(f, self.n_frames) for f in frames}
        return self._propagate(ids, wanted, direction, progress)

    def _propagate(
        self,
        ids: tuple[int, ...],
        wanted: set[int] | None,
        direction: Direction,
        progress: Callable[[Progress], None] | None,
    ) -> Generator[MaskUpdate, None, None]:
        self._end_run()
        steps = self._plan(ids, wanted, direction)
        run = Run(self.stop_rule, {i: self._objects[i].copy() for i in ids if i in self._objects})
        self._run = run
        try:
            for done, step in enumerate(steps, start=1):
                updates = self._take_step(run, step)
                if progress is not None:
                    progress(Progress(done, len(steps), f"frame {step.frame}"))
                for update in updates:
                    yield update
                    if run.ended:
                        return
        finally:
            if self._run is run:
                self._end_run()

    def _plan(
        self, ids: tuple[int, ...], wanted: set[int] | None, direction: Direction
    ) -> list[Step]:
        states = [self._objects[i] for i in ids if i in self._objects]
        pending = {s.object_id: s.pending(self.n_frames) for s in states}
        if wanted is not None:
            pending = {i: [f for f in frames if f in wanted] for i, frames in pending.items()}
        first = next((r for s in states for r in s.records.values()), None)
        kept = self._recall.embeddings_kept(first.view) if first else 0
        return plan_propagation({s.object_id: s.prompted for s in states}, pending, direction, kept)

    def _take_step(self, run: Run, step: Step) -> list[MaskUpdate]:
        """Track all objects of a step; every result is in the session before the first is shown."""
        updates: list[MaskUpdate] = []
        live: list[Task] = []
        for task in step.tasks:
            state = self._objects[task.object_id]
            if not run.is_stopped(state, step.frame, task):
                live.append(task)
                continue
            state.settled.add(step.frame)
            if step.frame in state.records:
                updates.append(self._set_record(state, step.frame, None))
        states = [self._objects[task.object_id] for task in live]
        for job, record in list(self._tracker.track(step.frame, states, live)):
            state = job.state
            record = self._judged(run, state, job.task, step.frame, record)
            state.settled.add(step.frame)
            updates.append(self._set_record(state, step.frame, record))
        return updates

    def _judged(
        self, run: Run, state: ObjectState, task: Task, frame: int, record: FrameRecord
    ) -> FrameRecord:
        """Apply the stop rule and compare with the frame before."""
        reason = run.see(task, record.mask.area, record.scores.object_score)
        if reason == "growth":
            record = self._recall.without_mask(record)
        overlap = float("nan")
        before = state.records.get(frame - task.direction)
        if before is not None:
            window = union(before.mask.window, record.mask.window)
            overlap = mask_iou(before.mask.inside(window), record.mask.inside(window))
        return replace(record, scores=replace(record.scores, overlap=overlap, stopped=reason))

    def _end_run(self) -> None:
        """Close a running propagation, so that it is one action of the history."""
        run, self._run = self._run, None
        if run is None:
            return
        run.ended = True
        change = compare("propagate", run.before, self._objects, run.before)
        if any(c.records.new or c.settled for c in change.objects):
            self._history.push(change)

    # objects and history

    def remove_object(self, object_id: int) -> list[MaskUpdate]:
        """Remove an object; pixels that it held against others go to them. Its id is not used again."""
        state = self._state(object_id)
        with self._action("remove object", object_id):
            updates = [self._set_record(state, f, None) for f in sorted(state.records)]
            del self._objects[object_id]
        return updates

    @property
    def can_undo(self) -> str:
        """What `undo` would take back; "" if there is nothing."""
        self._end_run()
        return self._history.done[-1].what if self._history.done else ""

    @property
    def can_redo(self) -> str:
        """What `redo` would repeat; "" if there is nothing."""
        return self._history.undone[-1].what if self._history.undone else ""

    def undo(self) -> list[MaskUpdate]:
        """Take the last action back: a prompt, a choice, a propagation, a removal.

        Returns
        -------
        list of MaskUpdate
            Empty if there was nothing to take back.
        """
        self._end_run()
        return self._replay(self._history.undo(), forward=False)

    def redo(self) -> list[MaskUpdate]:
        """Repeat the last action that was taken back."""
        self._end_run()
        return self._replay(self._history.redo(), forward=True)

    def _replay(self, change: Change | None, forward: bool) -> list[MaskUpdate]:
        if change is None:
            return []
        updates = []
        changed = change.apply(self._objects, forward)
        records = {c.object_id: c.records for c in change.objects}
        for object_id, frame in changed:
            old, new = records[object_id].old[frame], records[object_id].new[frame]
            if not forward:
                old, new = new, old
            updates.append(self._shown(object_id, frame, old, new))
        return updates

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
            If the folder exists and is not a saved session.
        """
        self._end_run()
        storage.write(
            Path(folder),
            storage.SavedSession(
                shape=(self.n_frames, *self.plane_shape),
                model=self.model.name,
                highest_id=self._highest_id,
                window_side=self.window_side,
                overlap=self.overlap,
                stop_rule=self.stop_rule,
                objects=self._objects,
                labels=self.labels,
            ),
        )

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
            As for `Session`; window_side, overlap and stop_rule are those of the saved session unless given.

        Returns
        -------
        Session
            With the same prompts, masks and labels, ready to be corrected; the history starts anew.

        Raises
        ------
        SessionError
            If the folder is not a session or the stack has another shape.
        """
        saved = storage.read(Path(folder))
        settings = {
            "window_side": saved.window_side,
            "overlap": saved.overlap,
            "stop_rule": saved.stop_rule,
        }
        session = cls(stack, model, intensity, **{**settings, **options})
        session._restore(saved)
        return session

    def _restore(self, saved: storage.SavedSession) -> None:
        shape = (self.n_frames, *self.plane_shape)
        if tuple(saved.shape) != shape:
            raise SessionError(
                f"the session was made on a stack of shape {tuple(saved.shape)}, this one is {shape}; open "
                "the image that it was made on."
            )
        self._objects = dict(saved.objects)
        self._highest_id = saved.highest_id
        versions = [r.version for s in self._objects.values() for r in s.records.values()]
        self._recall.start_versions_after(max(versions, default=0))
        self._labels.array = np.array(saved.labels)

    # inside

    @contextmanager
    def _action(self, what: str, object_id: int) -> Iterator[dict[int, ObjectState]]:
        """Make one undoable action of what is done inside; an error leaves the session as it was."""
        self._end_run()
        old = self._objects.get(object_id)
        before = {} if old is None else {object_id: old.copy()}
        try:
            yield self._objects
        except BaseException:
            self._objects.pop(object_id, None)
            self._objects.update(before)
            raise
        self._history.push(compare(what, before, self._objects, [object_id]))

    def _set_prompted(
        self, state: ObjectState, frame: int, prompts: tuple[Prompt, ...], record: FrameRecord
    ) -> MaskUpdate:
        state.prompts[frame] = prompts
        state.unsettle_around(frame)
        return self._set_record(state, frame, record)

    def _set_record(self, state: ObjectState, frame: int, record: FrameRecord | None) -> MaskUpdate:
        old = state.records.pop(frame, None)
        if record is not None:
            state.records[frame] = record
        return self._shown(state.object_id, frame, old, record)

    def _shown(
        self, object_id: int, frame: int, old: FrameRecord | None, new: FrameRecord | None
    ) -> MaskUpdate:
        """Repaint where the old or the new mask lies, and say so."""
        nothing = CompactMask((0, 0, 0, 0), 0, b"")
        old_mask, new_mask = (r.mask if r is not None else nothing for r in (old, new))
        window = union(old_mask.window, new_mask.window)
        labels = self._labels.repaint(self._objects, frame, window)
        self._revision += 1
        scores = new.scores if new is not None else NO_SCORES
        return MaskUpdate(
            object_id, frame, window, new_mask.inside(window), labels, scores, self._revision
        )

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
        state = self._objects.get(object_id)
        if state is None:
            raise SessionError(
                f"object {object_id!r} does not exist; there are {list(self.object_ids)}. Add a "
                "prompt to make it."
            )
        return state

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
