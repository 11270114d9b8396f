"""Tables and JSON from what an evaluation found out."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2.evaluation.measures import Summary
from napari_sam2.evaluation.protocol import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_sam2.evaluation.protocol import Options
    from napari_sam2.evaluation.records import CarryRecord, ClickRecord, MethodResult, SetResult
    from napari_sam2.evaluation.tracking_measures import TrackingScores

__all__ = ["Table", "as_json", "as_markdown", "tables"]

SHOWN_CLICKS = (1, 2, 3, 5)
KEYS = ("set", "method")
TRACK_MEASURES = ("SEG", "DET", "TRA")


@dataclass(frozen=True, slots=True)
class Table:
    """Texts in rows and columns.

    Parameters
    ----------
    title : str
        Above it.
    columns : tuple of str
        Headings.
    rows : list of tuple of str
        One text per column.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def click_summary(records: Sequence[ClickRecord], cap: int) -> dict[str, Summary]:
    """Sum up clicks on planes, by measure."""
    measures = {f"iou after {n}": [r.iou_after(n) for r in records] for n in SHOWN_CLICKS}
    measures["iou of box"] = [r.box_iou for r in records]
    measures["best of three"] = [r.best_of_three for r in records]
    summaries = {name: Summary.of(values) for name, values in measures.items()}
    for level in LEVELS:
        counts = [float(r.clicks_to(level, cap)) for r in records]
        summaries[f"clicks to {level}"] = Summary.of(counts)
    return summaries


def carry_summary(records: Sequence[CarryRecord]) -> dict[str, Summary]:
    """Sum up objects carried over frames, by measure, before and after the correction."""
    summaries = {}
    for measure in ("iou", "dice", "frame_iou", "leak", "lost"):
        for when in ("before", "after"):
            values = (float(getattr(getattr(r, when), measure)) for r in records)
            summaries[f"{measure} {when}"] = Summary.of(values)
    return summaries


def error_gone(records: Sequence[CarryRecord]) -> float:
    """Return which share of the error, one less the mean IoU, is gone after the corrections."""
    before, after = (
        float(np.mean([1 - getattr(r, when).iou for r in records])) for when in ("before", "after")
    )
    return (before - after) / before if before else 0.0


def tables(results: Sequence[SetResult], most_clicks: int) -> list[Table]:
    """Make the tables, each narrow enough for a terminal of 80 letters; those that have rows."""
    clicked = [(name, r) for name, r in _each(results) if r.clicks]
    carried = [(name, r) for name, r in _each(results) if r.carried]
    tracked = [(name, r) for name, r in carried if r.tracking is not None]
    made = (
        Table(
            "One click on a plane: IoU",
            (*KEYS, "n", "median", "quartiles", "failed", "best of 3"),
            [(name, r.method, *_one_click(r, most_clicks)) for name, r in clicked],
        ),
        Table(
            "More clicks, or a box: median IoU, and median clicks to an IoU",
            (*KEYS, *map(str, SHOWN_CLICKS[1:]), "box", *(f"to {level}" for level in LEVELS)),
            [(name, r.method, *_more_clicks(r, most_clicks)) for name, r in clicked],
        ),
        Table(
            "One click carried over the frames: IoU of all voxels",
            (*KEYS, "n", "median", "quartiles", "failed", "per frame"),
            [(name, r.method, *_carried(r)) for name, r in carried],
        ),
        Table(
            "... medians of other measures, and IoU after one correction",
            (*KEYS, "Dice", "leak", "lost", "corrected", "failed", "gone"),
            [(name, r.method, *_corrected(r)) for name, r in carried],
        ),
        Table(
            "Tracks, Cell Tracking Challenge (+: after the corrections)",
            (*KEYS, "n", *TRACK_MEASURES, *(f"{name}+" for name in TRACK_MEASURES)),
            [(name, r.method, *_tracks(r)) for name, r in tracked],
        ),
    )
    return [table for table in made if table.rows]


def _one_click(result: MethodResult, cap: int) -> tuple[str, ...]:
    summary = click_summary(result.clicks, cap)
    return *_spread(summary["iou after 1"]), _text(summary["best of three"].median)


def _more_clicks(result: MethodResult, cap: int) -> tuple[str, ...]:
    summary = click_summary(result.clicks, cap)
    return (
        *(_text(summary[f"iou after {n}"].median) for n in SHOWN_CLICKS[1:]),
        _text(summary["iou of box"].median),
        *(f"{summary[f'clicks to {level}'].median:g}" for level in LEVELS),
    )


def _carried(result: MethodResult) -> tuple[str, ...]:
    summary = carry_summary(result.carried)
    return *_spread(summary["iou before"]), _text(summary["frame_iou before"].median)


def _corrected(result: MethodResult) -> tuple[str, ...]:
    summary = carry_summary(result.carried)
    after = summary["iou after"]
    return (
        *(_text(summary[f"{name} before"].median) for name in ("dice", "leak", "lost")),
        *(_text(after.median), str(after.failures), f"{100 * error_gone(result.carried):.0f} %"),
    )


def _tracks(result: MethodResult) -> tuple[str, ...]:
    both = [t for t in (result.tracking, result.tracking_after) if t is not None]
    scores = [_text(value) for t in both for value in (t.seg, t.det, t.tra)]
    return str(len(result.carried)), *scores


def _spread(summary: Summary) -> tuple[str, ...]:
    quartiles = f"{_text(summary.lower)}-{_text(summary.upper)}"
    return str(summary.n), _text(summary.median), quartiles, str(summary.failures)


def _each(results: Iterable[SetResult]) -> Iterable[tuple[str, MethodResult]]:
    return ((one.name, result) for one in results for result in one.results)


def _text(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"


def as_markdown(made: Sequence[Table]) -> str:
    """Write tables as Markdown."""
    parts = []
    for table in made:
        lines = [table.columns, ("---",) * len(table.columns), *table.rows]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"## {table.title}\n\n{body}\n")
    return "\n".join(parts)


def as_json(
    results: Sequence[SetResult], options: Options, facts: dict[str, Any]
) -> dict[str, Any]:
    """Turn everything into JSON's types; what is unknown is null.

    Parameters
    ----------
    results : sequence of SetResult
        What was found out.
    options : Options
        With which limits.
    facts : dict
        Of the run, such as the model's name.

    Returns
    -------
    dict
    """
    content = {
        **facts,
        "options": asdict(options),
        "sets": [
            {
                "name": one.name,
                "window for clicks": one.click_window,
                "window for frames": one.carry_window,
                "results": [_result(result, options.most_clicks) for result in one.results],
            }
            for one in results
        ],
    }
    cleaned: dict[str, Any] = _clean(content)
    return cleaned


def _result(result: MethodResult, cap: int) -> dict[str, Any]:
    made: dict[str, Any] = {"method": result.method, "seconds": round(result.seconds, 2)}
    if result.clicks:
        summary = click_summary(result.clicks, cap)
        made["clicks"] = {
            "summary": {key: asdict(value) for key, value in summary.items()},
            "objects": [_click(record) for record in result.clicks],
        }
    if result.carried:
        summary = carry_summary(result.carried)
        made["frames"] = {
            "summary": {key: asdict(value) for key, value in summary.items()},
            "error gone": error_gone(result.carried),
            "objects": [_carry(record) for record in result.carried],
        }
    for key, scores in (
        ("tracks", result.tracking),
        ("tracks corrected", result.tracking_after),
    ):
        if scores is not None:
            made[key] = _tracking(scores)
    return made


def _click(record: ClickRecord) -> dict[str, Any]:
    return {
        "object_id": record.object_id,
        "frame": record.frame,
        "pixels": record.area,
        "click": record.first_point.yx,
        "iou": record.ious,
        "iou of box": record.box_iou,
        "best of three": record.best_of_three,
    }


def _carry(record: CarryRecord) -> dict[str, Any]:
    fix = record.correction
    return {
        "object_id": record.object_id,
        "voxels": record.voxels,
        "click": (record.point.frame, *record.point.yx),
        "before": asdict(record.before),
        "correction": fix and {"at": (fix.frame, *fix.yx), "positive": fix.positive},
        "after": asdict(record.after),
    }


def _tracking(scores: TrackingScores) -> dict[str, Any]:
    return {
        "SEG": scores.seg,
        "DET": scores.det,
        "TRA": scores.tra,
        "edits": asdict(scores.edits),
    }


def _clean(value: Any) -> Any:
    """Round numbers to six places, and write what is not a number as None."""
    if isinstance(value, dict):
        return {str(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
