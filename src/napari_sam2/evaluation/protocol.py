"""The protocol: what the simulated user does, and what is written down. In words: docs/evaluation.md."""

from __future__ import annotations

import itertools
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_sam2.engine.masks import CompactMask
from napari_sam2.evaluation.measures import CarryScores, FrameCounts, count_frames, iou
from napari_sam2.evaluation.records import CarryRecord, ClickRecord, MethodResult, SetResult
from napari_sam2.evaluation.scene import window_for
from napari_sam2.evaluation.tracking_measures import TrackingScores, score_tracks
from napari_sam2.evaluation.user import box_around, correction, first_click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_sam2.evaluation.methods import Method, Work
    from napari_sam2.evaluation.scene import Planes, Scene
    from napari_sam2.prompts import Point

__all__ = ["ALWAYS_CLICKED", "LEVELS", "Options", "evaluate_scene"]

ALWAYS_CLICKED = 5
"""So many clicks are always given, as long as anything is wrong."""

LEVELS = (0.8, 0.9)
"""Clicks are counted up to these IoUs, and the user stops at the last one."""


Progress: TypeAlias = "Callable[[str, int, int], None]"
"""Called with a text, the steps done, and the steps in all."""


@dataclass(frozen=True, slots=True)
class Options:
    """What limits an evaluation.

    Parameters
    ----------
    clicks, carry : bool
        Whether objects are clicked on planes; whether they are carried over frames.
    objects : int or None
        So many objects of each set at most, on planes and over frames; which ones, is drawn by lot.
    most_clicks : int
        The user gives up after so many clicks.
    window : int or None
        Side of the window, pixels; 0 for the whole plane, None for four median diameters.
    seed : int
        Of the lot.
    """

    clicks: bool = True
    carry: bool = True
    objects: int | None = None
    most_clicks: int = 10
    window: int | None = None
    seed: int = 0


def evaluate_scene(
    scene: Scene,
    methods: Sequence[Method],
    options: Options,
    progress: Progress = lambda what, done, total: None,
) -> SetResult:
    """Let the user work on a scene with every method.

    Parameters
    ----------
    scene : Scene
        The set.
    methods : sequence of Method
        What is compared.
    options : Options
        Limits.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    SetResult
    """
    on_planes = (
        [(f, i) for f in scene.planes for i in scene.objects_on(f)] if options.clicks else []
    )
    middles = scene.middles() if options.carry and scene.follow != "no" else {}
    over_frames = [(frame, i) for i, frame in middles.items()]
    plan = _Plan(
        scene,
        clicked=_pick(on_planes, scene, options),
        click_side=_window(scene, on_planes, options),
        carried={i: frame for frame, i in _pick(over_frames, scene, options)},
        carry_side=_window(scene, over_frames, options),
        most_clicks=options.most_clicks,
    )
    results = tuple(_evaluate(plan, method, progress) for method in methods)
    return SetResult(scene.name, plan.click_side, plan.carry_side, results)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every method is asked to do.

    Parameters
    ----------
    scene : Scene
        On what.
    clicked : list of (int, int)
        Frame and label of objects that are clicked on their plane.
    carried : dict of int to int
        Label of objects that are carried, and the frame where.
    click_side, carry_side : int or None
        Windows.
    most_clicks : int
        The user gives up after so many.
    """

    scene: Scene
    clicked: list[tuple[int, int]]
    click_side: int | None
    carried: dict[int, int]
    carry_side: int | None
    most_clicks: int


def _evaluate(plan: _Plan, method: Method, progress: Progress) -> MethodResult:
    """Carry the plan out with one method."""
    begun = time.perf_counter()
    scene, what = plan.scene, f"{plan.scene.name}, {method.name}"
    clicks: list[ClickRecord] = []
    if plan.clicked:
        work, ids = method.open(scene, plan.click_side), itertools.count(1)
        for frame, label in plan.clicked:
            clicks.append(_click_one(work, scene, frame, label, ids, plan.most_clicks))
            progress(f"{what}: clicks", len(clicks), len(plan.clicked))
    carried = _Carried((), None, None)
    if plan.carried:
        carried = _carry_all(
            method.open(scene, plan.carry_side),
            scene,
            plan.carried,
            lambda done: progress(f"{what}: frames", done, 2),
        )
    return MethodResult(
        method=method.name,
        clicks=tuple(clicks),
        carried=carried.records,
        tracking=carried.tracking,
        tracking_after=carried.tracking_after,
        seconds=time.perf_counter() - begun,
    )


def _pick(objects: list[tuple[int, int]], scene: Scene, options: Options) -> list[tuple[int, int]]:
    """Draw some of the objects by lot, the same ones for every method."""
    if options.objects is None or len(objects) <= options.objects:
        return objects
    rng = np.random.default_rng((options.seed, zlib.crc32(scene.name.encode())))
    return [objects[i] for i in sorted(rng.choice(len(objects), options.objects, replace=False))]


def _window(scene: Scene, objects: list[tuple[int, int]], options: Options) -> int | None:
    """Choose the window for (frame, object) pairs."""
    if options.window is not None:
        return options.window or None
    areas = [int((scene.truth[frame] == label).sum()) for frame, label in objects]
    return window_for(areas, scene.stack.plane_shape)


def _click_one(
    work: Work, scene: Scene, frame: int, label: int, ids: Iterator[int], most: int
) -> ClickRecord:
    """Click one object on one plane, correct it, and draw a box around it anew."""
    truth, object_id = scene.truth[frame] == label, next(ids)
    points: list[Point] = [first_click(truth, frame)]
    mask = first = work.click(object_id, points[0])
    ious = [iou(mask, truth)]
    best = max((iou(m, truth) for m in work.candidates(object_id, frame)), default=np.nan)
    while len(points) < most and (len(points) < ALWAYS_CLICKED or ious[-1] < LEVELS[-1]):
        point = correction(mask, truth, frame, points)
        if point is None:
            break
        points.append(point)
        mask = work.click(object_id, point)
        ious.append(iou(mask, truth))
    work.forget(object_id)
    box_id = next(ids)
    box_iou = iou(work.box(box_id, box_around(truth, frame)), truth)
    work.forget(box_id)
    return ClickRecord(
        object_id=label,
        frame=frame,
        area=int(truth.sum()),
        ious=tuple(ious),
        box_iou=box_iou,
        best_of_three=float(best),
        first_point=points[0],
        first_mask=CompactMask.pack(first),
    )


@dataclass(frozen=True, slots=True)
class _Carried:
    """What carrying found out."""

    records: tuple[CarryRecord, ...]
    tracking: TrackingScores | None
    tracking_after: TrackingScores | None


def _carry_all(
    work: Work,
    scene: Scene,
    middles: dict[int, int],
    progress: Callable[[int], None],
) -> _Carried:
    """Click every object on its middle frame, carry all of them, correct each on its worst frame, carry again."""
    ids = sorted(middles)
    truth = np.where(np.isin(scene.truth, ids), scene.truth, 0)
    points = {i: first_click(truth[middles[i]] == i, middles[i]) for i in ids}
    for i, point in points.items():
        work.click(i, point)
    labels = work.carry()
    before = _scores(labels, scene, ids)
    masks = {i: _masks(labels, i, before[i]) for i in ids}
    tracking = _tracking(labels, scene, truth, ids)
    progress(1)
    corrections = {i: _correct(labels, scene, i, before[i], points[i]) for i in ids}
    for i, fix in corrections.items():
        if fix is not None:
            work.click(i, fix)
    labels = work.carry()
    after = _scores(labels, scene, ids)
    tracking_after = _tracking(labels, scene, truth, ids)
    progress(2)
    records = [
        CarryRecord(
            object_id=i,
            voxels=int(before[i].real.sum()),
            point=points[i],
            before=CarryScores.of(before[i]),
            after=CarryScores.of(after[i]),
            correction=corrections[i],
            masks=masks[i],
        )
        for i in ids
    ]
    return _Carried(tuple(records), tracking, tracking_after)


def _scores(labels: Planes, scene: Scene, ids: list[int]) -> dict[int, FrameCounts]:
    """Count pixels, each object on the frames that count for it."""
    counts = count_frames(labels, scene.truth, ids)
    return {i: counts[i].only(scene.life(i)) for i in ids}


def _correct(
    labels: Planes, scene: Scene, object_id: int, counts: FrameCounts, first: Point
) -> Point | None:
    """Make the correction of the frame with the most wrong pixels."""
    frame = int(counts.wrong.argmax())
    result = np.asarray(labels[frame]) == object_id
    return correction(result, scene.truth[frame] == object_id, frame, [first])


def _masks(labels: Planes, object_id: int, counts: FrameCounts) -> dict[int, CompactMask]:
    """Keep an object's masks."""
    frames = np.flatnonzero(counts.found).tolist()
    return {f: CompactMask.pack(np.asarray(labels[f]) == object_id) for f in frames}


def _tracking(
    labels: Planes, scene: Scene, truth: np.ndarray, ids: list[int]
) -> TrackingScores | None:
    """Score the tracks of a time-lapse; no divisions are known to the result."""
    if scene.follow != "t":
        return None
    markers = scene.markers
    if markers is not None:
        markers = np.where(np.isin(markers, ids), markers, 0)
    return score_tracks(labels, truth, markers, scene.parents)
