"""A look at real planes while a run goes on: one click per object, median IoU. Never used for training.

The click is the point farthest from the border, the window four median object diameters wide around it (moved to stay
inside the plane), resized to a square that the network sees.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.training.augment import normalise
from napari_sam2.training.clicks import deepest_point

__all__ = ["Row", "check", "real_planes", "score_plane"]

MIN_PIXELS = 20
MOST_OBJECTS = 40


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the objects of one plane."""

    name: str
    objects: int
    chosen: float
    best_of_three: float
    object_score: float

    def __str__(self) -> str:
        """Format as one line."""
        return (
            f"{self.name:16s} {self.objects:3d} objects  chosen {self.chosen:.3f}  best of three "
            f"{self.best_of_three:.3f}  found {self.object_score:.2f}"
        )


def check(
    weights: dict[str, torch.Tensor], data: Path, side: int, model: str = "nano"
) -> Iterator[Row]:
    """Score weights on all planes found in ``data``; the last row is the mean of the medians."""
    net = SAM2(CONFIGS[model]).eval()
    net.load_state_dict(weights)
    rows = []
    for name, plane, labels in real_planes(data):
        rows.append(score_plane(net, name, plane, labels, side))
        yield rows[-1]
    means = np.mean([(r.chosen, r.best_of_three, r.object_score) for r in rows], 0)
    yield Row("mean", len(rows), *means.tolist())


def real_planes(data: Path) -> Iterator[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]:
    """Read planes and labels of the evaluation sets, where present."""
    from skimage.io import imread

    files = [
        ("embryo", "mouse_embryo_nuclei_3d/*_8cell.tif", 25),
        ("mitocheck", "mitocheck_hela_timelapse/*.tif", 0),
        ("fluo256", "dsb2018_nuclei_2d/*_fluo256.tif", None),
        ("fluo520", "dsb2018_nuclei_2d/*_fluo520.tif", None),
        ("migration", "cell_migration_nuclei_tracking/*.tif", 0),
        ("bright field", "dsb2018_nuclei_2d/*_brightfield1024.tif", None),
        ("histology", "dsb2018_nuclei_2d/*_histo256.tif", None),
        ("c2c12 phase", "c2c12_phase_timelapse/*.tif", 0),
        ("t98g phase", "t98g_phase_2d/*_set18.tif", None),
        ("ovule walls", "ovule_cells_3d/*.tif", 16),
        ("fib25 EM", "fib25_neurites_3d/*.tif", 112),
    ]
    for name, pattern, frame in files:
        image, labels = (
            [p for p in sorted(data.glob(pattern)) if p.name.startswith(kind)]
            for kind in ("image", "labels")
        )
        if image and labels:
            pair = (np.asarray(imread(image[0])), np.asarray(imread(labels[0])))
            plane, truth = pair if frame is None else (pair[0][frame], pair[1][frame])
            yield name, plane, truth


@torch.no_grad()
def score_plane(
    net: SAM2, name: str, plane: npt.NDArray[Any], labels: npt.NDArray[Any], side: int
) -> Row:
    """Click every object of a plane (some of them, if there are many) once."""
    low, high = np.percentile(plane, (0.5, 99.8)).astype(np.float32)
    grey = np.clip((plane.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1)
    rgb = grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, -1)
    image = torch.from_numpy(np.ascontiguousarray(np.moveaxis(rgb[..., :3], -1, 0)))
    area = np.bincount(labels.ravel())
    area[0] = 0
    ids = np.flatnonzero(area >= MIN_PIXELS)
    window = int(4 * np.median(2 * np.sqrt(area[ids] / np.pi)))
    window = min(window, *labels.shape)
    step = max(1, len(ids) // MOST_OBJECTS)
    rows = [_score_object(net, image, labels == i, window, side) for i in ids[::step]]
    chosen, best, score = np.array(rows).T
    return Row(
        name, len(rows), float(np.median(chosen)), float(np.median(best)), float((score > 0).mean())
    )


def _score_object(
    net: SAM2, image: torch.Tensor, mask: npt.NDArray[np.bool_], window: int, side: int
) -> tuple[float, float, float]:
    """Return the IoU of the chosen mask, of the best of three, and the object score."""
    x, y = deepest_point(mask)
    height, width = mask.shape
    y0 = int(np.clip(y - window // 2, 0, height - window))
    x0 = int(np.clip(x - window // 2, 0, width - window))
    part = image[:, y0 : y0 + window, x0 : x0 + window][None]
    seen = F.interpolate(part, (side, side), mode="bilinear", antialias=True, align_corners=False)
    embedding = net.encode_image(normalise(seen))
    xy = torch.tensor([[[x - x0 + 0.5, y - y0 + 0.5]]]) * side / window - 0.5
    prediction = net.decode(
        net.without_memory(embedding.features), embedding.high_res, xy, torch.ones(1, 1).long()
    )
    logits = F.interpolate(
        prediction.logits, (window, window), mode="bilinear", align_corners=False
    )
    ious = []
    for one in logits[0, 1:] > 0:
        whole = np.zeros_like(mask)
        whole[y0 : y0 + window, x0 : x0 + window] = one.numpy()
        ious.append(float((whole & mask).sum() / (whole | mask).sum()))
    chosen = ious[int(prediction.iou_score[0, 1:].argmax())]
    return chosen, max(ious), float(prediction.object_score[0])
