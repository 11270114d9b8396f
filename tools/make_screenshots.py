"""Make docs/screenshots/*.png from the real window: the sample, real clicks of the mouse, the bundled model.

    python tools/make_screenshots.py [FOLDER]

Without a display it runs itself under xvfb-run (tools/system_libraries.py installs it).
"""

from __future__ import annotations

import sys
from pathlib import Path

from tour import FOLDER, Tour, places_to_click, run_with_a_screen

SIZE = (1366, 768)
N_OBJECTS = 6


def main(folder: Path) -> None:
    """Make all pictures."""
    run_with_a_screen()
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("dark", "light"):
        Pictures(theme, folder).run()


class Pictures(Tour):
    """What a first user does, with a picture at every stop."""

    def __init__(self, theme: str, folder: Path) -> None:
        super().__init__(theme, SIZE)
        self.theme, self.folder = theme, folder

    def run(self) -> None:
        """Go through all stops and close the window."""
        self.shoot("1-open")
        self.shoot_models("6-model")
        self.widget.follows.click()  # the pictures show one step after the other
        self.widget.start.click()
        self.settle()
        self.viewer.reset_view()
        for n, place in enumerate(places_to_click(self.truth, self.frame, N_OBJECTS)):
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
        self.look_in_3d()
        self.shoot("5-volume")
        self.close()

    def shoot_models(self, name: str) -> None:
        """Take a picture of what there is to know about a model."""
        row = self.widget.setup.model
        row.open_dialog()
        picker = row.dialog.picker
        self.wait(lambda: picker.facts is not None)
        picker.model.setCurrentIndex(picker.model.findText("sam2.1_hiera_tiny"))
        self.wait(lambda: picker.speed.text() != "not known yet")
        self.pause(0.5)
        row.dialog.grab().save(str(self.folder / f"{name}-{self.theme}.png"))
        picker.model.setCurrentIndex(0)
        row.dialog.hide()

    def shoot(self, name: str) -> None:
        """Take a picture of the whole window."""
        path = self.folder / f"{name}-{self.theme}.png"
        self.pause(0.5)
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        print(path, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
