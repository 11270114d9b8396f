"""The life of the widget without its looks: opens, binds, propagates, stops, undoes and closes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_sam2._napari.bench import Bench
from napari_sam2._napari.connections import Connections, bind_key, connect
from napari_sam2._napari.coordinates import Placement, index_in
from napari_sam2._napari.following import Following
from napari_sam2._napari.keeping import Discard, OpenFolder, Plane, Save, Unsaved
from napari_sam2._napari.layers import full_resolution
from napari_sam2._napari.messages import (
    Close,
    Encoded,
    Ghost,
    ListModels,
    Masks,
    ModelList,
    ObjectsNow,
    Open,
    Opened,
    Propagate,
    Recall,
    Redo,
    Said,
    Selected,
    SessionNow,
    Undo,
)
from napari_sam2._napari.notices import tell_error
from napari_sam2._napari.sentences import HOW_TO, opened_sentence
from napari_sam2._napari.state import Phase, State
from napari_sam2._napari.tool import Tool
from napari_sam2._napari.tool_actions import ToolActions
from napari_sam2._napari.watch import LayerWatch
from napari_sam2._napari.wishes import Call, TakeMasks, UseModel
from napari_sam2.errors import Sam2Error
from napari_sam2.results import MaskUpdate, Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from napari import Viewer
    from napari.layers import Image

    from napari_sam2._napari.binding import Binding
    from napari_sam2._napari.keys import Action
    from napari_sam2._napari.messages import Answer, Request
    from napari_sam2._napari.model_facts import ModelPick
    from napari_sam2._napari.state import View
    from napari_sam2._napari.worker import Worker
    from napari_sam2.session import Session

__all__ = ["Controller"]

_UNKNOWN = Progress(0, 0)


class Controller(ToolActions):
    """Bring viewer, worker and view together.

    Parameters
    ----------
    viewer : Viewer
        Where the images are.
    worker : Worker
        The thread that owns the session; it is closed with the controller.
    view : View
        The widget.

    Attributes
    ----------
    worker : Worker
        Who does it.
    state : State
        What the view shows.
    bench : Bench or None
        What there is while a session is open.
    keys : dict of Action to str
        What the user prefers to our choice of keys; for the next session.
    autosaves : bool
        Whether every action is kept on disk; for the next session.
    ghost : {"automatic", "on", "off"}
        Whether a session begins with a ghost under the mouse; automatic: where the model is fast.
    """

    def __init__(self, viewer: Viewer, worker: Worker, view: View) -> None:
        super().__init__()
        self.state = State()
        self.keys: dict[Action, str] = {}
        self.autosaves = True
        self.ghost = "automatic"
        self._viewer = viewer
        self.worker = worker
        self._view = view
        self._following = Following()
        self._waiting: dict[int, Request] = {}
        self._always = Connections()
        self._while_open = Connections()
        self._while_busy = Connections()
        self._always.add(
            connect(worker.answered, self._on_answer),
            connect(worker.finished, self._on_finished),
            connect(worker.failed, self._on_failed),
        )
        worker.submit(ListModels())

    @property
    def is_waiting(self) -> bool:
        """Whether the session has something to do."""
        return bool(self._waiting)

    # what the user asks for

    def start(
        self, image: Image, pick: ModelPick, axis: int | None, window_side: int | None
    ) -> None:
        """Open a session on an image; our layers come when it is ready."""
        if self.state.phase is not Phase.IDLE:
            return
        array = full_resolution(image)
        shape = tuple(int(n) for n in array.shape[: image.ndim])
        names = tuple(str(name) for name in image.axis_labels)
        here = index_in(image, self._viewer.dims.point, shape)
        try:
            placement = Placement(shape, axis, here, names)
        except Sam2Error as error:
            tell_error(error)
            return
        self._become_busy(Phase.OPENING, f"Opening {image.name} ...", self._viewer)
        self._set(opened=opened_sentence(image, pick, placement))
        number = self._submit(
            Open(
                array,
                placement,
                bool(image.rgb),
                pick,
                window_side,
                image.name,
                self.autosaves,
            )
        )
        opened = partial(self._on_opened, number, image, placement)
        self._while_open.add(connect(self.worker.answered, opened))

    def finish(self, text: str = "Finished; the layers stay.") -> None:
        """Let the session go; what was painted stays."""
        self.worker.drop()
        self._waiting.clear()
        self.take_tool(Tool.PAN)
        self._submit(Close())
        self._unbind()
        kept = self.state
        self.state = State(text=text, follows=kept.follows, strokes=kept.strokes)
        self._view.show_objects(ObjectsNow())
        self._view.show_state(self.state)

    def propagate(self) -> None:
        """Carry all objects to all frames."""
        if self.binding is not None and self.state.phase is Phase.READY:
            self._become_busy(
                Phase.RUNNING, "Tracking ... Esc stops.", self._viewer, *self.binding.layers[1:]
            )
            self._submit(Propagate())

    def stop(self) -> None:
        """Stop what runs, and keep what is done."""
        if self.state.phase in (Phase.OPENING, Phase.RUNNING):
            self._following.stop()
            self.worker.stop()
            self._set(text="Stopping ...")

    def undo(self) -> None:
        """Take the last action back, and what followed from it."""
        self._ask(Undo(with_followed=self._following.is_on))
        self._following.stop()

    def redo(self) -> None:
        """Repeat what was taken back."""
        self._ask(Redo(with_followed=self._following.is_on))
        self._following.stop()

    def set_follows(self, on: bool) -> None:
        """Let a propagation follow every prompt by itself, or not."""
        self._following.is_on = on
        self._set(follows=on)
        self._go_on()

    def save(self, folder: Path) -> None:
        """Save the session in a folder, and go on there."""
        self._ask(Save(folder))

    def open_folder(self, folder: Path) -> None:
        """Go on with a saved session, or with unsaved work, in place of what is there now."""
        self._following.stop()
        self._ask(OpenFolder(folder))

    def discard(self, folder: Path) -> None:
        """Throw unsaved work away."""
        self._ask(Discard(folder))

    def call(self, function: Callable[[Session], Any], outcome: Future[Any], is_step: bool) -> None:
        """Let a script do something with the session; see `Call`."""
        self._submit(Call(function, outcome, is_step))

    def use_model(self, name: str) -> None:
        """Go on with a model that was learned here, and list it."""
        self._ask(UseModel(name))
        self.worker.submit(ListModels())

    def show_propagated(self) -> None:
        """Show what a script has left to show."""
        if self.binding is not None:
            self.binding.finish_painting()
            self._ask(Recall())

    def close(self) -> None:
        """Stop everything and take all connections back; nothing is waited for, and no layer is touched."""
        self._always.close()
        self._unbind()
        self.worker.close()

    # what the worker says

    def _on_opened(
        self, number: int, image: Image, placement: Placement, answered: int, answer: Answer
    ) -> None:
        """Make our layers, now that the session is there."""
        if answered != number or not isinstance(answer, Opened):
            return
        if image not in self._viewer.layers:
            self.finish(f"{image.name} was removed.")
            return
        self._seen.clear()
        self._following.is_wanted = False
        self.bench = Bench(
            self._viewer,
            image,
            placement,
            self._submit,
            self.worker.hint,
            self._see_tool,
            self.select,
            self._actions(),
            self.keys,
            answer.on_disk,
        )
        ours = self.bench.binding
        watch = LayerWatch(self._viewer, ours, self.finish, lambda text: self._set(text=text))
        self._while_open.add(
            self.bench.close,
            watch.close,
            connect(ours.labels.events.colormap, self._see_object),
        )
        self._become(Phase.READY, HOW_TO[Tool.POINT])
        self._see_object()
        self._set(can_ghost=answer.can_ghost)
        wanted = self.ghost == "on" or (self.ghost == "automatic" and answer.is_fast)
        self.set_ghost(wanted and answer.can_ghost)
        self.set_strokes(self.state.strokes)
        self.take_tool(Tool.POINT)

    def _on_answer(self, number: int, answer: Answer) -> None:
        if isinstance(answer, ModelList):
            self._view.show_models(answer.models)
        elif self.bench is not None and number == 0:
            self._on_rest(self.bench, answer)
        elif number not in self._waiting:
            return  # of a session that was let go
        elif isinstance(answer, Progress):
            self._set(progress=answer)
        elif isinstance(answer, Said):
            self._set(text=answer.text)
        elif self.bench is not None:
            self._on_session(self.bench.binding, number, answer)

    def _on_rest(self, bench: Bench, answer: Answer) -> None:
        """Show what was found while nobody waited."""
        match answer:
            case Ghost():
                bench.ghost.show(answer)
            case Encoded():
                self._set(encoded=answer)
            case ObjectsNow():
                self._view.show_objects(answer)

    def _on_session(self, binding: Binding, number: int, answer: Answer) -> None:
        match answer:
            case MaskUpdate():
                binding.paint(answer)
            case Masks(updates):
                for update in updates:
                    binding.paint(update)
            case ObjectsNow():
                self._view.show_objects(answer)
            case Plane():
                binding.replace(answer)
            case Unsaved():
                self._view.show_unsaved(answer)
            case Selected(object_id, None):
                self.select(object_id)
            case Selected(object_id, frame):
                self.go_to(object_id, frame)
            case SessionNow():
                if number == self.worker.last_number:  # else a newer one will come
                    binding.follow(answer)
                self._set(undo=answer.undo, redo=answer.redo, pending=answer.pending)

    def _on_finished(self, number: int) -> None:
        request = self._waiting.pop(number, None)
        match request:
            case Open() if self.binding is None:  # it was stopped
                self._unbind()
                self._become(Phase.IDLE, self.state.text)
            case Propagate() if self.binding is not None:
                self.binding.finish_painting()
                self._become(Phase.READY, self.state.text)
            case TakeMasks() if self.binding is not None:
                self.binding.strokes.settle(request)
        if self.state.phase is Phase.READY and not self._waiting:
            self._set(progress=None)
        self._go_on()

    def _on_failed(self, number: int, error: Exception) -> None:
        request = self._waiting.pop(number, None)
        if request is None and number:
            return
        tell_error(error)
        if isinstance(request, Open):
            self._unbind()
            self._become(Phase.IDLE, "It could not be opened.")
        elif self.binding is not None and request is not None:
            if isinstance(request, Propagate):
                self._following.stop()
                self._become(Phase.READY, "Tracking ended with an error; what was done is kept.")
            elif isinstance(request, TakeMasks):
                self.binding.strokes.settle(request)
            self._submit(Recall())  # the layers go back to what the session has

    def _go_on(self) -> None:
        """Propagate what a prompt has left to do."""
        if self.state.phase is Phase.READY and self._following.is_due(
            self.state.pending, self.is_waiting
        ):
            self._following.is_wanted = False
            self.propagate()

    # inside

    def _submit(self, request: Request) -> int:
        number = self.worker.submit(request)
        self._waiting[number] = request
        if self.binding is not None:
            self._following.see(request, is_running=self.state.phase is Phase.RUNNING)
        if self.state.phase is Phase.READY:
            text = self.state.text if isinstance(request, Recall) else HOW_TO[self.state.tool]
            self._set(progress=_UNKNOWN, text=text)
        return number

    def _become_busy(self, phase: Phase, text: str, *key_owners: Any) -> None:
        """Begin something that Esc stops."""
        self._become(phase, text)
        self._set(progress=_UNKNOWN)
        for owner in key_owners:
            self._while_busy.add(bind_key(owner, "Escape", lambda _: self.stop()))

    def _become(self, phase: Phase, text: str) -> None:
        self._while_busy.close()
        self._set(phase=phase, text=text, progress=_UNKNOWN if self._waiting else None)

    def _unbind(self) -> None:
        """Take back what was connected for the session."""
        self._while_busy.close()
        self._while_open.close()
        self.bench = None

    def _set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self._view.show_state(self.state)
