"""Rows of the prompts layer as clicks."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from napari_sam2._napari.coordinates import convert
from napari_sam2._napari.messages import Click
from napari_sam2.errors import PromptError, Sam2Error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Image, Points

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2.prompts import Point

__all__ = ["as_object_id", "by_frame", "read_clicks"]


def read_clicks(prompts: Points, image: Image, placement: Placement) -> list[Click | Sam2Error]:
    """Read all rows of the prompts layer.

    Parameters
    ----------
    prompts : Points
        With the features ``object_id`` and ``positive``.
    image : Image
        The layer whose data the session works on.
    placement : Placement
        Where the stack lies in it.

    Returns
    -------
    list of Click or Sam2Error
        One per row; an error says why the row is no click.
    """
    if not len(prompts.data):
        return []
    ids = prompts.features["object_id"].to_numpy()
    positive = prompts.features["positive"].to_numpy()
    places = convert(prompts.data, prompts, image)
    rows: list[Click | Sam2Error] = []
    for place, object_id, sign in zip(places, ids, positive, strict=True):
        try:
            rows.append(Click(as_object_id(object_id), placement.point(place, bool(sign))))
        except Sam2Error as error:
            rows.append(error)
    return rows


def by_frame(clicks: Iterable[Click]) -> dict[tuple[int, int], tuple[Point, ...]]:
    """Group clicks that go into one call of the session: by object and frame, in the given order."""
    groups: dict[tuple[int, int], list[Point]] = defaultdict(list)
    for click in clicks:
        groups[click.object_id, click.point.frame].append(click.point)
    return {key: tuple(points) for key, points in groups.items()}


def as_object_id(value: object) -> int:
    """Return a feature as an object id."""
    number = float(value) if isinstance(value, (int, float, np.number)) else float("nan")
    if not (number >= 1 and number.is_integer()):
        raise PromptError(
            f"object_id {value} in the table of the prompts is not an object; ids are whole "
            "numbers from 1."
        )
    return int(number)
