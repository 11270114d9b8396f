"""How good the network is on images that it was never trained on: held-out seeds of the same drawing."""

from pathlib import Path

import numpy as np
import torch

from napari_sam2.model.network import SAM2
from napari_sam2.training.losses import LossWeights
from napari_sam2.training.pool import Draw, Drawn, Pool
from napari_sam2.training.prompting import Objects, ask
from napari_sam2.training.samples import Batch, make_batch
from napari_sam2.training.steps import track

__all__ = ["COLUMNS", "Validation"]

COLUMNS = ("click", "click_best", "three_clicks", "box", "tracked")
HELD_OUT = 7_000_000


class Validation:
    """A fixed set of crops and clips with a fixed user.

    Parameters
    ----------
    folder : Path
        Where the drawn images are kept.
    draw_plane, draw_clip : callable
        Index -> images and labels; held-out indices start at `HELD_OUT`.
    planes, clips : int
        How many of each.
    side : int
        Of the crops.
    """

    def __init__(
        self,
        folder: Path,
        draw_plane: Draw,
        draw_clip: Draw,
        planes: int = 24,
        clips: int = 6,
        side: int = 128,
    ) -> None:
        rng = np.random.default_rng(HELD_OUT)
        self.planes = [
            _batch(folder / "planes", draw_plane, range(i, i + 8), rng, 4, side)
            for i in range(0, planes, 8)
        ]
        self.clips = _batch(folder / "clips", draw_clip, range(clips), rng, 3, side)

    @torch.no_grad()
    def score(self, net: SAM2) -> dict[str, float]:
        """Return mean IoUs: after one click (chosen, and best of three), three clicks, a box, and on tracked frames."""
        rng, weights = np.random.default_rng(0), LossWeights()
        rows = []
        for batch in self.planes:
            objects = _objects(net, batch)
            clicked = ask(net, objects, "click", 2, rng, weights).losses
            box = ask(net, objects, "box", 0, rng, weights).losses
            first = clicked[0].parts
            last, boxed = clicked[-1].parts["chosen_iou"], box[0].parts["chosen_iou"]
            rows.append([float(v) for v in (first["chosen_iou"], first["best_iou"], last, boxed)])
        times = np.arange(len(self.clips.images))
        losses = track(net, _on(net, self.clips), "box", times, -1, rng, weights)
        tracked = [float(loss.parts["chosen_iou"]) for loss in losses[-(len(times) - 1) :]]
        return dict(
            zip(COLUMNS, [*np.mean(rows, 0).tolist(), float(np.mean(tracked))], strict=True)
        )


def _batch(
    folder: Path, draw: Draw, indices: range, rng: np.random.Generator, objects: int, side: int
) -> Batch:
    """Make one crop of each image."""
    pool = Pool(folder, draw, workers=0)
    parts = [
        make_batch(
            _From(pool, HELD_OUT + i), 1, rng, crops=1, objects=objects, side=side, varied=False
        )
        for i in indices
    ]
    return Batch(
        torch.cat([p.images for p in parts], 1),
        torch.arange(len(parts)).repeat_interleave(objects),
        np.concatenate([p.truth for p in parts], 1),
        np.concatenate([p.background for p in parts]),
    )


class _From:
    """A part of a pool that begins at another index."""

    def __init__(self, pool: Pool, first: int) -> None:
        self.pool = pool
        self.first = first
        self.folder = pool.folder

    def get(self, index: int) -> Drawn:
        return self.pool.get(self.first + index)


def _on(net: SAM2, batch: Batch) -> Batch:
    return Batch(batch.images.to(net.device), batch.crop_of_row, batch.truth, batch.background)


def _objects(net: SAM2, batch: Batch) -> Objects:
    embedding = net.encode_image(batch.images[0].to(net.device))
    at = batch.crop_of_row.to(net.device)
    fine, middle = embedding.high_res
    features = net.without_memory(embedding.features)[at]
    return Objects(features, (fine[at], middle[at]), batch.truth[0], batch.background)
