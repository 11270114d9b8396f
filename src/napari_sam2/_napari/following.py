"""When a propagation follows by itself: after a prompt, until the user stops it or takes the prompt back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam2._napari.messages import AddPoints, Draw, Erase, Propagate, RemovePoints
from napari_sam2._napari.wishes import Accept, AddSeeds, ImportLabels, Merge, NextMask, TakeMasks

if TYPE_CHECKING:
    from napari_sam2._napari.messages import Request

__all__ = ["Following"]

_PROMPTS = (
    AddPoints,
    RemovePoints,
    Draw,
    Erase,
    NextMask,
    TakeMasks,
    AddSeeds,
    ImportLabels,
    Merge,
    Accept,
)


class Following:
    """Remember whether the frames that are out of date are wanted.

    Attributes
    ----------
    is_on : bool
        The user's switch.
    is_wanted : bool
        Whether the last thing that happened was a prompt, and not a stop or an undo: those must not be run over.
    """

    def __init__(self) -> None:
        self.is_on = True
        self.is_wanted = False

    def see(self, request: Request, is_running: bool) -> None:
        """Take note of what is asked of the session; whatever disturbs a propagation, it goes on afterwards."""
        if isinstance(request, _PROMPTS) or (is_running and not isinstance(request, Propagate)):
            self.is_wanted = True

    def stop(self) -> None:
        """Let what is left be left: Esc, undo and redo."""
        self.is_wanted = False

    def is_due(self, pending: bool, is_waiting: bool) -> bool:
        """Return whether to propagate now.

        Parameters
        ----------
        pending : bool
            Whether there are frames to do.
        is_waiting : bool
            Whether the session has something else to do first.
        """
        return self.is_on and self.is_wanted and pending and not is_waiting
