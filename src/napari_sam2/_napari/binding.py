"""One image, our three layers on it, and the requests that follow from what happens to them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam2._napari.clicks import by_frame, read_clicks
from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.coordinates import convert, frame_in_view
from napari_sam2._napari.layers import (
    color_of,
    follow_transform,
    make_labels,
    make_prompts,
    style,
    style_next,
)
from napari_sam2._napari.messages import AddPoints, Click, Recall, RemovePoints
from napari_sam2._napari.painting import Painter
from napari_sam2._napari.shapes_binding import ShapesBinding, is_negative
from napari_sam2._napari.strokes import Strokes
from napari_sam2.errors import PromptError, Sam2Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Set

    from napari import Viewer
    from napari.layers import Image

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2._napari.keeping import Plane
    from napari_sam2._napari.messages import Request, SessionNow
    from napari_sam2.results import MaskUpdate

__all__ = ["Binding"]


class Binding:
    """Our layers on an image.

    The prompts layer is compared with what the session was told, whatever happened to it: new rows become `AddPoints`,
    rows that are gone `RemovePoints`, a moved row both. `follow` is the other direction.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are added.
    image : Image
        The layer that is segmented.
    placement : Placement
        Where the stack lies in it.
    submit : callable
        Hands a `Request` to the worker.
    refuse : callable
        Called with the error of a row that is no click.
    on_disk : bool
        Whether the labels would not fit in memory.

    Attributes
    ----------
    labels, prompts, shapes : Labels, Points, Shapes
        The layers that were added.
    strokes : Strokes
        What is painted by hand in the labels.
    placement : Placement
        Where the stack lies in the image.
    object_id : int
        The object that new prompts speak of.
    positive : bool
        Whether new prompts add to it.
    highest_id : int
        The highest object that there ever was; 0 before the first.
    """

    def __init__(
        self,
        viewer: Viewer,
        image: Image,
        placement: Placement,
        submit: Callable[[Request], object],
        refuse: Callable[[Sam2Error], object],
        on_disk: bool = False,
    ) -> None:
        self.image = image
        self.labels = make_labels(image, placement.shape, on_disk)
        self.prompts = make_prompts(image)
        self.placement = placement
        self.object_id = 1
        self.positive = True
        self.highest_id = 0
        self._viewer = viewer
        self._submit = submit
        self._refuse = refuse
        self._known: Set[Click] = frozenset()
        self._seen = self.prompts.data.copy()
        self._refused: set[str] = set()
        self._following = False
        self._pressed = False
        self._postponed = False
        self._drawn = ShapesBinding(image, self.labels, placement, submit, refuse)
        self.shapes = self._drawn.layer
        self._on_disk = self.labels.data if on_disk else None
        self._painter = Painter(self.labels, placement, viewer.dims, on_disk)
        self.strokes = Strokes(self.labels, self._painter, placement, viewer.dims, submit)
        self._connections = Connections()
        self._connections.add(
            self._painter.close,
            self._drawn.close,
            self.strokes.close,
            connect(self.prompts.events.data, self._on_points),
            connect(self.prompts.events.features, self._on_features),
            connect(self.labels.events.colormap, self._on_colormap),
            connect(viewer.dims.events.current_step, self._on_step),
            *follow_transform(image, (self.labels, self.prompts, self.shapes)),
        )
        self.prompts.mouse_drag_callbacks.insert(0, self._on_press)
        self._connections.add(lambda: self.prompts.mouse_drag_callbacks.remove(self._on_press))
        for layer in (self.labels, self.shapes, self.prompts):
            viewer.add_layer(layer)
        self.select(1)

    def close(self) -> None:
        """Leave the layers as they are and react to nothing more."""
        self._connections.close()

    @property
    def layers(self) -> tuple[Any, ...]:
        """The image, and our layers on it."""
        return self.image, self.labels, self.prompts, self.shapes

    @property
    def frame(self) -> int:
        """The frame in view."""
        return frame_in_view(self.image, self.placement, self._viewer.dims)

    @property
    def color(self) -> tuple[float, ...]:
        """RGBA of the object that new clicks speak of."""
        return color_of(self.labels, self.object_id)

    @property
    def can_paint(self) -> bool:
        """Whether the Labels layer still holds what masks can be painted into."""
        data = self.labels.data
        return (
            tuple(data.shape) == self.placement.shape
            and data.dtype.kind in "iu"
            and (data.flags.writeable if isinstance(data, np.ndarray) else data is self._on_disk)
        )

    def select(self, object_id: int) -> None:
        """Let new clicks speak of an object."""
        self.object_id = object_id
        self.labels.selected_label = object_id
        self.set_positive(True)

    def set_positive(self, positive: bool) -> None:
        """Let new prompts add to the object, or take places away from it."""
        self.positive = positive
        self._prepare_next(positive)
        self._drawn.prepare_next(self.object_id, positive, self.frame)

    def paint(self, update: MaskUpdate) -> None:
        """Show a mask."""
        self._painter.paint(update)

    def replace(self, plane: Plane) -> None:
        """Show a frame of a session that took the place of another."""
        self._painter.replace(plane.frame, plane.labels)

    def finish_painting(self) -> None:
        """Draw what was put off."""
        self._painter.finish()

    def follow(self, now: SessionNow) -> None:
        """Show exactly the session's prompts: after undo and redo, and when one was not accepted."""
        self.highest_id = max(self.highest_id, now.highest_id)
        self._follow_clicks(now.clicks)
        self._drawn.follow(now.drawings)

    def _follow_clicks(self, clicks: frozenset[Click]) -> None:
        if self._pressed:  # a point may be in the user's hand
            self._postponed = True
            return
        rows = read_clicks(self.prompts, self.image, self.placement)
        stale = [row for row, click in enumerate(rows) if click not in clicks]
        missing = clicks.difference(click for click in rows if isinstance(click, Click))
        self._know(clicks)
        self._refused.clear()
        if not (stale or missing):
            return
        with self._following_session():
            if stale:
                self.prompts.selected_data = set(stale)
                self.prompts.remove_selected()
            for click in missing:
                self._add_row(click)
            self.prompts.selected_data = set()
            style(self.prompts, self.labels)
        self._prepare_next(self.positive)

    # what happens to the layers

    def _on_press(self, _layer: Any, event: Any) -> Iterator[None]:
        """Decide what the click that begins here will mean: napari adds the point when the button is let go."""
        if str(self.prompts.mode) == "add":
            self._prepare_next(self.positive and not is_negative(event))
        self._pressed = True
        yield
        while event.type == "mouse_move":
            yield
        self._pressed = False
        if self._postponed:
            self._postponed = False
            self._submit(Recall())

    def _on_points(self, _event: Any = None) -> None:
        """Tell the session what is new and what is gone."""
        if self._following:
            return
        rows = read_clicks(self.prompts, self.image, self.placement)
        now = dict.fromkeys(row for row in rows if isinstance(row, Click))
        self._seen = self.prompts.data.copy()
        for row in rows:
            if isinstance(row, Sam2Error):
                self._refuse_once(row)
        new = [click for click in now if click not in self._known]
        gone = [click for click in self._known if click not in now]
        if new and self._viewer.dims.ndisplay == 3:
            self._refuse(
                PromptError("a click in the 3-D view has no depth; go back to 2-D to click.")
            )
            new = []
        if len(new) + len(now.keys() & self._known) < len(rows):
            self._submit(Recall())  # its answer takes the refused rows away
        self._know((self._known | set(new)) - set(gone))
        if new or gone:
            style(self.prompts, self.labels)
        # a moved point: the new place first, so that the object is never without a prompt
        for (object_id, _), points in by_frame(new).items():
            self._submit(AddPoints(object_id, points))
        for (object_id, _), points in by_frame(gone).items():
            self._submit(RemovePoints(object_id, points))

    def _on_features(self, _event: Any = None) -> None:
        """Take in an edit of the features table; while a point is dragged, wait until it is let go."""
        if np.array_equal(self.prompts.data, self._seen):
            self._on_points()

    def _on_colormap(self, _event: Any = None) -> None:
        style(self.prompts, self.labels)
        self._prepare_next(self.positive)
        self._drawn.restyle()

    def _on_step(self, _event: Any = None) -> None:
        self._drawn.prepare_next(self.object_id, self.positive, self.frame)

    def _refuse_once(self, error: Sam2Error) -> None:
        """Say why a row is no click; it is taken away when the session has answered."""
        if str(error) not in self._refused:
            self._refused.add(str(error))
            self._refuse(error)

    def _know(self, clicks: Set[Click]) -> None:
        """Remember what the session was told."""
        self._known = clicks
        self.highest_id = max([self.highest_id, *(click.object_id for click in clicks)])

    # the next row

    def _prepare_next(self, positive: bool, object_id: int | None = None) -> None:
        """Set what the next row will say; the rows that are there stay as they are."""
        number = self.object_id if object_id is None else object_id
        style_next(self.prompts, self.labels, number, positive)

    def _add_row(self, click: Click) -> None:
        self._prepare_next(click.point.positive, click.object_id)
        coords = self.placement.coords(click.point)[np.newaxis]
        self.prompts.add(convert(coords, self.image, self.prompts))

    @contextmanager
    def _following_session(self) -> Iterator[None]:
        self._following = True
        try:
            yield
        finally:
            self._following = False
