"""Calibrate a model's iou_score on synthetic planes that it was never trained on (never on real ones).

Objects are clicked as in docs/evaluation.md; a logistic map from what the model said to the real IoU is fitted on half of
them, judged on the other half, and, fitted on all, folded into the last layer of the IoU head.

    python tools/calibrate_iou_score.py in.safetensors out.safetensors
"""

import argparse
from pathlib import Path

import numpy as np

import napari_sam2 as sam2
from napari_sam2.learning import AnnotatedPlane, Showing
from napari_sam2.learning.calibration import expected_calibration_error, fit_map, fold_into
from napari_sam2.learning.examples import examples_of
from napari_sam2.learning.scoring import score
from napari_sam2.model.weights import save_weights
from napari_sam2.training.pool import draw_training_plane
from napari_sam2.training.validate import HELD_OUT

PER_PLANE = 4
"""Objects of a plane at most, so that crowded ones do not decide."""


def examples(planes: int, seed: int = 0):
    """Draw planes beyond those of training and of its validation, and some objects of each."""
    rng = np.random.default_rng(seed)
    for index in range(planes):
        image, labels = draw_training_plane(HELD_OUT + 100_000 + index)
        pixels = np.broadcast_to(np.moveaxis(image[0], 0, -1), (*labels.shape[1:], 3))
        plane = AnnotatedPlane(
            "synthetic", index, np.clip(pixels, 0, 1).astype(np.float32), labels[0], True
        )
        found = examples_of([plane])
        for i in rng.permutation(len(found))[:PER_PLANE]:
            yield found[i]


def main() -> None:
    """Calibrate one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--planes", type=int, default=60)
    options = parser.parse_args()
    model = sam2.load_model(checkpoint=options.source, device="cpu", precision="float32")
    seen = score(model, list(examples(options.planes)), Showing())
    half = np.arange(len(seen.ious)) % 2 == 0
    found = fit_map(seen.iou_scores[half], seen.ious[half])
    said, real = seen.iou_scores[~half], seen.ious[~half]
    print(
        f"{len(half)} objects; logit times {found.slope:.2f} plus {found.shift:.2f}; expected calibration error on the other half "
        f"{expected_calibration_error(said, real):.3f}, now {expected_calibration_error(found(said), real):.3f}"
    )
    fold_into(model, fit_map(seen.iou_scores, seen.ious))
    save_weights(
        model,
        options.target,
        metadata={"iou_score_calibration": f"{found.slope:.3f} {found.shift:.3f}"},
    )


if __name__ == "__main__":
    main()
