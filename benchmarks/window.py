"""The feel of the window, measured through the window: a real napari, real mouse events, the bundled model.

    xvfb-run -a -s "-screen 0 1366x1024x24" python benchmarks/window.py      # without a screen; else leave xvfb-run out

Three questions: how long from the press of the mouse until the mask is in the layer; how long the GUI thread stalls while
objects are propagated; how fast a propagation is with the window open, beside the same without one, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_MS = 2
REST_S = 0.4  # a hand that aims
WINDOWS = {"whole plane, encoded": None, "window of 128 pixels": 128}


class Stalls:
    """How late the event loop is for its next tick, in milliseconds."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.late_ms: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._last = 0.0

    def start(self) -> None:
        self.late_ms.clear()
        self._last = time.perf_counter()
        self._timer.start(TICK_MS)

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, 1000 * (now - self._last) - TICK_MS))
        self._last = now


class Desk:
    """A viewer with the widget on the sample."""

    def __init__(self, side: int) -> None:
        import napari

        from napari_sam2._napari.widget import SegmentWidget
        from napari_sam2.synthetic import draw_stack

        self.movie = draw_stack(3, shape=(24, side, side))
        self.truth = self.movie.labels
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1300, 900)
        self.frame = len(self.truth) // 2
        self.open_image()
        self.widget = SegmentWidget(self.viewer)
        self.viewer.window.add_dock_widget(self.widget, name="SAM 2", area="right")
        self.widget.follows.click()

    @property
    def controller(self) -> Any:
        return self.widget.controller

    def open_image(self) -> None:
        self.image = self.viewer.add_image(self.movie.image, name="nuclei")
        self.viewer.dims.set_current_step(0, self.frame)

    def start(self, side: int | None) -> None:
        self.widget.setup.window_side.setValue(side or 0)
        self.widget.start.click()
        self.wait(lambda: self.controller.binding is not None and not self.controller.is_waiting)
        self.viewer.reset_view()

    def finish(self) -> None:
        self.widget.start.click()
        self.viewer.layers.clear()
        self.open_image()

    def wait_for_encoding(self) -> None:
        def is_done() -> bool:
            encoded = self.controller.state.encoded
            return encoded is not None and encoded.done == encoded.total

        self.wait(is_done)

    def rest(self, place: tuple[float, float]) -> None:
        """Move the mouse over a pixel of the image, and wait for the ghost there."""
        from qtpy.QtTest import QTest

        ghost = self.controller.bench.ghost
        where = self.on_canvas(place)
        ghost.forget()
        for offset in (3, 0):  # napari hears of a move only if there is one
            QTest.mouseMove(self.canvas, where + type(where)(offset, offset))
            self.pause(REST_S / 2)
        self.wait(lambda: ghost.is_shown)

    def pause(self, seconds: float) -> None:
        """Let the window go on for a while."""
        end = time.perf_counter() + seconds
        self.wait(lambda: time.perf_counter() > end)

    def press(self, place: tuple[float, float]) -> None:
        """Press and release the left button over a pixel of the image."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        left, alone = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(self.canvas, left, alone, self.on_canvas(place))

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def on_canvas(self, place: tuple[float, float]) -> Any:
        """Find a pixel of the image on the canvas."""
        from qtpy.QtCore import QPoint

        canvas, camera = self.canvas, getattr(self.viewer, "scene", self.viewer).camera
        world = np.array(self.image.data_to_world((self.frame, *place))[1:])
        dy, dx = (world - np.array(camera.center[-2:])) * camera.zoom
        return QPoint(round(canvas.width() / 2 + dx), round(canvas.height() / 2 + dy))

    def watch_painting(self) -> list[float]:
        """Return a list that gets the time at which a mask is in the layer's data."""
        binding, painted = self.controller.binding, []
        paint = type(binding).paint

        def watched(update: Any) -> None:
            before = binding.labels.data[self.frame].copy()
            paint(binding, update)
            if (binding.labels.data[self.frame] != before).any():
                painted.append(time.perf_counter())

        binding.paint = watched
        return painted

    def wait(self, condition: Callable[[], object]) -> None:
        from qtpy.QtCore import QEventLoop, QTimer
        from qtpy.QtWidgets import QApplication

        alarm = QTimer()  # the loop sleeps between events, as that of an application
        alarm.start(TICK_MS)
        while not condition():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        alarm.stop()

    def sleep_until(self, condition: Callable[[], object]) -> None:
        """Wait as an application does, without a timer; the condition is looked at whenever the worker has finished."""
        from qtpy.QtCore import QEventLoop

        loop = QEventLoop()

        def look(_number: int) -> None:
            if condition():
                loop.quit()

        self.controller.worker.finished.connect(look)
        loop.exec()
        self.controller.worker.finished.disconnect(look)

    def close(self) -> None:
        worker = self.controller.worker
        self.viewer.window.remove_dock_widget(self.widget)
        self.viewer.close()
        worker.wait(30)


def middles(truth: np.ndarray, frame: int) -> list[tuple[float, float]]:
    """A place inside of each object of a frame."""
    from napari_sam2.evaluation.user import deepest_point

    return [deepest_point(truth[frame] == i) for i in np.unique(truth[frame]) if i]


def click_to_mask(desk: Desk, side: int | None, n_clicks: int, rests: bool) -> list[float]:
    """Milliseconds from the press until the object has pixels in the layer, each click a new object.

    Where the mouse ``rests`` first, as a hand that aims does, the ghost was there before the press.
    """
    desk.start(side)
    if side is None:
        desk.wait_for_encoding()
    taken: list[float] = []
    places = middles(desk.truth, desk.frame)
    for n in range(n_clicks + 2):
        place = places[n % len(places)]
        desk.wait(lambda: not desk.controller.is_waiting)
        if rests:
            desk.rest(place)
        painted = desk.watch_painting()
        start = time.perf_counter()
        desk.press(place)
        desk.wait(lambda: painted)  # noqa: B023 - used at once
        taken.append(1000 * (painted[0] - start))
        desk.wait(lambda: not desk.controller.is_waiting)
        desk.widget.undo.click()
        desk.wait(lambda: not desk.controller.is_waiting)
    desk.finish()
    return taken[2:]  # the first ones compile and load


def propagate_in_window(
    desk: Desk, side: int | None, n_objects: int, stalls: Stalls | None = None
) -> float:
    """Seconds of a propagation of some objects; the timer of stalls costs time itself."""
    from napari_sam2._napari.state import Phase

    desk.start(side)
    for n, place in enumerate(middles(desk.truth, desk.frame)[:n_objects]):
        if n:
            desk.widget.new_object.click()
        desk.press(place)
        desk.wait(lambda: not desk.controller.is_waiting)
    if side is None:
        desk.wait_for_encoding()
    if stalls is not None:
        stalls.start()
    start = time.perf_counter()
    desk.widget.propagate.click()
    desk.sleep_until(lambda: desk.controller.state.phase is not Phase.RUNNING)
    seconds = time.perf_counter() - start
    if stalls is not None:
        stalls.stop()
    desk.finish()
    return seconds


def propagate_headless(desk: Desk, side: int | None, n_objects: int) -> float:
    """Seconds of the same propagation without a window, written to a journal as in the window."""
    import napari_sam2 as sam2

    session = sam2.Session(
        np.asarray(desk.image.data),
        sam2.load_model("nano"),
        window_side=side,
        window_diameters=3.0,
        drops_islands=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        session.start_journal(Path(folder) / "journal")
        for n, place in enumerate(middles(desk.truth, desk.frame)[:n_objects]):
            session.add_prompt(n + 1, sam2.Point(desk.frame, place))
        if side is None:
            for frame in range(session.n_frames):
                session.encode(frame)
        start = time.perf_counter()
        for _ in session.propagate():
            pass
        seconds = time.perf_counter() - start
        session.stop_journal()
    return seconds


def measure(
    desk: Desk, side: int | None, n_clicks: int, n_turns: int, n_objects: int
) -> dict[str, Any]:
    """Answer the three questions for one way to look at the plane."""
    clicks = click_to_mask(desk, side, n_clicks, rests=True)
    sudden = click_to_mask(desk, side, n_clicks, rests=False)
    window, headless, stalls = [], [], Stalls()
    for _ in range(n_turns):
        headless.append(propagate_headless(desk, side, n_objects))
        window.append(propagate_in_window(desk, side, n_objects))
    propagate_in_window(desk, side, n_objects, stalls)
    return {
        "click_ms": clicks,
        "sudden_click_ms": sudden,
        "window_s": window,
        "headless_s": headless,
        "late_ms": [float(np.percentile(stalls.late_ms, p)) for p in (50, 90, 99, 100)],
    }


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({np.percentile(values, 90):.0f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--objects", type=int, default=4)
    parser.add_argument("--side", type=int, default=512, help="of a plane, in pixels")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NAPARI_SAM2_HOME"] = home  # the user's own work is left alone
        desk = Desk(options.side)
        found = {
            name: measure(desk, side, options.clicks, options.turns, options.objects)
            for name, side in WINDOWS.items()
        }
        desk.close()
    table = Table(
        title=f"{'x'.join(map(str, desk.image.data.shape))}, {options.objects} objects, nano"
    )
    for title in (
        "the model sees",
        "click to mask, median (90 %), ms",
        "the same without aiming, ms",
        "event loop late, 50, 90, 99, 100 %, ms",
        "propagation with window / without, s",
        "speed of headless",
    ):
        table.add_column(title)
    for name, row in found.items():
        window, headless = (statistics.median(row[key]) for key in ("window_s", "headless_s"))
        table.add_row(
            name,
            *(_spread(row[key]) for key in ("click_ms", "sudden_click_ms")),
            ", ".join(f"{value:.0f}" for value in row["late_ms"]),
            f"{window:.2f} / {headless:.2f}",
            f"{100 * headless / window:.0f} %",
        )
    Console(width=150).print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
