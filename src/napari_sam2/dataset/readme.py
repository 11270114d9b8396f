"""The data sheet in words, and the table that `napari-sam2 evaluate` reads."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from napari_sam2.dataset.splits import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_sam2.dataset.coco import Page
    from napari_sam2.dataset.sheet import Sheet, StackSheet

__all__ = ["readme_of", "sets_of"]

COUNT = {"trusted": "prompted and accepted masks only", "all": "all masks, also those only tracked"}
UNIT = {"T": "s"}

LAYOUT = """\
- `SPLIT/STACK/image.tif`: the annotated frames, values as in the original, one page per frame (and channel).
- `SPLIT/STACK/labels.tif`: their labels; 0 is background, other values are objects, the same on all frames of a stack.
- `train.json`, `validation.json`, `test.json`: the masks in COCO's format (compressed run lengths). `page` is the place in the TIFF file,
  `frame` that in the original stack.
- `dataset.json`: this sheet for programs. `sets.toml`: for `napari-sam2 evaluate`.

An object that is `not_annotated` on a frame may be there all the same: background in the labels need not be background in the image.
A stack is in one split only, and so are all stacks of one image. Layout and commands: docs/data-sets.md of napari-sam2.
"""


def readme_of(sheet: Sheet) -> str:
    """Write the data sheet for people, as Markdown."""
    parts = [
        "# Training set",
        f"Images with masks of objects, exported by {sheet.made_by} on {sheet.date}.",
        _table(
            ("", "stacks", "frames", "objects", "masks", "prompts"),
            [
                (title, *map(str, (c.stacks, c.frames, c.objects, c.masks, c.prompts)))
                for title, split in (*((s, s) for s in SPLITS), ("all", None))
                for c in [sheet.counts(split)]
            ],
        ),
        "A prompt is a click, box, stroke or painted mask of a person, or an accepted mask: what was corrected.",
        "## What is where",
        LAYOUT.rstrip(),
        "## Stacks",
        *map(_stack, sheet.stacks),
    ]
    return "\n\n".join(parts) + "\n"


def _stack(stack: StackSheet) -> str:
    """Describe one stack."""
    steps = [
        f"{axis} {step:g} {UNIT.get(axis, 'µm')}" for axis, step in stack.scale.items() if step
    ]
    position = [f"{axis} = {index}" for axis, index in stack.position.items()]
    shown = [f"{low:g} to {high:g}" for low, high in stack.intensity]
    rows = [
        ("file", _plain(stack.file) or "none"),
        ("shape", f"{' x '.join(map(str, stack.shape))} ({stack.axes}), {stack.dtype}"),
        ("step", ", ".join(steps) or "unknown"),
        ("frames", f"{_ranges(stack.frames)} of {stack.n_frames}, along {stack.frames_along}"),
        ("position, channels", ", ".join([*position, f"channels {list(stack.channels)}"])),
        ("masks", f"{sum(one.masks for one in stack.objects)}: {COUNT[stack.count]}"),
        ("model used", _plain(stack.model)),
        ("shown as black to white", ", ".join(shown)),
        ("licence", _plain(stack.credit.licence) or "not said"),
        ("author", _plain(stack.credit.author) or "not said"),
        ("source", _plain(stack.credit.source) or "not said"),
    ]
    objects = [
        (
            str(one.object_id),
            _plain(one.name) or "object",
            str(one.masks),
            "; ".join(
                f"{frame}: {_prompts(one.prompts[frame])}{', accepted' * (frame in one.accepted)}"
                for frame in sorted(one.prompts)
            ),
        )
        for one in stack.objects
    ]
    columns = ("object", "name", "masks", "prompts by frame")
    return "\n\n".join((f"### {stack.place}", _table(("", ""), rows), _table(columns, objects)))


def _prompts(given: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(given.items()))


def _plain(text: str) -> str:
    """Keep a text of a user within a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ranges(frames: Sequence[int]) -> str:
    """Write frames briefly: 0 to 4, 7, 9 to 12."""
    breaks = [i for i, (a, b) in enumerate(pairwise(frames), start=1) if b != a + 1]
    runs = [frames[a:b] for a, b in pairwise([0, *breaks, len(frames)])]
    return ", ".join(f"{r[0]} to {r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def sets_of(sheet: Sheet, pages: Mapping[str, Sequence[Page]]) -> str:
    """Write ``sets.toml``: what is held back first, so that it is on top of the tables."""
    order = sorted(sheet.stacks, key=lambda stack: -SPLITS.index(stack.split))
    head = "# For napari-sam2 evaluate; see docs/evaluation.md.\n"
    return "\n".join([head, *(_set(stack, pages[stack.name]) for stack in order)])


def _set(stack: StackSheet, pages: Sequence[Page]) -> str:
    follow = _follow(stack, pages)
    filled = [number for number, page in enumerate(pages) if page.masks]
    if follow != "no":
        filled = [max(filled, key=lambda number: len(pages[number].masks))]
    lines = {
        "name": stack.place,
        "image": f"{stack.place}/image.tif",
        "labels": f"{stack.place}/labels.tif",
        "follow": follow,
        "planes": filled,
    }
    if len(stack.channels) > 1:
        lines["channels"] = list(range(len(stack.channels)))
    # what JSON makes of texts and lists of numbers is TOML too
    rows = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in lines.items())
    return "".join(["[[set]]\n", *rows])


def _follow(stack: StackSheet, pages: Sequence[Page]) -> str:
    """Say whether objects can be followed from page to page: only where no frame and no object is left out."""
    whole = not any(page.not_annotated for page in pages)
    if len(pages) == 1 or not whole or stack.frames[-1] - stack.frames[0] != len(pages) - 1:
        return "no"
    return "t" if stack.frames_along == "T" else "z"
