"""The lines of a journal: one change each, with a checksum, so that a torn line is known."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sam2.session.history import Difference, ObjectChange
from napari_sam2.session.json_format import (
    facts_from_json,
    facts_to_json,
    label_runs_of,
    labels_of,
    prompt_from_json,
    prompt_to_json,
    record_from_json,
    record_to_json,
)
from napari_sam2.session.state import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from napari_sam2.results import Window
    from napari_sam2.session.labels import Painted

__all__ = ["Entry", "Repaint", "decode_line", "encode_line", "entry_from_json", "entry_to_json"]


@dataclass(frozen=True, slots=True, eq=False)
class Repaint:
    """A window that an action painted.

    Parameters
    ----------
    frame : int
        Where.
    window : tuple of int
        ``(y0, x0, y1, x1)``, half open.
    labels : ndarray of uint32 or None
        What it showed; None if the masks alone tell.
    """

    frame: int
    window: Window
    labels: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One action, or one tracked frame.

    Parameters
    ----------
    changes : tuple of ObjectChange
        Only their state afterwards is known.
    repaints : tuple of Repaint
        In the order in which they were painted.
    highest_id : int
        Ids up to this one were used.
    """

    changes: tuple[ObjectChange, ...]
    repaints: tuple[Repaint, ...]
    highest_id: int


def encode_line(content: dict[str, Any]) -> bytes:
    """Write JSON as one line: a checksum (CRC-32, 8 hexadecimal digits), a space, the JSON, a newline."""
    text = json.dumps(content, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_line(line: bytes) -> dict[str, Any] | None:
    """Read what `encode_line` wrote; None if it was torn or damaged."""
    text = line[9:-1]
    if not line.endswith(b"\n") or line[:9] != b"%08x " % zlib.crc32(text):
        return None
    content: dict[str, Any] = json.loads(text)
    return content


def entry_to_json(
    changes: Iterable[ObjectChange], painted: Iterable[Painted], highest_id: int
) -> dict[str, Any]:
    """Write an action."""
    return {
        "highest_id": highest_id,
        "objects": [_change_to_json(change) for change in changes],
        "painted": [_painted_to_json(area) for area in painted],
    }


def entry_from_json(content: dict[str, Any]) -> Entry:
    """Read what `entry_to_json` wrote."""
    return Entry(
        tuple(_change_from_json(c) for c in content["objects"]),
        tuple(_repaint_from_json(p) for p in content["painted"]),
        content["highest_id"],
    )


def _painted_to_json(area: Painted) -> dict[str, Any]:
    entry: dict[str, Any] = {"frame": area.frame, "window": area.window}
    return {**entry, **label_runs_of(area.labels)} if area.contested else entry


def _repaint_from_json(entry: dict[str, Any]) -> Repaint:
    y0, x0, y1, x1 = entry["window"]
    labels = labels_of(entry, (y1 - y0, x1 - x0)) if "values" in entry else None
    return Repaint(entry["frame"], (y0, x0, y1, x1), labels)


def _change_to_json(change: ObjectChange) -> dict[str, Any]:
    entry: dict[str, Any] = {"object_id": change.object_id}
    if not change.exists:
        return {**entry, "removed": True}
    prompts, masks = change.prompts.new, change.records.new
    parts: dict[str, Any] = {
        "prompts": [prompt_to_json(p) for given in prompts.values() for p in given or ()],
        "no_prompts": [f for f, given in prompts.items() if given is None],
        "masks": [record_to_json(f, r) for f, r in masks.items() if r is not None],
        "no_masks": [f for f, r in masks.items() if r is None],
        "settled_frames": sorted(change.settled),
        "unsettled_frames": sorted(change.unsettled),
    }
    return {**entry, **facts_to_json(change.facts[1]), **{k: v for k, v in parts.items() if v}}


def _change_from_json(entry: dict[str, Any]) -> ObjectChange:
    object_id = entry["object_id"]
    nothing = (frozenset[int](), frozenset[int]())
    if entry.get("removed"):
        facts = (Facts(), Facts())
        return ObjectChange(object_id, True, False, Difference(), Difference(), *nothing, facts)
    prompts: dict[int, Any] = dict.fromkeys(entry.get("no_prompts", ()))
    for written in entry.get("prompts", ()):
        prompt = prompt_from_json(written)
        prompts[prompt.frame] = (*prompts.get(prompt.frame, ()), prompt)
    masks: dict[int, Any] = dict.fromkeys(entry.get("no_masks", ()))
    masks |= dict(record_from_json(written) for written in entry.get("masks", ()))
    return ObjectChange(
        object_id,
        True,
        True,
        Difference({}, prompts),
        Difference({}, masks),
        frozenset(entry.get("settled_frames", ())),
        frozenset(entry.get("unsettled_frames", ())),
        (Facts(), facts_from_json(entry)),
    )
