"""Whether confidence finds the wrong masks: one click per object of stacks that are drawn, carried, and compared with the truth.

    python benchmarks/confidence.py

The chance that a wrong mask (IoU under 0.5) is ranked below a right one, AUC, for confidence and for each of its signs alone; the
numbers in docs/confidence.md come from here. Nothing that is drawn here was trained on.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

import napari_sam2 as sam2
from napari_sam2.engine.confidence import area_ratio
from napari_sam2.evaluation.measures import iou
from napari_sam2.evaluation.user import first_click
from napari_sam2.synthetic import draw_stack, draw_timelapse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sam2.synthetic import Movie

FRAMES, SIDE = 16, 128
WRONG = 0.5
SMALLEST = 30
"""Pixels that an object has at least where it is clicked."""
FIRST_SEED = 70_000


def movies(count: int) -> Iterator[Movie]:
    """Draw stacks and time-lapses of nuclei, so many of each."""
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        yield draw_stack(seed, shape=(FRAMES, SIDE, SIDE))
        yield draw_timelapse(seed, shape=(FRAMES, SIDE, SIDE))


def tracked(movie: Movie, model: sam2.SAM2) -> Iterator[tuple[dict[str, float], bool]]:
    """Yield the signs of every tracked mask, and whether it is right."""
    session = sam2.Session(
        movie.image, model, window_side=SIDE, window_diameters=3.0, drops_islands=True
    )
    middle = FRAMES // 2
    for label in np.unique(movie.labels[middle]):
        inside = movie.labels[middle] == label
        if label and inside.sum() >= SMALLEST:
            session.add_prompt(int(label), first_click(inside, middle))
    for _ in session.propagate():
        pass
    for label in session.object_ids:
        scores, confidence = session.scores(label), session.confidence(label)
        signs = {
            "object score alone": scores.object_score,
            "overlap alone": scores.overlap,
            "IoU estimate alone": scores.iou_score,
            "stability alone": scores.stability_score,
            "area ratio alone": area_ratio(scores),
        }
        for row, frame in enumerate(scores.frame.tolist()):
            if scores.prompted[row] or not scores.area[row]:
                continue
            right = iou(session.mask(label, frame), movie.labels[frame] == label) >= WRONG
            yield {"confidence": confidence[frame]} | {k: v[row] for k, v in signs.items()}, right


def auc(values: np.ndarray, right: np.ndarray) -> float:
    """Return the chance that a wrong one is ranked below a right one; ties count half, and what is not known counts as perfect."""
    values = np.where(np.isnan(values), np.inf, values)
    good, bad = values[right][:, None], values[~right][None]
    return float(np.mean((good > bad) + 0.5 * (good == bad)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--movies", type=int, default=4, help="stacks, and as many time-lapses")
    parser.add_argument("--model", default="nano")
    options = parser.parse_args()
    model = sam2.load_model(options.model)
    found = [pair for movie in movies(options.movies) for pair in tracked(movie, model)]
    right = np.array([ok for _, ok in found])
    print(
        f"{len(found)} tracked masks, {100 * np.mean(~right):.0f} % wrong\n\n| | AUC |\n|---|---|"
    )
    for name in found[0][0]:
        print(f"| {name} | {auc(np.array([signs[name] for signs, _ in found]), right):.2f} |")


if __name__ == "__main__":
    main()
