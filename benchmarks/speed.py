"""Frames a second of one object carried through a drawn stack, without a window: the goal of `nano` is 10 at 512 x 512.

    python benchmarks/speed.py

The numbers in docs/nano.md come from here.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import napari_sam2 as sam2
from napari_sam2.evaluation.user import first_click
from napari_sam2.synthetic import draw_stack

WAYS = {
    "window of 128 pixels, fitted": (128, False),
    "whole planes": (None, False),
    "whole planes, encoded before": (None, True),
}


def frames_a_second(
    image: np.ndarray, model: sam2.SAM2, click: sam2.Point, side: int | None, ahead: bool
) -> float:
    """Carry one object to all frames."""
    session = sam2.Session(
        image,
        model,
        window_side=side,
        window_diameters=3.0 if side else 0.0,
        drops_islands=True,
    )
    session.add_prompt(1, click)
    if ahead:
        for frame in range(session.n_frames):
            session.encode(frame)
    begin = time.perf_counter()
    for _ in session.propagate():
        pass
    return (session.n_frames - 1) / (time.perf_counter() - begin)


def main() -> None:
    """Measure in turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--side", type=int, default=512, help="of a plane, in pixels")
    options = parser.parse_args()
    movie = draw_stack(3, shape=(24, options.side, options.side))
    frame = len(movie.labels) // 2
    first = next(label for label in np.unique(movie.labels[frame]) if label)
    click = first_click(movie.labels[frame] == first, frame)
    model = sam2.load_model("nano")
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(options.turns):
        for name, (side, ahead) in WAYS.items():
            found[name].append(frames_a_second(movie.image, model, click, side, ahead))
    for name, rates in found.items():
        print(f"{name}: {statistics.median(rates):.1f} frames a second")


if __name__ == "__main__":
    main()
