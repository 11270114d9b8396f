"""Make docs/screenshots/*.png from the real window: the sample, real clicks of the mouse, the bundled model.

    python tools/make_screenshots.py [FOLDER]

Without a display it runs itself under xvfb-run (tools/system_libraries.py installs it).
"""

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
SIZE = (1366, 768)
PATIENCE_S = 600.0
N_OBJECTS = 6


def main(folder: Path) -> int:
    """Make all pictures; the result is the exit code."""
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        xvfb = shutil.which("xvfb-run")
        if xvfb is None:
            print("There is no display, and no xvfb-run; run: python tools/system_libraries.py")
            return 2
        screen = "-screen 0 1920x1200x24"
        os.execv(xvfb, [xvfb, "-a", "-s", screen, sys.executable, __file__, str(folder)])
    folder.mkdir(parents=True, exist_ok=True)
    # what the tour does is not offered to the user as unsaved work, nor the other way round
    os.environ["NAPARI_SAM2_HOME"] = tempfile.mkdtemp(prefix="napari-sam2-tour-")
    for theme in ("dark", "light"):
        Tour(theme, folder).run()
    return 0


def places_to_click(labels: np.ndarray, frame: int) -> list[tuple[float, float]]:
    """Choose the middles of the largest objects of a plane, (y, x) in pixels."""
    from scipy.ndimage import distance_transform_edt

    plane = np.pad(labels[frame], 1)
    ids, areas = np.unique(plane[plane > 0], return_counts=True)
    places = []
    for object_id in ids[np.argsort(areas)[::-1]][:N_OBJECTS]:
        depth = distance_transform_edt(plane == object_id)
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        places.append((float(y - 1), float(x - 1)))
    return places


class Tour:
    """What a first user does, with a picture at every stop."""

    def __init__(self, theme: str, folder: Path) -> None:
        import napari
        from napari.settings import get_settings

        from napari_sam2._napari.samples import nuclei_movie

        settings = get_settings()
        settings.appearance.theme = theme
        settings.application.confirm_close_window = False
        self.theme, self.folder = theme, folder
        self.truth = nuclei_movie().labels
        self.frame = len(self.truth) // 2
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(*SIZE)

    def run(self) -> None:
        """Go through all stops and close the window."""
        _, self.widget = self.viewer.window.add_plugin_dock_widget("napari-sam2", "SAM 2")
        (self.image,) = self.viewer.open_sample("napari-sam2", "nuclei_stack")
        self.viewer.dims.set_current_step(0, self.frame)
        self.wait(lambda: self.widget.model.list.count() > 1)
        self.shoot("1-open")
        self.widget.follows.click()  # the pictures show one step after the other
        self.widget.start.click()
        self.settle()
        self.viewer.reset_view()
        for n, place in enumerate(places_to_click(self.truth, self.frame)):
            if n:
                self.widget.new_object.click()
            self.click(place)
            if n == 0:
                self.shoot("2-click")
        self.widget.propagate.click()
        self.wait(lambda: (p := self.widget.controller.state.progress) is not None and p.done >= 9)
        self.shoot("3-propagate")
        self.settle()
        self.viewer.dims.set_current_step(0, self.frame + 5)
        self.shoot("4-done")
        self.viewer.dims.ndisplay = 3
        self.viewer.reset_view()
        camera = getattr(self.viewer, "scene", self.viewer).camera
        camera.angles = (0, -35, 55)
        camera.zoom *= 0.85
        self.shoot("5-volume")
        self.viewer.window.remove_dock_widget(self.widget)
        self.viewer.close()

    def click(self, place: tuple[float, float]) -> None:
        """Click on a pixel of the image with the mouse."""
        from qtpy.QtCore import QPoint, Qt
        from qtpy.QtTest import QTest

        canvas: Any = self.viewer.window._qt_viewer.canvas.native
        camera = getattr(self.viewer, "scene", self.viewer).camera
        world = np.array(self.image.data_to_world((self.frame, *place))[1:])
        dy, dx = (world - np.array(camera.center[-2:])) * camera.zoom
        where = QPoint(round(canvas.width() / 2 + dx), round(canvas.height() / 2 + dy))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
        self.settle()

    def settle(self) -> None:
        """Wait until the worker has nothing to do."""
        self.wait(lambda: not self.widget.controller.is_waiting)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let the window live until something is true."""
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"nothing came for {PATIENCE_S:.0f} s; see the messages above.")
            QApplication.processEvents()
            time.sleep(0.01)

    def shoot(self, name: str) -> None:
        """Take a picture of the whole window."""
        path = self.folder / f"{name}-{self.theme}.png"
        end = time.monotonic() + 0.5
        self.wait(lambda: time.monotonic() > end)  # until everything is drawn
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        print(shown, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
