"""The shapes layer, and the requests that follow from what is drawn there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.coordinates import convert
from napari_sam2._napari.drawings import Drawing, outline, read_drawings
from napari_sam2._napari.layers import make_shapes, style_next_shape, style_shapes
from napari_sam2._napari.messages import Draw, Erase, Recall
from napari_sam2.errors import Sam2Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set

    from napari.layers import Image, Labels

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2._napari.messages import Request

__all__ = ["ShapesBinding", "is_negative"]

_RIGHT_BUTTON = 2


class ShapesBinding:
    """The shapes layer is compared with what the session was told, whatever happened to it.

    New rows become `Draw`, rows that are gone `Erase`, a moved row both. `follow` is the other direction.

    Parameters
    ----------
    image : Image
        The layer that is segmented.
    labels : Labels
        Knows the colours.
    placement : Placement
        Where the stack lies in the image.
    submit : callable
        Hands a `Request` to the worker.
    refuse : callable
        Called with the error of a row that is no prompt.

    Attributes
    ----------
    layer : Shapes
        To be added to the viewer.
    """

    def __init__(
        self,
        image: Image,
        labels: Labels,
        placement: Placement,
        submit: Callable[[Request], object],
        refuse: Callable[[Sam2Error], object],
    ) -> None:
        self.layer = make_shapes(image)
        self._image = image
        self._labels = labels
        self._placement = placement
        self._submit = submit
        self._refuse = refuse
        self._next = (1, True, 0)
        self._known: Set[Drawing] = frozenset()
        self._refused: set[str] = set()
        self._following = False
        self._pressed = False
        self._postponed = False
        self._given_up = False
        self._connections = Connections()
        self._connections.add(
            connect(self.layer.events.data, self._on_shapes),
            connect(self.layer.events.features, self._on_shapes),
            connect(self.layer.events.mode, self._on_mode),
        )
        self.layer.mouse_drag_callbacks.insert(0, self._on_press)
        self._connections.add(lambda: self.layer.mouse_drag_callbacks.remove(self._on_press))

    def close(self) -> None:
        """Leave the layer as it is and react to nothing more."""
        self._connections.close()

    def prepare_next(self, object_id: int, positive: bool, frame: int) -> None:
        """Set what the next shape will say."""
        self._next = object_id, positive, frame
        if not self._is_drawing:
            style_next_shape(self.layer, self._labels, *self._next)

    def restyle(self) -> None:
        """Show the colours of the labels."""
        with self._following_session():
            style_shapes(self.layer, self._labels)
            self.prepare_next(*self._next)

    def follow(self, drawings: frozenset[Drawing]) -> None:
        """Show exactly these drawings."""
        if self._pressed or self._is_drawing:
            self._postponed = True
            return
        rows = read_drawings(self.layer, self._image, self._placement)
        stale = [row for row, drawing in enumerate(rows) if drawing not in drawings]
        missing = drawings.difference(row for row in rows if isinstance(row, Drawing))
        self._known = drawings
        self._refused.clear()
        if not (stale or missing):
            return
        with self._following_session():
            if stale:
                self._remove(stale)
            for drawing in missing:
                self._add_row(drawing)
            style_shapes(self.layer, self._labels)
            style_next_shape(self.layer, self._labels, *self._next)

    # what happens to the layer

    @property
    def _is_drawing(self) -> bool:
        """Whether a shape is begun and not ended: a lasso may also be drawn without holding the button."""
        return bool(getattr(self.layer, "_is_creating", False))

    def _on_press(self, layer: Any, event: Any) -> Iterator[None]:
        """Decide what the shape that begins here will mean."""
        if str(layer.mode).startswith("add") and not self._is_drawing:
            object_id, positive, frame = self._next
            positive = positive and not is_negative(event)
            style_next_shape(layer, self._labels, object_id, positive, frame)
        self._pressed = True
        yield
        while event.type == "mouse_move":
            yield
        self._pressed = False
        self._catch_up()

    def _catch_up(self) -> None:
        """Ask for what was put off while a shape was drawn."""
        if self._postponed and not self._is_drawing:
            self._postponed = False
            self._submit(Recall())

    def _on_shapes(self, event: Any = None) -> None:
        """Tell the session what is new and what is gone."""
        action = str(getattr(event, "action", "")).lower()
        if self._following or action.endswith("ing"):  # napari tells before, and after
            return
        self._drop_given_up()
        self._mend_features()
        rows = read_drawings(self.layer, self._image, self._placement)
        now = dict.fromkeys(row for row in rows if isinstance(row, Drawing))
        for row in rows:
            if isinstance(row, Sam2Error):
                self._refuse_once(row)
        new = [drawing for drawing in now if drawing not in self._known]
        gone = [drawing for drawing in self._known if drawing not in now]
        self._known = frozenset(now)
        if new or gone:
            with self._following_session():
                style_shapes(self.layer, self._labels)
        for drawing in new:
            self._submit(Draw(drawing))
        for drawing in gone:
            self._submit(Erase(drawing))
        if len(now) < len(rows):
            self._submit(Recall())  # its answer takes the refused rows away

    def _on_mode(self, _event: Any = None) -> None:
        """Notice that another tool was taken while a shape was drawn: napari would keep it as it is."""
        self._given_up = self._is_drawing

    def _drop_given_up(self) -> None:
        if self._given_up:
            self._given_up = False
            with self._following_session():
                self._remove([self.layer.nshapes - 1])

    def _remove(self, rows: Iterable[int]) -> None:
        self.layer.selected_data = set(rows)
        self.layer.remove_selected()  # also in napari 0.6

    def _mend_features(self) -> None:
        """Drop features without a shape: napari leaves them when it gives a shape up that was too short."""
        if len(self.layer.features) > self.layer.nshapes:
            with self._following_session():
                self.layer.features = self.layer.features.iloc[: self.layer.nshapes]

    def _refuse_once(self, error: Sam2Error) -> None:
        if str(error) not in self._refused:
            self._refused.add(str(error))
            self._refuse(error)

    def _add_row(self, drawing: Drawing) -> None:
        style_next_shape(
            self.layer, self._labels, drawing.object_id, drawing.positive, drawing.frame
        )
        vertices = convert(outline(drawing, self._placement), self._image, self.layer)
        self.layer.add(vertices, shape_type=drawing.kind.value)

    @contextmanager
    def _following_session(self) -> Iterator[None]:
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before


def is_negative(event: Any) -> bool:
    """Return whether a press takes a place away: with Shift, or the right button."""
    return "Shift" in event.modifiers or event.button == _RIGHT_BUTTON
