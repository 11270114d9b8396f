"""Shift a model's object score so that 0 separates present from absent objects on synthetic z-stacks.

The trainer sees few frames without the object, so its object score leans towards "present" and tracked objects do not end. This tracks
objects of synthetic nuclei stacks (never real ones) from one click on their middle slice, finds the threshold that keeps nearly all frames
with the object, and subtracts it from the bias of the object-score head.

    python tools/calibrate_object_score.py in.safetensors out.safetensors
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import napari_sam2 as sam2
from napari_sam2.evaluation.user import first_click
from napari_sam2.model.weights import save_weights
from napari_sam2.synthetic import draw_stack

SMALLEST = 30
"""Pixels that an object has at least where it is clicked."""


def tracked_scores(model, seed):
    """Return object scores and truth (is it there?) of tracked frames of one stack."""
    movie = draw_stack(seed, shape=(24, 128, 128))
    session = sam2.Session(movie.image, model, stop_rule=None)
    for label in np.unique(movie.labels[movie.labels > 0])[:8]:
        inside = movie.labels == label
        middle = int(np.median(np.flatnonzero(inside.any(axis=(1, 2)))))
        if inside[middle].sum() >= SMALLEST:
            session.add_prompt(int(label), first_click(inside[middle], middle))
    for _ in session.propagate():
        pass
    for label in session.object_ids:
        scores = session.scores(label)
        there = (movie.labels == label).any(axis=(1, 2))
        for frame, score, prompted in zip(
            scores.frame, scores.object_score, scores.prompted, strict=True
        ):
            if not prompted:
                yield score, there[frame]


def main() -> None:
    """Calibrate one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--stacks", type=int, default=2)
    parser.add_argument("--keep", type=float, default=0.9, help="share of present frames that stay")
    options = parser.parse_args()
    model = sam2.load_model(checkpoint=options.source)
    pairs = [p for seed in range(options.stacks) for p in tracked_scores(model, 90_000 + seed)]
    score, there = (np.array(column) for column in zip(*pairs, strict=True))
    best = float(np.floor(np.quantile(score[there], 1 - options.keep) * 10) / 10)
    print(
        f"{len(score)} frames, {(~there).sum()} without the object; shifted by {-best:.1f}:",
        end=" ",
    )
    print(f"{(score > best)[there].mean():.3f} of the present ones stay, ", end="")
    print(f"{(score <= best)[~there].mean():.3f} of the absent ones are seen (before: ", end="")
    print(f"{(score <= 0)[~there].mean():.3f})")
    with torch.no_grad():
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias -= best
    save_weights(model, options.target, metadata={"object_score_shift": f"{-best:.1f}"})


if __name__ == "__main__":
    main()
