"""What the widget shows, as one frozen value, and what the controller asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from napari_sam2._napari.tool import Tool

if TYPE_CHECKING:
    from napari_sam2._napari.keeping import Unsaved
    from napari_sam2._napari.messages import Encoded, ModelChoice, ObjectsNow
    from napari_sam2.results import Progress

__all__ = ["Phase", "State", "View"]


class Phase(Enum):
    """What is going on."""

    IDLE = auto()
    OPENING = auto()
    READY = auto()
    RUNNING = auto()


@dataclass(frozen=True, slots=True)
class State:
    """All that the view shows.

    Parameters
    ----------
    phase : Phase
        What is going on.
    text : str
        A sentence for the user.
    progress : Progress, optional
        Of what runs now; a total of 0 is unknown.
    object_id : int
        The object that new clicks speak of.
    color : tuple of float
        Its RGBA, 0 to 1.
    tool : Tool
        What a press on the canvas does.
    has_tools : bool
        Whether a press has a place on the planes.
    positive : bool
        Whether new prompts add to the object.
    follows : bool
        Whether a propagation follows every prompt by itself.
    ghost, can_ghost : bool
        Whether there is a ghost under the mouse, and whether there could be.
    strokes : bool
        Whether strokes of napari's brush are prompts.
    encoded : Encoded, optional
        How far the encoding ahead is.
    opened : str
        What was opened, in a few words.
    undo, redo : str
        What would be taken back or repeated; "" for nothing.
    pending : bool
        Whether a propagation has anything to do.
    """

    phase: Phase = Phase.IDLE
    text: str = ""
    progress: Progress | None = None
    object_id: int = 1
    color: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    tool: Tool = Tool.PAN
    has_tools: bool = False
    positive: bool = True
    follows: bool = True
    ghost: bool = False
    can_ghost: bool = False
    strokes: bool = True
    encoded: Encoded | None = None
    opened: str = ""
    undo: str = ""
    redo: str = ""
    pending: bool = False


class View(Protocol):
    """What the controller asks of the widget."""

    def show_state(self, state: State) -> None:
        """Show the state."""

    def show_objects(self, objects: ObjectsNow) -> None:
        """Show what is known of the objects."""

    def show_models(self, models: tuple[ModelChoice, ...]) -> None:
        """Offer these models."""

    def show_unsaved(self, unsaved: Unsaved) -> None:
        """Tell what was left behind on this image."""
