"""A session on disk: JSON for prompts and masks, zarr for the labels, readable without this package.

The layout is described in docs/session-folder.md.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_sam2.engine.masks import CompactMask, Overlap
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.engine.transforms import View
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt, Scribble
from napari_sam2.results import Scores
from napari_sam2.session.state import FrameRecord, ObjectState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SavedSession", "read", "write"]

FORMAT: Final = "napari-sam2 session"
FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class SavedSession:
    """What a session folder holds.

    Parameters
    ----------
    shape : tuple of int
        (frame, y, x) of the stack.
    model : str
        Name of the model that was used.
    highest_id : int
        Ids up to this one were used.
    window_side : int or None
        See `Session`.
    overlap : str
        See `Session`.
    stop_rule : StopRule
        See `Session`.
    objects : mapping of int to ObjectState
        The objects.
    labels : ndarray of unsigned int, (frame, y, x)
        The label image.
    """

    shape: tuple[int, int, int]
    model: str
    highest_id: int
    window_side: int | None
    overlap: Overlap
    stop_rule: StopRule
    objects: Mapping[int, ObjectState]
    labels: np.ndarray


def write(folder: Path, session: SavedSession) -> None:
    """Write a session folder beside its final place, then put it there.

    Raises
    ------
    SessionError
        If something else than a session is there already.
    """
    if folder.exists() and not (folder / "session.json").is_file():
        raise SessionError(f"{folder} exists and is not a saved session; choose another folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_labels(new / "labels.zarr", session.labels)
        (new / "objects").mkdir()
        for object_id, state in session.objects.items():
            _write_json(new / "objects" / f"{object_id}.json", _object_to_json(state))
        _write_json(new / "session.json", _head(session))
        _put_in_place(new, folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _put_in_place(new: Path, folder: Path) -> None:
    old = _previous(folder)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.replace(new, folder)
    shutil.rmtree(old, ignore_errors=True)


def _previous(folder: Path) -> Path:
    """Where the earlier session lies while the new one takes its place."""
    return folder.with_name(f".{folder.name}-previous")


def read(folder: Path) -> SavedSession:
    """Read a session folder.

    Raises
    ------
    SessionError
        If it is missing, damaged, or of a newer format.
    """
    if not folder.exists() and _previous(folder).exists():  # a crash between two renames
        os.replace(_previous(folder), folder)
    path = folder / "session.json"
    if not path.is_file():
        raise SessionError(
            f"{folder} is not a saved session (it has no session.json); choose its folder."
        )
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        if head.get("format") != FORMAT or head["format_version"] > FORMAT_VERSION:
            raise SessionError(
                f"{folder} has format {head.get('format')!r} version {head.get('format_version')!r}, "
                f"this package reads {FORMAT!r} up to {FORMAT_VERSION}; update napari-sam2."
            )
        objects = {i: _read_object(folder / "objects" / f"{i}.json") for i in head["objects"]}
        return SavedSession(
            shape=tuple(head["shape"]),
            model=head["model"],
            highest_id=head["highest_id"],
            window_side=head["window_side"],
            overlap=head["overlap"],
            stop_rule=StopRule(**head["stop_rule"]),
            objects=objects,
            labels=_read_labels(folder / "labels.zarr"),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, SessionError):
            raise
        raise SessionError(
            f"{folder} is damaged ({type(error).__name__}: {error}); use a copy of it, or start anew."
        ) from error


def _head(session: SavedSession) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "shape": list(session.shape),
        "axes": ["frame", "y", "x"],
        "model": session.model,
        "highest_id": session.highest_id,
        "window_side": session.window_side,
        "overlap": session.overlap,
        "stop_rule": asdict(session.stop_rule),
        "objects": sorted(session.objects),
    }


def _write_labels(path: Path, labels: np.ndarray) -> None:
    import zarr

    zarr.create_array(path, data=np.asarray(labels), chunks=(1, *labels.shape[1:]))


def _read_labels(path: Path) -> np.ndarray:
    import zarr

    array = zarr.open_array(path, mode="r")
    return np.asarray(array[:])


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _object_to_json(state: ObjectState) -> dict[str, Any]:
    return {
        "object_id": state.object_id,
        "window_side": state.extent,
        "prompts": [_prompt_to_json(p) for f in state.prompted for p in state.prompts[f]],
        "settled_frames": sorted(state.settled),
        "masks": [_record_to_json(f, r) for f, r in sorted(state.records.items())],
    }


def _read_object(path: Path) -> ObjectState:
    content = json.loads(path.read_text(encoding="utf-8"))
    state = ObjectState(content["object_id"], extent=content["window_side"])
    for entry in content["prompts"]:
        prompt = _prompt_from_json(entry)
        state.prompts[prompt.frame] = (*state.prompts.get(prompt.frame, ()), prompt)
    state.settled = set(content["settled_frames"])
    state.records = dict(_record_from_json(entry) for entry in content["masks"])
    return state


def _prompt_to_json(prompt: Prompt) -> dict[str, Any]:
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


def _prompt_from_json(entry: dict[str, Any]) -> Prompt:
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


def _record_to_json(frame: int, record: FrameRecord) -> dict[str, Any]:
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


def _record_from_json(entry: dict[str, Any]) -> tuple[int, FrameRecord]:
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
