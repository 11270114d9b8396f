"""The life of the widget without its looks: opens, binds, propagates, stops, undoes and closes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_sam2._napari.binding import Binding
from napari_sam2._napari.connections import Connections, bind_key, connect
from napari_sam2._napari.coordinates import Placement, index_in
from napari_sam2._napari.layers import full_resolution
from napari_sam2._napari.messages import (
    Close,
    ListModels,
    ModelList,
    Open,
    Opened,
    Propagate,
    Recall,
    Redo,
    Said,
    SessionNow,
    Undo,
)
from napari_sam2._napari.notices import tell_error
from napari_sam2._napari.state import Phase, State
from napari_sam2._napari.tool import ClickTool
from napari_sam2.errors import Sam2Error
from napari_sam2.results import MaskUpdate, Progress

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image

    from napari_sam2._napari.messages import Answer, ModelChoice, Request
    from napari_sam2._napari.state import View
    from napari_sam2._napari.worker import Worker

__all__ = ["Controller"]

_HOW_TO_CLICK = "Click on an object. Shift+click, or the right button, takes a place away. Dragging moves the view."

_UNKNOWN = Progress(0, 0)


class Controller:
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
    state : State
        What the view shows.
    binding : Binding or None
        Our layers, while there is a session.
    """

    def __init__(self, viewer: Viewer, worker: Worker, view: View) -> None:
        self.state = State()
        self.binding: Binding | None = None
        self._tool: ClickTool | None = None
        self._viewer = viewer
        self._worker = worker
        self._view = view
        self._waiting: dict[int, Request] = {}
        self._always = Connections()
        self._while_open = Connections()
        self._while_busy = Connections()
        self._always.add(
            connect(worker.answered, self._on_answer),
            connect(worker.finished, self._on_finished),
            connect(worker.failed, self._on_failed),
            connect(viewer.layers.events.removed, self._on_removed),
        )
        worker.submit(ListModels())

    @property
    def is_waiting(self) -> bool:
        """Whether the session has something to do."""
        return bool(self._waiting)

    # what the user asks for

    def start(
        self, image: Image, model: ModelChoice, axis: int | None, window_side: int | None
    ) -> None:
        """Open a session on an image; our layers come when it is ready."""
        if self.state.phase is not Phase.IDLE:
            return
        if model.question and not self._view.agrees(model.question):
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
        number = self._submit(Open(array, placement, bool(image.rgb), model.name, window_side))
        opened = partial(self._on_opened, number, image, placement)
        self._while_open.add(connect(self._worker.answered, opened))

    def finish(self, text: str = "Finished; the layers stay.") -> None:
        """Let the session go; what was painted stays."""
        self._worker.drop()
        self._waiting.clear()
        self.set_clicking(False)
        self._submit(Close())
        self._unbind()
        self.state = State(text=text)
        self._view.show_state(self.state)

    def propagate(self) -> None:
        """Carry all objects to all frames."""
        if self.binding is not None and self.state.phase is Phase.READY:
            layers = self.binding.labels, self.binding.prompts
            self._become_busy(Phase.RUNNING, "Tracking ...", self._viewer, *layers)
            self._submit(Propagate())

    def stop(self) -> None:
        """Stop what runs, and keep what is done."""
        if self.state.phase in (Phase.OPENING, Phase.RUNNING):
            self._worker.stop()
            self._set(text="Stopping ...")

    def undo(self) -> None:
        """Take the last action back."""
        if self.binding is not None:
            self._submit(Undo())

    def redo(self) -> None:
        """Repeat what was taken back."""
        if self.binding is not None:
            self._submit(Redo())

    def select(self, object_id: int) -> None:
        """Let new clicks speak of an object."""
        if self.binding is not None and object_id != self.binding.object_id:
            self.binding.select(object_id)
            self._see_object()

    def new_object(self) -> None:
        """Let new clicks speak of an object that was never there before."""
        if self.binding is not None:
            self.select(self.binding.highest_id + 1)
            self.set_clicking(True)

    def set_clicking(self, on: bool) -> None:
        """Take clicks on the canvas as prompts, or leave them to napari."""
        if self._tool is not None:
            self._tool.set(on)

    def close(self) -> None:
        """Stop everything and take all connections back; nothing is waited for, and no layer is touched."""
        self._always.close()
        self._unbind()
        self._worker.close()

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
        self.binding = Binding(self._viewer, image, placement, self._submit, tell_error)
        self._tool = ClickTool(self._viewer, self.binding.prompts, self._see_tool)
        self._while_open.add(
            self.binding.close,
            self._tool.close,
            connect(image.events.data, self._on_image_changed),
            connect(self.binding.labels.events.data, self._on_labels_changed),
            connect(self.binding.labels.events.colormap, self._see_object),
            bind_key(self.binding.prompts, "Control-Z", lambda _: self.undo()),
            bind_key(self.binding.prompts, "Control-Shift-Z", lambda _: self.redo()),
        )
        self._become(Phase.READY, _HOW_TO_CLICK)
        self._see_object()
        self.set_clicking(True)

    def _on_answer(self, number: int, answer: Answer) -> None:
        if isinstance(answer, ModelList):
            self._view.show_models(answer.models)
        elif number not in self._waiting:
            return  # of a session that was let go
        elif isinstance(answer, Progress):
            self._set(progress=answer)
        elif isinstance(answer, Said):
            self._set(text=answer.text)
        elif isinstance(answer, MaskUpdate) and self.binding is not None:
            self.binding.paint(answer)
        elif isinstance(answer, SessionNow) and self.binding is not None:
            if (
                number == self._worker.last_number
            ):  # else the user went on, and a newer one will come
                self.binding.follow(answer.clicks)
            self._set(undo=answer.undo, redo=answer.redo, pending=answer.pending)

    def _on_finished(self, number: int) -> None:
        match self._waiting.pop(number, None):
            case Open() if self.binding is None:  # it was stopped
                self._unbind()
                self._become(Phase.IDLE, self.state.text)
            case Propagate() if self.binding is not None:
                self.binding.finish_painting()
                self._become(Phase.READY, self.state.text)
            case _ if self.state.phase is Phase.READY and not self._waiting:
                self._set(progress=None)

    def _on_failed(self, number: int, error: Exception) -> None:
        request = self._waiting.pop(number, None)
        if request is None:
            return
        tell_error(error)
        if isinstance(request, Open):
            self._unbind()
            self._become(Phase.IDLE, "It could not be opened.")
        elif self.binding is not None:
            if isinstance(request, Propagate):
                self._become(Phase.READY, "Tracking ended with an error; what was done is kept.")
            self._submit(Recall())  # the layers go back to what the session has

    # what happens in the viewer

    def _on_removed(self, event: Any) -> None:
        if self.binding is not None and event.value in self.binding.layers:
            self.finish(f"{event.value.name} was removed; the other layers stay.")

    def _on_image_changed(self, _event: Any = None) -> None:
        if self.binding is not None:
            self.finish(f"The data of {self.binding.image.name} changed; start again.")

    def _on_labels_changed(self, _event: Any = None) -> None:
        """Go on with other labels of the same shape; stop where masks could not be painted."""
        if self.binding is not None and not self.binding.can_paint:
            self.finish(f"The data of {self.binding.labels.name} changed; start again.")

    def _see_tool(self) -> None:
        if self._tool is not None:
            self._set(clicking=self._tool.is_on, can_click=self._tool.is_possible)

    def _see_object(self, _event: Any = None) -> None:
        if self.binding is not None:
            self._set(object_id=self.binding.object_id, color=self.binding.color)

    # inside

    def _submit(self, request: Request) -> int:
        number = self._worker.submit(request)
        self._waiting[number] = request
        if self.state.phase is Phase.READY:
            text = self.state.text if isinstance(request, Recall) else _HOW_TO_CLICK
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
        self.binding = self._tool = None

    def _set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self._view.show_state(self.state)
