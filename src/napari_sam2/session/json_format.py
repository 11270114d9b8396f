"""Objects, prompts and masks as JSON, for session folders and journals: see docs/session-folder.md."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from napari_sam2.engine.masks import CompactMask
from napari_sam2.engine.transforms import View
from napari_sam2.errors import PromptError
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt, Scribble
from napari_sam2.results import Scores
from napari_sam2.session.state import Facts, FrameRecord, ObjectState

__all__ = [
    "facts_from_json",
    "facts_to_json",
    "label_runs_of",
    "labels_of",
    "mask_of",
    "object_from_json",
    "object_to_json",
    "prompt_from_json",
    "prompt_to_json",
    "record_from_json",
    "record_to_json",
    "runs_of",
]


def object_to_json(state: ObjectState) -> dict[str, Any]:
    """Write an object."""
    return {
        "object_id": state.object_id,
        **facts_to_json(state.facts),
        "prompts": [prompt_to_json(p) for f in state.prompted for p in state.prompts[f]],
        "settled_frames": sorted(state.settled),
        "masks": [record_to_json(f, r) for f, r in sorted(state.records.items())],
    }


def object_from_json(content: dict[str, Any]) -> ObjectState:
    """Make the object that `object_to_json` wrote."""
    state = ObjectState(content["object_id"], facts=facts_from_json(content))
    for entry in content["prompts"]:
        prompt = prompt_from_json(entry)
        state.prompts[prompt.frame] = (*state.prompts.get(prompt.frame, ()), prompt)
    state.settled = set(content["settled_frames"])
    state.records = dict(record_from_json(entry) for entry in content["masks"])
    return state


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Write what holds for an object as a whole."""
    return {
        "window_side": facts.extent,
        "name": facts.name,
        "locked": facts.locked,
        "accepted_frames": sorted(facts.accepted),
    }


def facts_from_json(content: dict[str, Any]) -> Facts:
    """Read what `facts_to_json` wrote; sessions of version 0.1 have the window only."""
    return Facts(
        content["window_side"],
        content.get("name", ""),
        content.get("locked", False),
        frozenset(content.get("accepted_frames", ())),
    )


def prompt_to_json(prompt: Prompt) -> dict[str, Any]:
    """Write a prompt."""
    kind = {"type": type(prompt).__name__, "frame": prompt.frame}
    if isinstance(prompt, Point):
        return {**kind, "yx": prompt.yx, "positive": prompt.positive}
    if isinstance(prompt, Box):
        return {**kind, "yx_min": prompt.yx_min, "yx_max": prompt.yx_max}
    if isinstance(prompt, Scribble):
        return {**kind, "path_yx": prompt.path_yx, "positive": prompt.positive}
    if prompt.mask.dtype == bool:
        mask: dict[str, Any] = {"runs": runs_of(prompt.mask)}
    else:
        mask = {"probabilities": [[round(float(v), 4) for v in row] for row in prompt.mask]}
    return {**kind, "refine": prompt.refine, "shape": prompt.mask.shape, **mask}


def prompt_from_json(entry: dict[str, Any]) -> Prompt:
    """Read what `prompt_to_json` wrote."""
    frame = entry["frame"]
    match entry["type"]:
        case "Point":
            return Point(frame, tuple(entry["yx"]), entry["positive"])
        case "Box":
            return Box(frame, tuple(entry["yx_min"]), tuple(entry["yx_max"]))
        case "Scribble":
            return Scribble(frame, tuple(tuple(yx) for yx in entry["path_yx"]), entry["positive"])
        case "MaskPrompt":
            if "runs" in entry:
                mask = mask_of(entry["runs"], tuple(entry["shape"]))
            else:
                mask = np.array(entry["probabilities"], dtype=np.float32)
            return MaskPrompt(frame, mask, entry["refine"])
        case kind:
            raise PromptError(f"prompt type {kind!r} is unknown; update napari-sam2.")


def record_to_json(frame: int, record: FrameRecord) -> dict[str, Any]:
    """Write a mask and how it came about."""
    return {
        "frame": frame,
        "window": record.mask.window,
        "runs": runs_of(record.mask.inside(record.mask.window)),
        "scores": {k: _finite(v) for k, v in asdict(record.scores).items()},
        "seen_window": record.view.window,
        "seen_side": record.view.side,
        "direction": record.direction,
        "candidate": record.index,
        "prompted": record.prompted,
        "since": record.since,
        "origin": record.origin,
        "version": record.version,
    }


def record_from_json(entry: dict[str, Any]) -> tuple[int, FrameRecord]:
    """Read what `record_to_json` wrote: the frame and the record."""
    y0, x0, y1, x1 = entry["window"]
    mask = mask_of(entry["runs"], (y1 - y0, x1 - x0))
    scores: dict[str, Any] = {
        k: float("nan") if v is None else v for k, v in entry["scores"].items()
    }
    view = View(tuple(entry["seen_window"]), entry["seen_side"])
    return entry["frame"], FrameRecord(
        entry["version"],
        CompactMask.pack(mask, (y0, x0)),
        Scores(**scores),
        view,
        entry["direction"],
        entry["candidate"],
        entry["prompted"],
        entry["since"],
        entry["origin"],
    )


def _finite(value: float | int | str) -> float | int | str | None:
    """JSON has no NaN."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def runs_of(mask: np.ndarray) -> list[int]:
    """Encode a mask as lengths of runs in row order, starting with zeros: (0 0 1 1 1) is [2, 3]."""
    flat = mask.astype(bool).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs: list[int] = np.diff(np.concatenate(([0], changes, [flat.size]))).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def mask_of(runs: list[int], shape: tuple[int, ...]) -> np.ndarray:
    """Decode what `runs_of` made, bool, of the given shape."""
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(shape)


def label_runs_of(labels: np.ndarray) -> dict[str, list[int]]:
    """Encode labels as values and lengths of runs in row order: (0 0 7) is values [0, 7], lengths [2, 1]."""
    flat = labels.ravel()
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))[: flat.size]
    lengths = np.diff(np.append(starts, flat.size))
    return {"values": flat[starts].tolist(), "lengths": lengths.tolist()}


def labels_of(runs: dict[str, list[int]], shape: tuple[int, ...]) -> np.ndarray:
    """Decode what `label_runs_of` made, uint32, of the given shape."""
    return np.repeat(np.array(runs["values"], dtype=np.uint32), runs["lengths"]).reshape(shape)
