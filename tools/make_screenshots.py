"""Take the pictures in docs/screenshots from the real window with the bundled model.

    xvfb-run -a -s "-screen 0 1366x1024x24" python tools/make_screenshots.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_sam2._napari.state import Phase
from napari_sam2._napari.widget import SegmentWidget
from napari_sam2.synthetic import draw_stack

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
SIZE = (1366, 768)


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Let the window live until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there; look at it with a screen.")
        QApplication.processEvents()
        time.sleep(0.01)


def click(viewer: Any, yx: tuple[float, float]) -> None:
    """Click on the canvas with the mouse."""
    canvas = viewer.window._qt_viewer.canvas.native
    camera = getattr(viewer, "scene", viewer).camera
    dy, dx = (np.asarray(yx) - np.asarray(camera.center[-2:])) * camera.zoom
    place = QPoint(round(canvas.width() / 2 + dx), round(canvas.height() / 2 + dy))
    none = Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, none, place)


def shoot(viewer: Any, name: str) -> None:
    """Write one picture."""
    for _ in range(20):
        QApplication.processEvents()
        time.sleep(0.02)
    viewer.screenshot(str(FOLDER / f"{name}.png"), canvas_only=False, flash=False)


def main() -> None:
    """Click three nuclei of a synthetic stack and propagate them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    movie = draw_stack(3, shape=(24, 128, 128))
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(*SIZE)
    viewer.add_image(movie.image, name="nuclei")
    widget = SegmentWidget(viewer)
    viewer.window.add_dock_widget(widget, name="SAM 2", area="right")
    viewer.dims.set_current_step(0, 12)
    shoot(viewer, "opened")
    widget.start.click()
    wait_for(lambda: widget.controller.state.phase is Phase.READY)
    plane = movie.labels[12]
    areas = np.bincount(plane.ravel())
    areas[0] = 0
    for label in np.argsort(areas)[::-1][:3]:
        depth = ndimage.distance_transform_edt(np.pad(plane == label, 1))[1:-1, 1:-1]
        click(viewer, np.unravel_index(int(depth.argmax()), depth.shape))
        wait_for(lambda: not widget.controller._waiting)
        widget.new_object.click()
    shoot(viewer, "clicked")
    widget.propagate.click()
    wait_for(lambda: not widget.controller._waiting)
    viewer.dims.set_current_step(0, 14)
    shoot(viewer, "propagated")
    viewer.theme = "light"
    shoot(viewer, "light")
    viewer.close()


if __name__ == "__main__":
    main()
