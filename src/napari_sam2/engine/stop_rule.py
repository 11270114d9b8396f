"""When an object has ended, so that its mask does not leak beyond it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["StopRule", "StopWatch"]


@dataclass(frozen=True, slots=True)
class StopRule:
    """When to stop carrying an object on.

    Parameters
    ----------
    object_score : float
        A frame counts as without the object where its object score (a logit) lies below this, or its mask is empty.
    absent_frames : int
        So many frames without it, one after the other, end the object; 0 never ends it.
    growth : float
        The object ends where its area is more than so many times the area on the frame before; 0 never ends it.
    growth_area : int
        Areas up to so many pixels never count as grown: small masks flicker.

    Notes
    -----
    Upstream SAM 2 has no such rule; ``StopRule.never()`` behaves as it does.
    """

    object_score: float = 0.0
    absent_frames: int = 2
    growth: float = 4.0
    growth_area: int = 64

    @classmethod
    def never(cls) -> StopRule:
        """Make a rule that never stops."""
        return cls(absent_frames=0, growth=0.0)

    def is_absent(self, area: int, object_score: float) -> bool:
        """Tell whether a frame counts as without the object."""
        return area == 0 or object_score < self.object_score

    @property
    def heeds_absence(self) -> bool:
        """Whether frames without the object end it; also those of which the user says so."""
        return self.absent_frames > 0

    def has_grown(self, area: int, area_before: int) -> bool:
        """Tell whether the mask has leaked: much more area than on the frame before."""
        if not self.growth or not area_before:
            return False
        return area > max(self.growth * area_before, self.growth_area)


class StopWatch:
    """Follow one object along one pass and tell when it ends.

    Parameters
    ----------
    rule : StopRule
        When.
    area : int
        Of the mask that the pass starts from.
    """

    def __init__(self, rule: StopRule, area: int) -> None:
        self.rule = rule
        self._area = area
        self._absent = 0

    def see(self, area: int, object_score: float) -> str:
        """Take in the next frame; return why the object ends here, or ""."""
        rule = self.rule
        if rule.has_grown(area, self._area):
            return "growth"
        self._area = area or self._area
        if not rule.is_absent(area, object_score):
            self._absent = 0
            return ""
        self._absent += 1
        if not rule.absent_frames or self._absent < rule.absent_frames:
            return ""
        return "empty" if area == 0 and object_score >= rule.object_score else "object_score"
