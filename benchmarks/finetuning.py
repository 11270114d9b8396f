"""What fine-tuning nano on one annotated plane (or on five objects) is worth on planes that it never saw.

    python benchmarks/finetuning.py ../shared/data --seconds 150

Every set is learned from one plane, or, where it has one plane only, from five objects of it. Judged on the other planes (or objects):
median IoU after one click and after three, in a session with the window's settings, and the expected calibration error of
iou_score. With one thread, time is the processor's, so that other work on the machine does not count; with more it is the
clock's.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import napari_sam2 as sam2
from napari_sam2.errors import LearningError
from napari_sam2.evaluation.sets import find_sets, read_scene
from napari_sam2.learning import AnnotatedPlane, LearningSettings, Showing, fine_tune
from napari_sam2.learning.calibration import expected_calibration_error
from napari_sam2.learning.examples import examples_of
from napari_sam2.learning.scoring import score


@dataclass(frozen=True)
class Case:
    """Planes to learn from and planes to judge on; without the latter, five objects and the others of the same plane."""

    name: str
    learn: str
    frames: tuple[int, ...]
    judge: str = ""
    judge_frames: tuple[int, ...] = ()


CASES = (
    Case("bright field nuclei", "brightfield", (0,)),
    Case("histology nuclei", "histology", (0,)),
    Case("fluorescence 256", "fluo256", (0,)),
    Case("fluorescence 520", "fluo520", (0,)),
    Case("T98G, phase", "t98g-18", (0,), "t98g-26", (0,)),
    Case("C2C12, phase", "c2c12", (0,), "c2c12", (3, 5, 7, 9)),
    Case("ovule cell walls", "ovule", (16,), "ovule", (4, 10, 22, 28)),
    Case("fib25, EM", "fib25", (112,), "fib25", (30, 60, 160, 190)),
    Case("HeLa nuclei", "mitocheck", (0,), "mitocheck", (8, 14, 20, 26)),
    Case("migrating nuclei", "migration", (0,), "migration", (2, 3, 4, 5)),
)


def planes_of(data: Path, name: str, frames: tuple[int, ...]) -> list[AnnotatedPlane]:
    """Read planes of a set with their truth."""
    chosen = next(one for one in find_sets(data) if one.name == name)
    scene = read_scene(chosen)
    return [
        AnnotatedPlane(name, f, scene.brightness(f), scene.truth[f].astype(np.int32), True)
        for f in frames
    ]


def only(plane: AnnotatedPlane, ids: list[int]) -> AnnotatedPlane:
    """Forget the other objects of a plane."""
    labels = np.where(np.isin(plane.labels, ids), plane.labels, 0)
    return replace(plane, labels=labels, is_complete=False)


def split(case: Case, data: Path, seed: int) -> tuple[list[AnnotatedPlane], list[AnnotatedPlane]]:
    """Return what is learned from and what is judged on."""
    learn = planes_of(data, case.learn, case.frames)
    if case.judge:
        return learn, planes_of(data, case.judge, case.judge_frames)
    (plane,) = learn
    ids = np.random.default_rng(seed).permutation(plane.object_ids).tolist()
    return [only(plane, ids[:5])], [only(plane, ids[5:])]


def run(case: Case, options: argparse.Namespace) -> dict:
    """Fine-tune on one set and judge."""
    parent = sam2.load_model("nano", device="cpu", precision="float32")
    learn, judge = split(case, options.data, options.seed)
    sizes = [e.diameter for e in examples_of(learn)]
    showing = Showing(max(128, round(4 * float(np.median(sizes)))), 3.0)
    objects = examples_of(judge)
    rng = np.random.default_rng(options.seed)
    objects = [objects[i] for i in sorted(rng.permutation(len(objects))[: options.most])]
    before = score(parent, objects, showing)
    settings = LearningSettings(
        learn=options.learn, minutes=options.seconds / 60, showing=showing, seed=options.seed
    )
    row = {
        "set": case.name,
        "learned": len(sizes),
        "judged": len(objects),
        "window": showing.window_side,
        "before": [before.one_click, before.three_clicks],
        "ece_before": expected_calibration_error(before.iou_scores, before.ious),
    }
    clock = time.process_time if options.threads == 1 else time.monotonic
    begin = clock()
    try:
        learned = fine_tune(parent, learn, settings, clock=clock)
    except LearningError as error:
        return row | {"refused": str(error), "seconds": clock() - begin}
    row["seconds"] = clock() - begin
    after = score(learned.model, objects, showing)
    return row | {
        "steps": learned.lineage.steps,
        "after": [after.one_click, after.three_clicks],
        "gone": (after.one_click - before.one_click) / (1 - before.one_click),
        "held_out": [learned.lineage.before.value, learned.lineage.after.value],
        "ece_after": expected_calibration_error(after.iou_scores, after.ious),
    }


def line(row: dict) -> str:
    """One row of the table."""
    one, three = row["before"]
    head = f"| {row['set']} | {row['learned']} | {row['judged']} | {one:.2f}"
    if "refused" in row:
        return f"{head}, refused | | {three:.2f} | | {row['seconds']:.0f} |"
    new_one, new_three = row["after"]
    return (
        f"{head} -> {new_one:.2f} | {100 * row['gone']:.0f} % | {three:.2f} -> {new_three:.2f} "
        f"| {row['ece_before']:.2f} -> {row['ece_after']:.2f} | {row['seconds']:.0f} |"
    )


def main() -> None:
    """Go through the sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=300.0, help="per set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--learn", default=None)
    parser.add_argument("--most", type=int, default=60, help="objects to judge on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", action="append", help="part of a name; all if left out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    print(
        "| set | learned | judged | one click | error gone | three clicks | calibration error | s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if options.case is None or any(part in case.name for part in options.case):
            rows.append(run(case, options))
            print(line(rows[-1]), flush=True)
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
