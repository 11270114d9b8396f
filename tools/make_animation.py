"""Make docs/screenshots/one-click.webp from the real window: one click, every slice, the same in 3-D.

    python tools/make_animation.py [FILE]

Without a display it runs itself under xvfb-run (tools/system_libraries.py installs it).
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw
from tour import FOLDER, Tour, places_to_click, run_with_a_screen

SIZE = (1100, 700)
WIDTH = 880  # of the animation
FRAME_MS = 110
TURNS = 24
ARROW = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]


class Animation(Tour):
    """The story, frame by frame."""

    def __init__(self) -> None:
        super().__init__("dark", SIZE)
        self.frames: list[Image.Image] = []
        self.lasts: list[int] = []

    def run(self) -> None:
        """Tell it and close the window."""
        self.widget.start.click()
        self.settle()
        self.viewer.reset_view()
        first, second = places_to_click(self.truth, self.frame, 2)
        self.shoot(lasts=6, mouse=first)
        self.click_and_watch(first)
        self.leaf_through()
        self.widget.new_object.click()
        self.shoot(lasts=4, mouse=second)
        self.click_and_watch(second)
        self.leaf_through()
        self.look_in_3d()
        for turn in range(TURNS):
            self.camera.angles = (0, -35 + 360 * turn / TURNS, 55)
            self.shoot(wait_s=0.05)
        self.close()

    def click_and_watch(self, place: tuple[float, float]) -> None:
        """Click, and take pictures while the object is carried to the other slices."""
        labels = self.widget.controller.binding.labels
        before = labels.data[self.frame].copy()
        self.click(place, settle=False)
        self.wait(lambda: (labels.data[self.frame] != before).any())
        self.shoot(lasts=4, mouse=place, wait_s=0.06)
        while self.widget.controller.is_waiting:
            self.shoot(mouse=place, wait_s=0.15)
        self.shoot(lasts=3)

    def leaf_through(self) -> None:
        """Show every slice."""
        last = len(self.truth) - 1
        for frame in [*range(self.frame, last, 2), *range(last, 0, -2), *range(0, self.frame, 2)]:
            self.viewer.dims.set_current_step(0, frame)
            self.shoot(wait_s=0.05)
        self.viewer.dims.set_current_step(0, self.frame)

    def shoot(
        self, lasts: int = 1, mouse: tuple[float, float] | None = None, wait_s: float = 0.3
    ) -> None:
        """Take a frame of the whole window, with an arrow where the mouse is."""
        self.pause(wait_s)
        picture = Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False))
        picture = picture.convert("RGB")
        if mouse is not None:
            x, y = self.in_window(mouse)
            arrow = [(x + dx, y + dy) for dx, dy in ARROW]
            ImageDraw.Draw(picture).polygon(arrow, fill="white", outline="black")
        height = round(picture.height * WIDTH / picture.width)
        self.frames.append(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self.lasts.append(lasts * FRAME_MS)

    def in_window(self, place: tuple[float, float]) -> tuple[int, int]:
        """Find a pixel of the image in a picture of the window, (x, y)."""
        from qtpy.QtCore import QPoint

        window = self.viewer.window._qt_window
        canvas = self.viewer.window._qt_viewer.canvas.native
        where = canvas.mapTo(window, QPoint(*self.on_canvas(place)))
        return where.x(), where.y()


def main(file: Path) -> None:
    """Make the animation."""
    run_with_a_screen()
    animation = Animation()
    animation.run()
    first, *others = animation.frames
    first.save(
        file,
        save_all=True,
        append_images=others,
        duration=animation.lasts,
        loop=0,
        quality=55,
        method=6,
        minimize_size=True,
    )
    print(f"{file}: {len(animation.frames)} frames, {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / "one-click.webp")
