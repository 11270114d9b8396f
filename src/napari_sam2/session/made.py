"""Records that are made from masks alone, without the network; memories are made of them when they are needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from napari_sam2.engine.masks import NO_MASK
from napari_sam2.engine.transforms import view_of
from napari_sam2.prompts import MaskPrompt
from napari_sam2.results import Scores
from napari_sam2.session.state import FrameRecord

if TYPE_CHECKING:
    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.session.recall import Recall

__all__ = ["MaskRecords", "as_prompt"]

_PRESENT_LOGIT: Final = 10.0


class MaskRecords:
    """Make records of masks that are given.

    Parameters
    ----------
    recall : Recall
        Counts the versions and knows the plane.
    """

    def __init__(self, recall: Recall) -> None:
        self._recall = recall

    @property
    def plane_shape(self) -> tuple[int, int]:
        """(y, x) of a plane."""
        return self._recall.stack.plane_shape

    def record(
        self,
        mask: CompactMask,
        extent: int | None,
        scores: Scores | None = None,
        prompted: bool = False,
    ) -> FrameRecord:
        """Make a record.

        Parameters
        ----------
        mask : CompactMask
            In data pixels.
        extent : int or None
            Side of the window that the model will be shown; None for the whole plane.
        scores : Scores, optional
            Of the mask that this one comes from; None: it is certain.
        prompted : bool
            Whether the frame carries a prompt.
        """
        view = view_of(self.plane_shape, self._recall.model.config, mask.centre(), extent)
        logit = _PRESENT_LOGIT if mask.area else -_PRESENT_LOGIT
        scores = scores or Scores(1.0, 1.0, logit, mask.area)
        version = self._recall.new_version()
        scores = replace(scores, area=mask.area)
        return FrameRecord(version, mask, scores, view, index=-1, prompted=prompted)

    def trusted(self, record: FrameRecord) -> FrameRecord:
        """Turn a tracked record into a prompted one with the same mask, logits and pointer."""
        version = self._recall.copy_of(record)
        return replace(record, version=version, index=-1, prompted=True)

    def denied(self, record: FrameRecord) -> FrameRecord:
        """Turn a tracked record into a prompted one that says the object is not there."""
        scores = Scores(1.0, 1.0, -_PRESENT_LOGIT, 0)
        version = self._recall.new_version()
        return replace(
            record, version=version, mask=NO_MASK, scores=scores, index=-1, prompted=True
        )


def as_prompt(frame: int, mask: CompactMask, plane_shape: tuple[int, int]) -> MaskPrompt:
    """Say a mask as a prompt."""
    return MaskPrompt(frame, mask.inside((0, 0, *plane_shape)))
