"""What the widget shows, as one frozen value, and what the controller asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from napari_sam2._napari.messages import ModelChoice
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
    clicking : bool
        Whether a click on the canvas is a prompt now.
    can_click : bool
        Whether it could be.
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
    clicking: bool = False
    can_click: bool = False
    undo: str = ""
    redo: str = ""
    pending: bool = False


class View(Protocol):
    """What the controller asks of the widget."""

    def show_state(self, state: State) -> None:
        """Show the state."""

    def show_models(self, models: tuple[ModelChoice, ...]) -> None:
        """Offer these models."""

    def agrees(self, question: str) -> bool:
        """Ask the user a question that can be answered with yes or no."""
