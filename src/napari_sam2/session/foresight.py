"""What was decoded for a click that may come: the ghost under the mouse, so that the click itself costs nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from napari_sam2.engine.inference import Decision
    from napari_sam2.engine.masks import CompactMask
    from napari_sam2.engine.transforms import View
    from napari_sam2.model.network import ImageEmbedding, MaskPrediction
    from napari_sam2.session.requests import PointSet

__all__ = ["Asked", "Foreseen", "Foresight"]

_HELD: Final = 2  # a new object is decoded in its first window, and in the one that fits


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a prediction of one network follows from; equal questions have equal answers.

    Parameters
    ----------
    frame : int
        On which frame.
    view : View
        What it was shown.
    points : PointSet
        All points and corners of the frame.
    version : int or None
        Of the record whose logits were fed back, and whose memories were attended to.
    ambiguous : bool
        Whether one of three masks was chosen.
    """

    frame: int
    view: View
    points: PointSet
    version: int | None
    ambiguous: bool


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """An answer, down to the mask in data pixels, and the embeddings of the views in which it was found."""

    asked: Asked
    embeddings: dict[View, ImageEmbedding]
    prediction: MaskPrediction
    decision: Decision
    mask: CompactMask


class Foresight:
    """The last predictions of previews."""

    def __init__(self) -> None:
        self._held: deque[Foreseen] = deque(maxlen=_HELD)

    def keep(self, foreseen: Foreseen) -> None:
        """Hold a prediction in place of the oldest one."""
        self._held.append(foreseen)

    def find(self, asked: Asked) -> Foreseen | None:
        """Return the prediction that answers a question; None if it was not foreseen."""
        return next((each for each in self._held if each.asked == asked), None)

    def clear(self) -> None:
        """Forget everything: another network is asked from now on."""
        self._held.clear()
