"""A first user's tour through the real window, for pictures: the sample, real clicks of the mouse, the bundled model."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"

_PATIENCE_S = 600.0


def run_with_a_screen() -> None:
    """Without a display, begin this program again under xvfb-run; end it if there is none."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        raise SystemExit(
            "There is no display, and no xvfb-run; run: python tools/system_libraries.py"
        )
    screen = "-screen 0 1920x1200x24"
    os.execv(xvfb, [xvfb, "-a", "-s", screen, sys.executable, *sys.argv])


def places_to_click(labels: np.ndarray, frame: int, n: int) -> list[tuple[float, float]]:
    """Choose the middles of the largest objects of a plane, (y, x) in pixels."""
    from scipy.ndimage import distance_transform_edt

    plane = np.pad(labels[frame], 1)
    ids, areas = np.unique(plane[plane > 0], return_counts=True)
    places = []
    for object_id in ids[np.argsort(areas)[::-1]][:n]:
        depth = distance_transform_edt(plane == object_id)
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        places.append((float(y - 1), float(x - 1)))
    return places


class Tour:
    """A window with the widget on the sample, and hands to use it.

    Parameters
    ----------
    theme : {"dark", "light"}
        Of napari.
    size : tuple of int
        (width, height) of the window.
    """

    def __init__(self, theme: str, size: tuple[int, int]) -> None:
        import napari
        from napari.settings import get_settings

        from napari_sam2._napari.samples import nuclei_movie

        # what a tour does is not offered to the user as unsaved work, nor to the next tour
        os.environ["NAPARI_SAM2_HOME"] = tempfile.mkdtemp(prefix="napari-sam2-tour-")
        settings = get_settings()
        settings.appearance.theme = theme
        settings.application.confirm_close_window = False
        self.truth = nuclei_movie().labels
        self.frame = len(self.truth) // 2
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(*size)
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-sam2", "SAM 2")
        (self.image,) = self.viewer.open_sample("napari-sam2", "nuclei_stack")
        self.viewer.dims.set_current_step(0, self.frame)
        self.wait(lambda: self.widget.setup.model.is_complete)

    def close(self) -> None:
        """Close the window."""
        self.viewer.window.remove_dock_widget(self.widget)
        self.viewer.close()

    def on_canvas(self, place: tuple[float, float]) -> tuple[int, int]:
        """Find a pixel of the image on the canvas, (x, y)."""
        canvas: Any = self.viewer.window._qt_viewer.canvas.native
        camera = self.camera
        world = np.array(self.image.data_to_world((self.frame, *place))[1:])
        dy, dx = (world - np.array(camera.center[-2:])) * camera.zoom
        return round(canvas.width() / 2 + dx), round(canvas.height() / 2 + dy)

    @property
    def camera(self) -> Any:
        """Of the viewer, in napari 0.9 and before."""
        return getattr(self.viewer, "scene", self.viewer).camera

    def look_in_3d(self) -> None:
        """Turn to the 3-D view, from the side."""
        self.viewer.dims.ndisplay = 3
        self.viewer.reset_view()
        self.camera.angles = (0, -35, 55)
        self.camera.zoom *= 0.85

    def click(self, place: tuple[float, float], settle: bool = True) -> None:
        """Click on a pixel of the image with the mouse."""
        from qtpy.QtCore import QPoint, Qt
        from qtpy.QtTest import QTest

        canvas: Any = self.viewer.window._qt_viewer.canvas.native
        where = QPoint(*self.on_canvas(place))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
        if settle:
            self.settle()

    def settle(self) -> None:
        """Wait until the worker has nothing to do."""
        self.wait(lambda: not self.widget.controller.is_waiting)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let the window live until something is true."""
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"nothing came for {_PATIENCE_S:.0f} s; see the messages above.")
            QApplication.processEvents()
            time.sleep(0.01)

    def pause(self, seconds: float) -> None:
        """Let the window live for a while, until everything is drawn."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)
