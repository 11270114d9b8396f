"""What can be asked for about objects: by keys, by the table and by menus."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from napari_sam2._napari.looking import look_at, place_under_mouse
from napari_sam2._napari.notices import tell_error
from napari_sam2._napari.taking import request_for
from napari_sam2._napari.wishes import (
    Accept,
    Lock,
    Merge,
    NextMask,
    RemoveObjects,
    Rename,
    Split,
    Worst,
)
from napari_sam2.errors import Sam2Error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari import Viewer
    from napari.layers import Layer

    from napari_sam2._napari.binding import Binding
    from napari_sam2._napari.messages import Request

__all__ = ["ObjectActions"]


class ObjectActions(ABC):
    """Turn wishes about objects into requests; nothing happens while no session is open.

    Attributes
    ----------
    binding : Binding or None
        Our layers, while there is a session.
    """

    binding: Binding | None
    _viewer: Viewer

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    @abstractmethod
    def _submit(self, request: Request) -> int:
        """Hand a request to the worker."""

    @abstractmethod
    def select(self, object_id: int) -> None:
        """Let new prompts speak of an object."""

    def delete(self, object_ids: Iterable[int] | None = None) -> None:
        """Delete objects; the selected one if none are named."""
        if self.binding is None:
            return
        ids = self._or_selected(object_ids)
        self._submit(RemoveObjects(ids))
        if self.binding.object_id in ids:  # its id is not used again
            self.select(self.binding.highest_id + 1)

    def rename(self, object_id: int, text: str) -> None:
        """Give an object a name; "" for none."""
        self._ask(Rename(object_id, text))

    def merge(self, object_ids: Iterable[int]) -> None:
        """Make one object of several; the lowest id stays."""
        self._ask(Merge(tuple(object_ids)))

    def split_here(self) -> None:
        """Make the part of the selected object that is under the mouse an object of its own."""
        if self.binding is not None:
            self.split(self.binding.object_id)

    def split(self, object_id: int) -> None:
        """Make the part of an object that the mouse was over last, on the frame in view, an object of its own."""
        if self.binding is None:
            return
        try:
            point = place_under_mouse(self._viewer, self.binding)
        except Sam2Error as error:  # the mouse was never over the image
            tell_error(error)
            return
        self._submit(Split(object_id, self.binding.frame, point.yx))

    def lock(self, object_id: int | None = None, on: bool | None = None) -> None:
        """Protect an object, or protect it no more; the selected one, and the other of the two, if not said."""
        if self.binding is not None:
            self._submit(Lock(self.binding.object_id if object_id is None else object_id, on))

    def accept(self, object_id: int | None = None, frame: int | None = None) -> None:
        """Say that an object is right on a frame; the selected one and the frame in view, if not said."""
        if self.binding is not None:
            object_id = self.binding.object_id if object_id is None else object_id
            frame = self.binding.frame if frame is None else frame
            self._seen.add((object_id, frame))
            self._submit(Accept(object_id, frame))

    def next_mask(self) -> None:
        """Take the next of the three masks of the selected object on the frame in view."""
        if self.binding is not None:
            self._submit(NextMask(self.binding.object_id, self.binding.frame))

    def go_to(self, object_id: int, frame: int | None = None) -> None:
        """Select an object and show it; on the frame that has most of it, if none is named."""
        if self.binding is not None:
            self.select(object_id)
            frame = look_at(self._viewer, self.binding, object_id, frame)
            self._seen.add((object_id, frame))

    def jump_to_worst(self) -> None:
        """Go to the lowest confidence that was not looked at."""
        self._ask(Worst(frozenset(self._seen)))

    def take_layer(self, layer: Layer) -> None:
        """Make objects of a Labels layer, or seeds of a Points layer."""
        if self.binding is not None:
            try:
                self._submit(request_for(layer, self.binding))
            except Sam2Error as error:
                tell_error(error)

    def take_strokes(self) -> None:
        """Take what was painted by hand on the frame in view as mask prompts."""
        if self.binding is not None:
            self.binding.strokes.take()

    def _ask(self, request: Request) -> None:
        if self.binding is not None:
            self._submit(request)

    def _or_selected(self, object_ids: Iterable[int] | None) -> tuple[int, ...]:
        if object_ids is None and self.binding is not None:
            return (self.binding.object_id,)
        return tuple(object_ids or ())
