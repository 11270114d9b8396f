"""A real window, a real session, and a network with random weights: its masks mean nothing, but are always the same."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
import pytest
import torch
from app_model import Application
from napari._app_model._app import NapariApplication, _napari_names
from napari._qt._qapp_model.qactions import init_qactions
from napari._qt.qt_viewer import QtViewer
from napari.plugins import _initialize_plugins
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QObject, QPoint, Qt

from napari_sam2 import Point, Session
from napari_sam2._napari.backend import Backend
from napari_sam2._napari.messages import ModelChoice
from napari_sam2._napari.state import Phase
from napari_sam2._napari.widget import SegmentWidget
from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari import Viewer

WAIT_MS = 60_000


@pytest.fixture(autouse=True)
def _own_folder(tmp_path_factory, monkeypatch) -> None:
    """What a window keeps for its user stays out of this user's home."""
    monkeypatch.setenv("NAPARI_SAM2_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def net() -> SAM2:
    """A small network with random weights that finds its object everywhere."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SAM2(CONFIGS["nano"]).eval().requires_grad_(False)
    network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(10.0)
    return network


@pytest.fixture
def backend(net: SAM2) -> Backend:
    """A backend that has the network at once; the second model would have to be downloaded."""
    models = (
        ModelChoice("nano", "nano (bundled)"),
        ModelChoice("big", "big (needs download, 156 MB)", "Slow.", "Download 156 MB?"),
    )
    return Backend(
        list_models=lambda: models,
        load_model=lambda _name, _report: net,
        encodes_ahead=False,  # half a second a plane that most tests do not need
        keeps_work=False,  # nothing of a test is found by the next one
    )


@pytest.fixture
def stack() -> np.ndarray:
    """Five frames with a bright disc that wanders to the right."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 50, (5, 40, 48)).astype(np.uint8)
    rows, columns = np.mgrid[:40, :48]
    for frame in range(5):
        image[frame][(rows - 20) ** 2 + (columns - 20 - 2 * frame) ** 2 < 64] += 180
    return image


class GatedSession(Session):
    """A session whose propagation waits at a gate before it gives an update out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = threading.Semaphore(0)
        self.waits = threading.Event()

    def propagate(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        run = super().propagate(*args, **kwargs)
        try:
            for update in run:
                self.waits.set()
                assert self.gate.acquire(timeout=30), "nobody opened the gate"
                yield update
        finally:
            run.close()

    def let_through(self, n: int = 1000) -> None:
        """Open the gate for so many updates."""
        self.waits.clear()
        self.gate.release(n)


@pytest.fixture
def gated(backend: Backend) -> Iterator[tuple[Backend, list[GatedSession]]]:
    """A backend whose sessions are gated, and the sessions it has made."""
    made: list[GatedSession] = []

    def open_session(request: Any, model: Any) -> Session:
        session = backend.open_session(request, model)
        made.append(
            GatedSession(session.stack, session.model, session.intensity, drops_islands=True)
        )
        return made[-1]

    yield replace(backend, open_session=open_session), made
    for session in made:
        session.let_through()


class Window:
    """A viewer with the widget docked, and hands to use it."""

    def __init__(self, viewer: Viewer, widget: SegmentWidget, qtbot: Any) -> None:
        self.viewer = viewer
        self.widget = widget
        self.qtbot = qtbot

    @property
    def controller(self) -> Any:
        return self.widget.controller

    @property
    def phase(self) -> Phase:
        return self.controller.state.phase

    @property
    def prompts(self) -> Any:
        return self.controller.binding.prompts

    @property
    def layer(self) -> Any:
        return self.controller.binding.labels

    @property
    def labels(self) -> np.ndarray:
        return self.layer.data

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    @property
    def shapes(self) -> Any:
        return self.controller.binding.shapes

    @property
    def state(self) -> Any:
        return self.controller.state

    def start(self, follows: bool = False) -> Window:
        """Press Start and wait until clicks are taken; what follows by itself only does if it is the matter of a test."""
        if self.widget.follows.isChecked() != follows:
            self.widget.follows.click()
        self.widget.start.click()
        self.wait(lambda: self.phase is Phase.READY)
        self.settle()
        return self

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def settle(self) -> None:
        """Wait until the worker has served everything."""
        self.wait(lambda: not self.controller.is_waiting)

    def go_to(self, frame: int) -> Window:
        self.viewer.dims.set_current_step(0, frame)
        return self

    def click(
        self,
        world_yx: tuple[float, float],
        modifier: Any = Qt.KeyboardModifier.NoModifier,
        button: Any = Qt.MouseButton.LeftButton,
        settle: bool = True,
    ) -> None:
        """Click on the canvas at a place in the world, with the mouse, and wait for what follows."""
        self.qtbot.mouseClick(self.canvas, button, modifier, self.on_canvas(world_yx))
        if settle:
            self.settle()

    def drag(
        self,
        start_yx: tuple[float, float],
        *path_yx: tuple[float, float],
        modifier: Any = Qt.KeyboardModifier.NoModifier,
        settle: bool = True,
    ) -> None:
        """Drag with the left button along a path."""
        start, ends = self.on_canvas(start_yx), [self.on_canvas(each) for each in path_yx]
        left = Qt.MouseButton.LeftButton
        self.qtbot.mouseMove(self.canvas, start)
        self.qtbot.wait(20)
        self.qtbot.mousePress(self.canvas, left, modifier, start)
        for a, b in zip([start, *ends], ends, strict=False):
            for step in (0.3, 0.6, 1.0):
                _move_pressed(self.canvas, a + (b - a) * step, modifier)
                self.qtbot.wait(12)  # napari takes a move every 5 ms
        self.qtbot.mouseRelease(self.canvas, left, modifier, ends[-1])
        if settle:
            self.settle()

    def hover(self, world_yx: tuple[float, float]) -> None:
        """Move the mouse to a place in the world."""
        self.qtbot.mouseMove(self.canvas, self.on_canvas(world_yx) + QPoint(2, 2))
        self.qtbot.wait(10)
        self.qtbot.mouseMove(self.canvas, self.on_canvas(world_yx))
        self.qtbot.wait(10)

    def press_leave(self) -> None:
        """Move the mouse off the canvas."""
        from qtpy.QtCore import QEvent
        from qtpy.QtWidgets import QApplication

        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.Leave))

    def on_canvas(self, world_yx: tuple[float, float]) -> QPoint:
        """Find a place in the world on the canvas, in its pixels."""
        camera = getattr(self.viewer, "scene", self.viewer).camera  # napari 0.9, and before
        dy, dx = (np.asarray(world_yx) - np.asarray(camera.center[-2:])) * camera.zoom
        return QPoint(round(self.canvas.width() / 2 + dx), round(self.canvas.height() / 2 + dy))

    def press(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key while the canvas has the focus."""
        self.qtbot.keyClick(self.canvas, key, modifier)


def _move_pressed(
    canvas: Any, place: QPoint, modifier: Any = Qt.KeyboardModifier.NoModifier
) -> None:
    """Move the mouse with the left button down; QTest's move has no button."""
    from qtpy.QtCore import QEvent, QPointF
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(place),
        QPointF(canvas.mapToGlobal(place)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        modifier,
    )
    QApplication.sendEvent(canvas, event)


@pytest.fixture(scope="module")
def shared_viewer(qapp: Any) -> Iterator[Viewer]:
    """A real window for all tests of a file: to open one takes seconds."""
    with quiet_viewers() as make:
        viewer = make()
        viewer.window._qt_window.resize(1000, 760)
        yield viewer
        viewer.close()
        del viewer
        no_viewer_is_left(qapp)


@contextmanager
def quiet_viewers() -> Iterator[Callable[[], Viewer]]:
    """Windows without the thread of the status bar, which leave the user's settings alone.

    They have an application model of their own, as those of napari's `make_napari_viewer`: each registers all commands anew.
    """
    application = NapariApplication("tests of napari-sam2")
    application.injection_store.namespace = _napari_names
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NapariApplication, "get_app_model", lambda *_: application)
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", _ignore)
        patch.setattr(
            "napari._qt.qt_main_window._QtMainWindow._save_current_window_settings", _ignore
        )
        _forget_commands()
        yield lambda: napari.Viewer(show=True)
        Application.destroy("tests of napari-sam2")
        _forget_commands()


def _forget_commands() -> None:
    """Let napari register its commands in another application model."""
    _initialize_plugins.cache_clear()
    init_qactions.cache_clear()


def _ignore(*_: Any) -> None:
    pass


def no_viewer_is_left(qapp: Any) -> None:
    """Fails if something of ours holds on to a window that was closed."""
    for _ in range(3):
        qapp.processEvents()
        gc.collect()
    left = len(QtViewer._instances)
    QtViewer._instances.clear()
    assert not left, "something of ours holds on to the window"


@pytest.fixture
def open_window(
    shared_viewer: Viewer, backend: Backend, qtbot: Any
) -> Iterator[Callable[..., Window]]:
    """Show an image and the docked widget in the shared window."""
    opened: list[Window] = []

    def make(image: Any, backend: Backend = backend, **options: Any) -> Window:
        opened.append(make_window(shared_viewer, backend, qtbot, image, options))
        return opened[-1]

    yield make
    for window in opened:
        if window.widget.parent() is not None:
            shared_viewer.window.remove_dock_widget(window.widget)
        assert window.controller.worker.wait(30), "the worker's thread does not end"
        assert not shared_viewer.keymap
    shared_viewer.layers.clear()
    shared_viewer.dims.ndisplay = 2
    shared_viewer.dims.order = sorted(shared_viewer.dims.order)


def make_window(
    viewer: Viewer, backend: Backend, qtbot: Any, image: Any, options: dict[str, Any]
) -> Window:
    if image is not None:
        viewer.add_image(image, **options)
    widget = SegmentWidget(viewer, backend)
    viewer.window.add_dock_widget(widget, name="SAM 2", area="right")
    qtbot.wait(20)
    viewer.reset_view()
    return Window(viewer, widget, qtbot)


@pytest.fixture
def open_own_window(
    make_napari_viewer: Any, backend: Backend, qtbot: Any
) -> Iterator[Callable[..., Window]]:
    """Open a window that the test may close."""
    workers: list[Any] = []

    def make(image: Any, backend: Backend = backend, **options: Any) -> Window:
        viewer = make_napari_viewer(show=True)
        window = make_window(viewer, backend, qtbot, image, options)
        workers.append(window.controller.worker)
        return window

    yield make
    for worker in workers:
        worker.close()
        assert worker.wait(30), "the worker's thread does not end"


@pytest.fixture
def window_to_close(qtbot: Any) -> Iterator[Callable[[Any, Backend], Window]]:
    """Open a window that the test closes with its own button, as a user does."""
    with quiet_viewers() as make_viewer:
        yield lambda image, backend: make_window(make_viewer(), backend, qtbot, image, {})
    gc.collect()
    QtViewer._instances.clear()  # napari itself holds on to a window that was closed like this


@pytest.fixture
def caught(qtbot: Any) -> Iterator[None]:
    """Fails for exceptions in slots and events, which do not reach the test."""
    with qtbot.captureExceptions() as exceptions:
        yield
    assert exceptions == []


@pytest.fixture
def notices() -> Iterator[list[str]]:
    """What napari told the user during the test."""
    told: list[str] = []

    def hear(event: Any) -> None:
        told.append(event.message)

    notification_manager.notification_ready.connect(hear)
    yield told
    notification_manager.notification_ready.disconnect(hear)
    notification_manager.records.clear()


@pytest.fixture
def as_point() -> Callable[..., Point]:
    """Read a row of a prompts layer whose data are the image's data, without our code."""

    def read(prompts: Any, row: int = -1) -> Point:
        frame, y, x = prompts.data[row]
        positive = bool(prompts.features["positive"].iloc[row])
        return Point(round(frame), (round(float(y), 3), round(float(x), 3)), positive)

    return read


class EventCount(QObject):
    """How often a widget got one kind of event, from now on."""

    def __init__(self, widget, kind) -> None:
        super().__init__(widget)
        self.count, self._kind = 0, kind
        widget.installEventFilter(self)

    def eventFilter(self, _watched, event) -> bool:
        self.count += event.type() == self._kind
        return False


@pytest.fixture
def count_events():
    """Count events: takes a widget and their type, returns what has the ``count``."""
    return EventCount
