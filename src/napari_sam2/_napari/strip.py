"""The trust strip: objects by frames, coloured by confidence; a click jumps there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from qtpy.QtGui import QImage, QPainter, QPen
from qtpy.QtWidgets import QAbstractScrollArea, QFrame, QSizePolicy, QToolTip, QWidget

from napari_sam2._napari.strip_marks import (
    draw_empty,
    draw_frame_numbers,
    draw_gutter,
    draw_here,
    draw_legend,
    draw_trusted,
)
from napari_sam2._napari.strip_picture import StripPicture

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TrustStrip"]

_ROW = 12
_GUTTER = 38
_HEAD = 16
_FOOT = 16
_EMPTY_TEXT = "Confidence appears here as soon as there is an object."


class TrustStrip(QAbstractScrollArea):
    """Show where the result is trusted, one row per object.

    Attributes
    ----------
    go_to : Signal(int, int)
        The user wants to see this object on this frame.
    """

    go_to = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar = cast("Any", self.verticalScrollBar())
        self._view = cast("Any", self.viewport())
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}
        self._picture = StripPicture(np.zeros((0, 0)), np.zeros((0, 0), dtype=bool))
        self._image = QImage()
        self._frame = 0
        self._object_id = 0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setViewportMargins(_GUTTER, _HEAD, 4, _FOOT)
        self._view.setMouseTracking(True)
        self.setAccessibleName("Confidence of every object on every frame")
        self.setToolTip(
            "One row per object, one column per frame. A click goes there; so do the arrow keys."
        )

    # what others set

    def show_objects(
        self, object_ids: Sequence[int], confidence: np.ndarray, trusted: np.ndarray
    ) -> None:
        """Show these objects and no others.

        Parameters
        ----------
        object_ids : sequence of int
            One per row.
        confidence : ndarray of float, (n_objects, n_frames)
            0 to 1, NaN where there is no mask.
        trusted : ndarray of bool, (n_objects, n_frames)
            Frames that were prompted or accepted.
        """
        picture = StripPicture(confidence, trusted)
        if len(object_ids) != picture.n_objects:
            raise ValueError(
                f"{len(object_ids)} ids were given for {picture.n_objects} rows; each row needs one."
            )
        self._picture = picture
        self._ids = list(object_ids)
        self._rows = {object_id: row for row, object_id in enumerate(self._ids)}
        self._fit()
        self.update()
        self._view.update()

    def update_row(self, object_id: int, confidence: np.ndarray, trusted: np.ndarray) -> None:
        """Show one object anew, or add it below; nothing else is painted again."""
        row = self._rows.get(object_id)
        if row is None:
            self._append(object_id, confidence, trusted)
            return
        self._picture.set_row(row, confidence, trusted)
        self._view.update(self._rect(row, 0, self._picture.n_columns))

    def update_cell(self, object_id: int, frame: int, confidence: float, trusted: bool) -> None:
        """Show one cell anew; nothing else is painted again. An object without a row is passed over."""
        row = self._rows.get(object_id)
        if row is None or not 0 <= frame < self._picture.n_frames:
            return
        self._picture.set_cell(row, frame, confidence, trusted)
        column = self._picture.column_of(frame)
        self._view.update(self._rect(row, column, column + 1))

    def set_frame(self, frame: int) -> None:
        """Mark the frame that is looked at."""
        if frame != self._frame:
            before, self._frame = self._frame, frame
            for each in (before, frame):
                self._view.update(self._column_rect(each))
            self.update(0, 0, self.width(), _HEAD)

    def set_object(self, object_id: int) -> None:
        """Mark the object that is worked on, and scroll to it."""
        if object_id != self._object_id:
            self._object_id = object_id
            row = self._rows.get(object_id)
            if row is not None:
                self._scroll_to(row)
            self.update()
            self._view.update()

    @property
    def frame(self) -> int:
        """The frame that is marked."""
        return self._frame

    @property
    def object_id(self) -> int:
        """The object that is marked."""
        return self._object_id

    def cell_center(self, object_id: int, frame: int) -> QPoint:
        """Return where a cell is, in the viewport."""
        column = self._picture.column_of(frame)
        return self._rect(self._rows[object_id], column, column + 1).center()

    def sizeHint(self) -> QSize:
        """Six objects, or as many as there are."""
        rows = min(max(len(self._ids), 4), 12)
        return QSize(320, _HEAD + _FOOT + rows * _ROW)

    def minimumSizeHint(self) -> QSize:
        """Three objects."""
        return QSize(160, _HEAD + _FOOT + 3 * _ROW)

    # places

    def _x(self, column: int) -> int:
        width = int(self._view.width())
        return column * width // max(self._picture.n_columns, 1)

    def _rect(self, row: int, first: int, last: int) -> QRect:
        """Return where some columns of a row are, in the viewport; with room for the marks."""
        x0, x1 = self._x(first), self._x(last)
        y = row * _ROW - self._bar.value()
        return QRect(x0 - 3, y, x1 - x0 + 6, _ROW)

    def _column_rect(self, frame: int) -> QRect:
        if not 0 <= frame < self._picture.n_frames:
            return QRect()
        column = self._picture.column_of(frame)
        x0, x1 = self._x(column), self._x(column + 1)
        return QRect(x0 - 4, 0, x1 - x0 + 8, self._view.height())

    def _cell_at(self, place: QPoint) -> tuple[int, int] | None:
        """Return (row, frame) at a place of the viewport."""
        row = (place.y() + self._bar.value()) // _ROW
        n, width = self._picture.n_columns, self._view.width()
        if not (0 <= row < len(self._ids) and 0 <= place.x() < width and n):
            return None
        column = min(n - 1, ((place.x() + 1) * n - 1) // width)
        return row, self._picture.worst_in(row, column)

    # sizes

    def _append(self, object_id: int, confidence: np.ndarray, trusted: np.ndarray) -> None:
        above = [self._picture.confidence] if self._ids else []
        above_trusted = [self._picture.trusted] if self._ids else []
        self.show_objects(
            [*self._ids, object_id],
            np.vstack([*above, confidence]),
            np.vstack([*above_trusted, trusted]),
        )

    def _fit(self) -> None:
        width = max(1, self._view.width())
        if self._picture.n_columns != min(width, self._picture.n_frames):
            self._picture.fit(width)
        pixels = self._picture.pixels
        height, n = pixels.shape[:2]
        # the image looks at the array: what is changed there is shown at the next painting
        data: Any = pixels.data
        self._image = QImage(data, n, height, 4 * n, QImage.Format.Format_RGBA8888)
        view = self._view.height()
        self._bar.setRange(0, max(0, height * _ROW - view))
        self._bar.setPageStep(view)
        self._bar.setSingleStep(_ROW)

    def _scroll_to(self, row: int) -> None:
        bar = self._bar
        top, bottom = row * _ROW, (row + 1) * _ROW
        if top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + self._view.height():
            bar.setValue(bottom - self._view.height())

    def resizeEvent(self, event: Any) -> None:
        """Use the new width."""
        super().resizeEvent(event)
        self._fit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll rows and ids together."""
        self._view.update()
        self.update()

    # painting

    def event(self, event: Any) -> bool:
        """Paint head, ids and legend, which are outside the viewport."""
        done = bool(super().event(event))
        if event.type() == QEvent.Type.Paint:
            self._paint_margins()
        return done

    def _paint_margins(self) -> None:
        painter = QPainter(self)
        if self._ids:
            ink = self.palette().windowText().color()
            area = self._view.geometry()
            self._paint_gutter(painter, area)
            draw_frame_numbers(painter, area, self._picture.n_frames, self._frame, ink)
            draw_legend(painter, QRect(area.x(), area.bottom() + 3, area.width(), _FOOT - 4), ink)
        painter.end()

    def _paint_gutter(self, painter: QPainter, area: QRect) -> None:
        ink = self.palette().windowText().color()
        offset = self._bar.value()
        painter.setClipRect(QRect(0, area.y(), _GUTTER, area.height()))
        for row in range(offset // _ROW, min(len(self._ids), -(-(offset + area.height()) // _ROW))):
            place = QRect(0, area.y() + row * _ROW - offset, _GUTTER - 4, _ROW)
            object_id = self._ids[row]
            draw_gutter(painter, place, str(object_id), object_id == self._object_id, ink)
        painter.setClipping(False)

    def paintEvent(self, event: Any) -> None:
        """Paint what changed."""
        painter = QPainter(self._view)
        painter.setClipRect(event.rect())
        ink = self.palette().windowText().color()
        if not self._ids:
            text_ink = self.palette().windowText().color()
            text_ink.setAlpha(150)
            painter.setPen(text_ink)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self._view.rect(), int(flags), _EMPTY_TEXT)
        else:
            self._paint_rows(painter, event.rect(), ink)
        painter.end()

    def _paint_rows(self, painter: QPainter, dirty: QRect, ink: Any) -> None:
        offset = self._bar.value()
        first = max(0, (dirty.top() + offset) // _ROW)
        last = min(len(self._ids), (dirty.bottom() + offset) // _ROW + 1)
        width, n = self._view.width(), self._picture.n_columns
        for row in range(first, last):
            place = QRect(0, row * _ROW - offset + 1, width, _ROW - 2)
            draw_empty(painter, place, ink)
            painter.drawImage(place, self._image, QRect(0, row, n, 1))
            draw_trusted(painter, place, self._trusted_spans(row, dirty))
            if self._ids[row] == self._object_id:
                painter.setPen(QPen(ink, 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place.adjusted(0, -1, -1, 0))
        if 0 <= self._frame < self._picture.n_frames:
            column = self._picture.column_of(self._frame)
            bottom = min(self._view.height(), len(self._ids) * _ROW - offset)
            draw_here(painter, self._x(column), self._x(column + 1), bottom, ink)

    def _trusted_spans(self, row: int, dirty: QRect) -> list[tuple[int, int]]:
        """Return where trusted columns are drawn, those that touch what is painted."""
        spans = ((self._x(c), self._x(c + 1)) for c in self._picture.trusted_columns(row).tolist())
        left, right = dirty.left() - 4, dirty.right() + 4
        return [(x0, x1) for x0, x1 in spans if x1 >= left and x0 <= right]

    # the user

    def mousePressEvent(self, event: Any) -> None:
        """Go where the click was."""
        cell = self._cell_at(event.pos())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            row, frame = cell
            self._jump(row, frame)

    def mouseMoveEvent(self, event: Any) -> None:
        """Go where the pressed mouse is dragged."""
        cell = self._cell_at(event.pos())
        if cell is not None and event.buttons() & Qt.MouseButton.LeftButton:
            row, frame = cell
            if (self._ids[row], frame) != (self._object_id, self._frame):
                self._jump(row, frame)

    def keyPressEvent(self, event: Any) -> None:
        """Go with the arrow keys, Home and End."""
        row, frame = self._rows.get(self._object_id, 0), self._frame
        keys = {
            Qt.Key.Key_Left: (row, frame - 1),
            Qt.Key.Key_Right: (row, frame + 1),
            Qt.Key.Key_Up: (row - 1, frame),
            Qt.Key.Key_Down: (row + 1, frame),
            Qt.Key.Key_Home: (row, 0),
            Qt.Key.Key_End: (row, self._picture.n_frames - 1),
        }
        if event.key() not in keys or not self._ids:
            super().keyPressEvent(event)
            return
        row, frame = keys[event.key()]
        last = max(self._picture.n_frames - 1, 0)
        self._jump(min(max(row, 0), len(self._ids) - 1), min(max(frame, 0), last))

    def _jump(self, row: int, frame: int) -> None:
        self.set_object(self._ids[row])
        self.set_frame(frame)
        self.go_to.emit(self._ids[row], frame)

    def viewportEvent(self, event: Any) -> bool:
        """Show the numbers under the mouse."""
        if event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self._view)
            return True
        return bool(super().viewportEvent(event))

    def tip_at(self, place: QPoint) -> str:
        """Return what is said about a place of the viewport."""
        cell = self._cell_at(place)
        if cell is None:
            return self.toolTip()
        row, frame = cell
        value = float(self._picture.confidence[row, frame])
        text = "no mask" if math.isnan(value) else f"confidence {value:.2f}"
        more = ", prompted or accepted" if self._picture.trusted[row, frame] else ""
        return f"Object {self._ids[row]}, frame {frame}: {text}{more}"
