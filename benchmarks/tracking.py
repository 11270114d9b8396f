"""Seconds per tracked frame: this package beside `Sam2VideoModel` of the transformers library, in one process.

Both hold the same random weights of the size of SAM 2.1 tiny and see the same frames, click and precision. They take turns frame by
frame, so that noise of the machine meets both; medians are compared. Frames get costlier until seven memories are there.

    python benchmarks/tracking.py --objects 1 4 --frames 6 --json tracking.json
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import Sam2VideoConfig, Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

import napari_sam2 as sam2
from napari_sam2.model.config import CONFIGS
from napari_sam2.model.names import from_transformers
from napari_sam2.model.network import SAM2

SIDE = 1024
Step = Callable[[], object]


def resident_mib() -> float:
    """Memory of this process, in MiB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def make_models() -> tuple[SAM2, Sam2VideoModel]:
    """Make both with the same random weights; objects are present."""
    torch.manual_seed(0)
    theirs = Sam2VideoModel(Sam2VideoConfig()).eval().requires_grad_(False)
    theirs.mask_decoder.pred_obj_score_head.proj_out.bias.data += 10
    state = theirs.state_dict()
    shared = next(v for k, v in state.items() if "shared_image_embedding" in k)
    for key, value in state.items():
        if "positional_embedding" in key and value.shape == shared.shape:
            value.copy_(shared)
    ours = SAM2(CONFIGS["sam2.1_hiera_tiny"]).eval().requires_grad_(False)
    ours.load_state_dict(from_transformers(state))
    return ours, theirs


def draw(n_frames: int) -> np.ndarray:
    """Frames (frame, y, x, 3), uint8."""
    y, x = np.mgrid[:SIDE, :SIDE] / 60
    waves = [np.sin(x + 0.1 * t) * np.cos(y - 0.05 * t) for t in range(n_frames)]
    return np.stack([np.repeat((127 + 120 * w)[..., None], 3, -1) for w in waves]).astype(np.uint8)


def our_steps(model: SAM2, movie: np.ndarray, n_objects: int) -> Iterator[Step]:
    """One callable per tracked frame."""
    session = sam2.Session(movie, model, intensity=None, stop_rule=None)
    for i in range(n_objects):
        session.add_prompt(i + 1, sam2.Point(0, (100 + 50 * i, 200 + 40 * i)))
    run = session.propagate(direction="forward")
    for _ in range(len(movie) - 1):
        yield lambda: [next(run) for _ in range(n_objects)]


def their_steps(model: Sam2VideoModel, movie: np.ndarray, n_objects: int) -> Iterator[Step]:
    """One callable per tracked frame."""
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    video = ((torch.from_numpy(movie) / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()
    state = Sam2VideoInferenceSession(video, SIDE, SIDE, dtype=torch.float32)
    for i in range(n_objects):
        xy = torch.tensor([[[[200.0 + 40 * i, 100.0 + 50 * i]]]])
        kinds = torch.ones(1, 1, 1, dtype=torch.long)
        index = state.obj_id_to_idx(i + 1)
        state.add_point_inputs(index, 0, {"point_coords": xy, "point_labels": kinds})
        state.obj_with_new_inputs = [i + 1]
        model(state, frame_idx=0)
    run = model.propagate_in_video_iterator(state, 0)
    next(run)
    for _ in range(len(movie) - 1):
        yield lambda: next(run)


def compare(n_objects: int, n_frames: int, precision: str) -> dict[str, object]:
    """Track frames in turns."""
    ours, theirs = make_models()
    ours.precision = precision  # type: ignore[assignment]
    is_half = precision == "bfloat16"
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    grown: dict[str, list[float]] = {"ours": [], "theirs": []}
    movie = draw(n_frames + 1)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=is_half):
        pairs = zip(
            our_steps(ours, movie, n_objects), their_steps(theirs, movie, n_objects), strict=True
        )
        for mine, other in pairs:
            for name, step in (("ours", mine), ("theirs", other)):
                before, start = resident_mib(), time.perf_counter()
                step()
                seconds[name].append(time.perf_counter() - start)
                grown[name].append(resident_mib() - before)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "objects": n_objects,
        "precision": precision,
        "seconds": seconds,
        "ours": medians["ours"],
        "theirs": medians["theirs"],
        "ratio": medians["theirs"] / medians["ours"],
        "growth_mib": {name: statistics.median(values) for name, values in grown.items()},
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--precision", nargs="+", default=["float32"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [compare(n, options.frames, p) for p in options.precision for n in options.objects]
    table = Table(
        title=f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    for title in ("objects", "precision", "ours s/frame", "theirs s/frame", "ratio", "MiB/frame"):
        table.add_column(title)
    for row in rows:
        growth = row["growth_mib"]
        table.add_row(
            str(row["objects"]),
            str(row["precision"]),
            f"{row['ours']:.2f}",
            f"{row['theirs']:.2f}",
            f"{row['ratio']:.2f}",
            f"{growth['ours']:.1f} / {growth['theirs']:.1f}",  # type: ignore[index]
        )
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
