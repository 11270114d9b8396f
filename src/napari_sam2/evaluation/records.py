"""What an evaluation finds out, object by object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.evaluation.measures import CarryScores
    from napari_sam2.evaluation.tracking_measures import TrackingScores
    from napari_sam2.prompts import Point

__all__ = ["CarryRecord", "ClickRecord", "MethodResult", "SetResult"]


@dataclass(frozen=True, slots=True)
class ClickRecord:
    """One object on one plane.

    Parameters
    ----------
    object_id, frame, area : int
        Which, where, and its pixels.
    ious : tuple of float
        After 1, 2, ... clicks.
    box_iou : float
        With a box alone.
    best_of_three : float
        IoU of the best of the three masks of the first click; NaN for a method that has one mask only.
    first_point : Point
        The first click.
    first_mask : CompactMask
        What it gave.
    """

    object_id: int
    frame: int
    area: int
    ious: tuple[float, ...]
    box_iou: float
    best_of_three: float
    first_point: Point
    first_mask: CompactMask = field(repr=False)

    def iou_after(self, clicks: int) -> float:
        """Return the IoU after so many clicks; the last one if the user stopped earlier."""
        return self.ious[min(clicks, len(self.ious)) - 1]

    def clicks_to(self, level: float, cap: int) -> int:
        """Return how many clicks it took to reach an IoU; the cap if it was never reached."""
        reached = [n for n, iou in enumerate(self.ious[:cap], start=1) if iou >= level]
        return reached[0] if reached else cap


@dataclass(frozen=True, slots=True)
class CarryRecord:
    """One object over the frames.

    Parameters
    ----------
    object_id, voxels : int
        Which, and how large in truth.
    point : Point
        The one click.
    before, after : CarryScores
        After that click, and after one correction.
    correction : Point or None
        None if nothing was wrong.
    masks : mapping of int to CompactMask
        By frame, before the correction: for drawings.
    """

    object_id: int
    voxels: int
    point: Point
    before: CarryScores
    after: CarryScores
    correction: Point | None
    masks: Mapping[int, CompactMask] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method on one set.

    Parameters
    ----------
    method : str
        Its name.
    clicks : tuple of ClickRecord
        Of objects on planes.
    carried : tuple of CarryRecord
        Of objects over frames; none where frames do not belong together.
    tracking, tracking_after : TrackingScores or None
        Of all tracks, after one click each and after one correction each; time-lapses only.
    seconds : float
        That it took.
    """

    method: str
    clicks: tuple[ClickRecord, ...]
    carried: tuple[CarryRecord, ...]
    tracking: TrackingScores | None
    tracking_after: TrackingScores | None
    seconds: float


@dataclass(frozen=True, slots=True)
class SetResult:
    """All methods on one set.

    Parameters
    ----------
    name : str
        Of the set.
    click_window, carry_window : int or None
        Sides of the windows, pixels; None for the whole plane.
    results : tuple of MethodResult
        One per method.
    """

    name: str
    click_window: int | None
    carry_window: int | None
    results: tuple[MethodResult, ...]
