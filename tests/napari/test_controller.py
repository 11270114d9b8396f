"""The controller, with stand-ins for worker and view and a viewer without a window."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import create_autospec

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils._proxies import ReadOnlyWrapper
from napari.utils.interactions import mouse_press_callbacks, mouse_release_callbacks
from qtpy.QtCore import QObject, Signal

from napari_sam2 import MaskUpdate, Point, Progress
from napari_sam2._napari.controller import Controller
from napari_sam2._napari.messages import (
    AddPoints,
    Click,
    Close,
    ListModels,
    ModelChoice,
    ModelList,
    Open,
    Opened,
    Propagate,
    Recall,
    Redo,
    RemovePoints,
    Said,
    SessionNow,
    Undo,
)
from napari_sam2._napari.model_facts import ModelPick
from napari_sam2._napari.state import Phase, View
from napari_sam2._napari.tool import Tool
from napari_sam2._napari.widget import SegmentWidget
from napari_sam2._napari.worker import Worker
from napari_sam2.errors import DeviceError, PromptError
from napari_sam2.results import NO_SCORES

NANO = ModelChoice("nano", "nano (bundled)")
BIG = ModelChoice("big", "big", "Slow.", "Download 156 MB?")
A = Point(2, (3, 4))


class Signals(QObject):
    answered = Signal(int, object)
    finished = Signal(int)
    failed = Signal(int, object)


class Desk:
    """A controller and what is around it."""

    def __init__(self) -> None:
        self.viewer = ViewerModel()
        self.view = create_autospec(View, instance=True)
        self.signals = Signals()
        self.requests: list = []
        self.worker = create_autospec(Worker, instance=True)
        for name in ("answered", "finished", "failed"):
            setattr(self.worker, name, getattr(self.signals, name))
        self.worker.last_number = 0
        self.worker.submit.side_effect = self._submit
        self.controller = Controller(self.viewer, self.worker, self.view)

    def _submit(self, request) -> int:
        self.requests.append(request)
        self.worker.last_number = len(self.requests)
        return len(self.requests)

    def answer(self, *answers, number: int | None = None) -> None:
        for answer in answers:
            self.signals.answered.emit(number or len(self.requests), answer)

    def finish(self, number: int | None = None) -> None:
        self.signals.finished.emit(number or len(self.requests))

    def fail(self, error: Exception, number: int | None = None) -> None:
        self.signals.failed.emit(number or len(self.requests), error)

    def open(self, shape=(5, 10, 12), axis: int | None = 0, **options):
        image = self.viewer.add_image(np.zeros(shape, dtype=np.uint8), name="cells", **options)
        self.controller.set_follows(False)
        self.controller.start(image, ModelPick("nano"), axis, None)
        self.answer(Opened(), now())
        self.finish()
        self.requests_before = len(self.requests)
        return image

    @property
    def new_requests(self) -> list:
        return self.requests[self.requests_before :]

    @property
    def state(self):
        return self.controller.state

    @property
    def binding(self):
        return self.controller.binding


def now(*clicks: Click, undo: str = "", redo: str = "", pending: bool = False) -> SessionNow:
    return SessionNow(frozenset(clicks), undo, redo, pending)


def update(value: int, revision: int, frame: int = 2) -> MaskUpdate:
    labels = np.full((2, 2), value, dtype=np.uint16)
    return MaskUpdate(value, frame, (3, 4, 5, 6), labels > 0, labels, NO_SCORES, revision)


@pytest.fixture
def desk(qapp):
    desk = Desk()
    yield desk
    desk.controller.close()


def test_stand_in_of_the_view_is_what_the_widget_is() -> None:
    for name in ("show_state", "show_models", "show_objects", "show_unsaved"):
        assert callable(getattr(SegmentWidget, name))


def test_models_are_asked_for_and_shown(desk) -> None:
    assert desk.requests == [ListModels()]
    desk.answer(ModelList((NANO, BIG)))
    desk.view.show_models.assert_called_once_with((NANO, BIG))


def test_start_asks_the_worker_and_adds_layers_only_when_it_is_open(desk) -> None:
    image = desk.viewer.add_image(np.zeros((5, 10, 12)), name="cells")
    desk.controller.start(image, ModelPick("nano"), 0, 64)
    assert desk.state.phase is Phase.OPENING
    request = desk.requests[-1]
    assert isinstance(request, Open)
    assert (request.array is image.data, request.pick, request.window_side) == (
        True,
        ModelPick("nano"),
        64,
    )
    assert (request.placement.axis, request.placement.shape, request.rgb) == (0, (5, 10, 12), False)
    desk.answer(Progress(0, 0, "Loading nano"))
    assert desk.state.progress == Progress(0, 0, "Loading nano")
    assert len(desk.viewer.layers) == 1
    desk.answer(Opened(), now())
    desk.finish()
    assert [layer.name for layer in desk.viewer.layers] == [
        "cells",
        "cells objects",
        "cells prompts: shapes",
        "cells prompts",
    ]
    assert desk.state.phase is Phase.READY
    assert desk.state.tool is Tool.POINT
    assert desk.viewer.layers.selection.active is desk.binding.prompts
    assert "Escape" not in {str(key) for key in desk.viewer.keymap}


def test_other_axes_stay_at_the_current_position(desk) -> None:
    image = desk.viewer.add_image(np.zeros((3, 5, 10, 12)), scale=(1, 2, 1, 1))
    desk.viewer.dims.set_point((0, 1), (2, 6))
    desk.controller.start(image, ModelPick("nano"), 0, None)
    assert desk.requests[-1].placement.fixed == {1: 3}
    assert desk.requests[-1].placement.n_frames == 3


def test_multiscale_image_is_opened_in_full_resolution(desk) -> None:
    full = np.zeros((5, 32, 32))
    image = desk.viewer.add_image([full, full[:, ::2, ::2]], multiscale=True)
    desk.controller.start(image, ModelPick("nano"), 0, None)
    assert desk.requests[-1].array.shape == (5, 32, 32)


def test_rgb_image_says_so(desk) -> None:
    image = desk.viewer.add_image(np.zeros((5, 10, 12, 3), dtype=np.uint8), rgb=True)
    desk.controller.start(image, ModelPick("nano"), 0, None)
    assert desk.requests[-1].rgb
    assert desk.requests[-1].placement.shape == (5, 10, 12)


def test_image_with_too_many_axes_is_refused(desk, notices) -> None:
    image = desk.viewer.add_image(np.zeros((1, 1, 2, 2, 2, 4, 4)))
    desk.controller.start(image, ModelPick("nano"), 0, None)
    assert desk.state.phase is Phase.IDLE
    assert "7 axes cannot be segmented" in notices[0]


def test_stopped_opening_leaves_nothing_behind(desk) -> None:
    image = desk.viewer.add_image(np.zeros((5, 10, 12)))
    desk.controller.start(image, ModelPick("nano"), 0, None)
    desk.controller.stop()
    desk.worker.stop.assert_called_once_with()
    desk.answer(Said("Stopped."))
    desk.finish()
    assert (desk.state.phase, desk.state.text, desk.state.progress) == (
        Phase.IDLE,
        "Stopped.",
        None,
    )
    assert len(desk.viewer.layers) == 1
    assert not desk.viewer.keymap


def test_failed_opening_says_why_and_can_be_tried_again(desk, notices) -> None:
    image = desk.viewer.add_image(np.zeros((5, 10, 12)))
    desk.controller.start(image, ModelPick("nano"), 0, None)
    desk.fail(DeviceError("too little memory; choose a smaller model."))
    assert notices == ["SAM 2: too little memory; choose a smaller model."]
    assert desk.state.phase is Phase.IDLE
    desk.controller.start(image, ModelPick("nano"), 0, None)
    desk.answer(Opened())
    assert desk.state.phase is Phase.READY


def test_image_that_went_while_it_was_opened(desk) -> None:
    image = desk.viewer.add_image(np.zeros((5, 10, 12)))
    desk.controller.start(image, ModelPick("nano"), 0, None)
    desk.viewer.layers.remove(image)
    desk.answer(Opened())
    assert desk.state.phase is Phase.IDLE
    assert desk.requests[-1] == Close()
    assert len(desk.viewer.layers) == 0


def test_click_becomes_a_request_and_its_mask_is_painted(desk) -> None:
    desk.open()
    desk.binding.prompts.add((2, 3, 4))
    assert desk.new_requests == [AddPoints(1, (A,))]
    assert desk.state.progress == Progress(0, 0)
    desk.answer(update(1, revision=1), now(Click(1, A), undo="add prompt", pending=True))
    desk.finish()
    assert desk.binding.labels.data[2, 3:5, 4:6].tolist() == [[1, 1], [1, 1]]
    assert desk.binding.labels.data.sum() == 4
    assert (desk.state.undo, desk.state.pending, desk.state.progress) == ("add prompt", True, None)


def test_refused_click_is_taken_away_again(desk, notices) -> None:
    desk.open()
    desk.binding.prompts.add((2, 30, 4))
    desk.fail(PromptError("outside."))
    assert notices == ["SAM 2: outside."]
    assert desk.new_requests[-1] == Recall()
    desk.answer(now())
    assert len(desk.binding.prompts.data) == 0


def test_unforeseen_error_is_one_sentence_with_its_traceback(desk, notices) -> None:
    desk.open()
    desk.binding.prompts.add((2, 3, 4))
    desk.fail(ZeroDivisionError("division by zero"))
    assert notices[0].startswith("SAM 2: unexpected ZeroDivisionError: division by zero.")


def test_answer_that_is_older_than_the_last_request_does_not_take_points_away(desk) -> None:
    desk.open()
    desk.binding.prompts.add((2, 3, 4))
    first = len(desk.requests)
    desk.binding.prompts.add((2, 5, 6))
    desk.answer(now(Click(1, A)), number=first)
    assert len(desk.binding.prompts.data) == 2
    desk.answer(now(Click(1, A), Click(1, Point(2, (5, 6)))))
    assert len(desk.binding.prompts.data) == 2


def test_undo_brings_points_back_as_they_were(desk) -> None:
    desk.open(scale=(2, 0.5, 0.5), translate=(1, 2, 3))
    lost = Click(3, Point(1, (7.123, 8.5), positive=False))
    desk.controller.undo()
    assert desk.new_requests == [Undo()]
    desk.answer(now(lost, redo="remove prompt"))
    desk.finish()
    prompts = desk.binding.prompts
    assert prompts.data == pytest.approx(np.array([[1, 7.123, 8.5]]))
    assert prompts.features.to_dict("list") == {"object_id": [3], "positive": [False]}
    assert desk.new_requests == [Undo()]  # nothing was sent on
    prompts.selected_data = {0}
    prompts.remove_selected()
    assert desk.new_requests[-1] == RemovePoints(3, (lost.point,))


def test_moved_point_is_added_before_the_old_place_is_removed(desk) -> None:
    desk.open()
    desk.binding.prompts.add((2, 3, 4))
    desk.answer(now(Click(1, A)))
    desk.finish()
    desk.binding.prompts.data = np.array([[2.0, 6.0, 4.0]])
    assert desk.new_requests[1:] == [AddPoints(1, (Point(2, (6, 4)),)), RemovePoints(1, (A,))]


def test_points_are_left_alone_while_the_mouse_is_down(desk) -> None:
    def event(kind: str) -> ReadOnlyWrapper:
        return ReadOnlyWrapper(SimpleNamespace(type=kind, button=1, modifiers=[]))

    desk.open()
    prompts = desk.binding.prompts
    prompts.add((2, 3, 4))
    prompts.mode = "pan_zoom"
    mouse_press_callbacks(prompts, event("mouse_press"))
    desk.answer(now())
    assert len(prompts.data) == 1
    mouse_release_callbacks(prompts, event("mouse_release"))
    assert desk.new_requests[-1] == Recall()
    desk.answer(now())
    assert len(prompts.data) == 0


def test_propagate_runs_once_and_escape_is_ours_meanwhile(desk) -> None:
    desk.open()
    desk.controller.propagate()
    desk.controller.propagate()
    assert desk.new_requests == [Propagate()]
    assert desk.state.phase is Phase.RUNNING
    for owner in (desk.viewer, *desk.binding.layers[1:]):
        (callback,) = (c for key, c in owner.keymap.items() if str(key) == "Escape")
        callback(owner)
    assert desk.worker.stop.call_count == 4
    desk.answer(Progress(1, 4, "frame 1"))
    assert desk.state.progress == Progress(1, 4, "frame 1")
    desk.answer(Said("Stopped; 3 steps are left."), now(pending=True))
    desk.finish()
    assert (desk.state.phase, desk.state.text) == (Phase.READY, "Stopped; 3 steps are left.")
    assert "Escape" not in {str(key) for key in desk.viewer.keymap}


def test_failed_propagation_is_ready_again(desk, notices) -> None:
    desk.open()
    desk.controller.propagate()
    desk.fail(RuntimeError("boom"))
    assert desk.state.phase is Phase.READY
    assert "what was done is kept" in desk.state.text
    assert desk.new_requests[-1] == Recall()


def test_removed_image_ends_the_session_and_the_others_stay(desk) -> None:
    desk.open()
    desk.controller.propagate()
    layer, labels = desk.binding.image, desk.binding.labels
    desk.viewer.layers.remove(layer)
    assert desk.binding is None
    assert desk.state.phase is Phase.IDLE
    assert desk.state.text == f"{layer.name} was removed; the other layers stay."
    assert desk.new_requests[-1] == Close()
    desk.worker.drop.assert_called_once_with()
    assert len(desk.viewer.layers) == 3
    desk.answer(update(1, 99), number=desk.requests_before + 1)  # of the session that is gone
    assert not labels.data.any()
    assert not desk.viewer.keymap


@pytest.mark.parametrize("which", ["labels", "prompts", "shapes"])
def test_layer_of_ours_that_was_removed_is_put_back(desk, which, qapp) -> None:
    desk.open()
    desk.controller.propagate()
    binding, layer = desk.binding, getattr(desk.binding, which)
    desk.viewer.layers.remove(layer)
    assert len(desk.viewer.layers) == 3
    qapp.processEvents()
    assert layer in desk.viewer.layers
    assert desk.binding is binding
    assert f"{layer.name} belongs to this session and was put back" in desk.state.text
    assert desk.new_requests == [Propagate()]
    desk.answer(update(1, 1))
    assert binding.labels.data.any()


def test_all_layers_of_ours_removed_together_end_the_session(desk, qapp) -> None:
    desk.open()
    for layer in desk.binding.layers[1:]:
        desk.viewer.layers.remove(layer)
    qapp.processEvents()
    assert desk.binding is None
    assert desk.state.text == "The layers of this session were removed."
    assert len(desk.viewer.layers) == 1


def test_other_layers_may_come_and_go(desk) -> None:
    desk.open()
    other = desk.viewer.add_image(np.zeros((3, 3)))
    desk.viewer.layers.remove(other)
    desk.binding.image.name = desk.binding.labels.name = "renamed"
    desk.viewer.layers.move(0, 3)
    assert desk.binding is not None


def test_image_with_new_data_ends_the_session(desk) -> None:
    image = desk.open()
    image.data = np.ones((5, 10, 12))
    assert desk.binding is None
    assert desk.state.text == "The data of cells changed; start again."


def test_labels_with_new_data_of_the_same_shape_are_used(desk) -> None:
    desk.open()
    desk.binding.labels.data = np.zeros((5, 10, 12), dtype=np.int32)
    desk.controller.undo()
    desk.answer(update(1, revision=1))
    assert desk.binding.labels.data.sum() == 4
    read_only = np.zeros((5, 10, 12), dtype=np.int32)
    read_only.flags.writeable = False
    desk.binding.labels.data = read_only
    assert desk.binding is None


def test_labels_of_another_shape_end_the_session(desk) -> None:
    desk.open()
    desk.binding.labels.data = np.zeros((2, 10, 12), dtype=np.uint16)
    assert desk.binding is None
    assert "changed; start again" in desk.state.text


def test_new_object_is_the_next_after_all_that_were_used(desk) -> None:
    desk.open()
    desk.controller.new_object()
    assert desk.state.object_id == 1  # it has no click yet
    desk.controller.select(4)
    desk.binding.prompts.add((2, 3, 4))
    assert desk.new_requests[-1] == AddPoints(4, (A,))
    desk.controller.new_object()
    assert desk.state.object_id == 5
    desk.controller.select(2)
    desk.controller.new_object()
    assert desk.state.object_id == 5


def test_selected_object_is_what_the_next_click_speaks_of(desk) -> None:
    desk.open()
    desk.controller.select(6)
    desk.binding.prompts.add((2, 3, 4))
    assert desk.new_requests == [AddPoints(6, (A,))]
    assert desk.binding.labels.selected_label == 6
    assert desk.state.color == pytest.approx(tuple(desk.binding.labels.get_color(6)))


def test_colour_follows_the_colormap(desk) -> None:
    desk.open()
    before = desk.state.color
    desk.binding.labels.new_colormap(seed=5)
    assert desk.state.color != before
    assert desk.state.color == pytest.approx(tuple(desk.binding.labels.get_color(1)))


def test_redo_is_asked_for(desk) -> None:
    desk.controller.redo()  # nothing is open
    desk.open()
    desk.controller.redo()
    assert desk.new_requests == [Redo()]


def test_finish_keeps_the_layers_and_lets_go_of_them(desk) -> None:
    desk.open()
    prompts = desk.binding.prompts
    desk.controller.finish()
    assert (desk.state.phase, len(desk.viewer.layers)) == (Phase.IDLE, 4)
    assert str(prompts.mode) == "pan_zoom"
    assert not prompts.keymap
    n_requests = len(desk.requests)
    prompts.add((2, 3, 4))
    assert len(desk.requests) == n_requests
    image = desk.viewer.layers[0]
    desk.controller.start(image, ModelPick("nano"), 0, None)
    desk.answer(Opened())
    assert len(desk.viewer.layers) == 7


def test_close_takes_every_connection_back(desk) -> None:
    desk.open()
    assert n_ours(desk.viewer.layers.events) > 0
    image, labels, prompts, shapes = desk.binding.layers
    assert n_ours(image.events) > 0
    assert n_ours(prompts.events) > 0
    desk.controller.propagate()
    desk.controller.close()
    desk.controller.close()
    desk.worker.close.assert_called_with()
    assert not desk.viewer.keymap
    for layer in (image, labels, prompts, shapes):
        assert n_ours(layer.events) == 0
        assert not layer.keymap
        assert not [c for c in layer.mouse_drag_callbacks if "napari_sam2" in c.__module__]
    assert not desk.viewer.mouse_move_callbacks
    assert n_ours(desk.viewer.layers.events) == n_ours(desk.viewer.dims.events) == 0
    assert n_ours(desk.viewer.layers.selection.events) == 0
    shown = desk.view.show_state.call_count
    desk.answer(update(1, 1))
    desk.viewer.layers.clear()
    assert desk.view.show_state.call_count == shown


def n_ours(events) -> int:
    """Count the callbacks of an emitter group that are ours."""
    count = 0
    for emitter in events.emitters.values():
        for callback in emitter.callbacks:
            function = callback[0]() if isinstance(callback, tuple) else callback
            module = getattr(type(function), "__module__", "")
            if module in ("builtins", ""):
                module = getattr(function, "__module__", "")
            count += str(module).startswith("napari_sam2")
    return count
