"""Area and confidence of one object over the frames; a click jumps there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_sam2._napari.confidence_colors import colors_of
from napari_sam2._napari.strip_marks import draw_diamond, draw_frame_numbers, small_font

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CurveData", "ObjectCurve", "runs_with_values"]

_LEFT: Final = 38  # as the strip, so that frames lie below each other
_RIGHT: Final = 4
_HEAD: Final = 16
_GAP: Final = 10
_AREA_COLOR: Final = QColor(70, 150, 150)
_EMPTY_TEXT: Final = "Area and confidence of the selected object appear here."


@dataclass(frozen=True, slots=True, eq=False)
class CurveData:
    """What the curve of one object shows.

    Parameters
    ----------
    object_id : int
        The object.
    area : ndarray of float, (n_frames,)
        Pixels; NaN where there is no mask.
    confidence : ndarray of float, (n_frames,)
        0 to 1; NaN where there is no mask.
    trusted : ndarray of bool, (n_frames,)
        Frames that were prompted or accepted.
    """

    object_id: int
    area: np.ndarray
    confidence: np.ndarray
    trusted: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        shapes = {np.shape(each) for each in (self.area, self.confidence, self.trusted)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(
                f"area, confidence and trusted have the shapes {sorted(shapes)}; each has one value "
                "per frame."
            )

    @property
    def n_frames(self) -> int:
        """Frames of the stack."""
        return len(self.area)


class ObjectCurve(QWidget):
    """Draw area (above) and confidence (below) over the frames.

    Attributes
    ----------
    go_to : Signal(int, int)
        The user wants to see this object on this frame.
    """

    go_to = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: CurveData | None = None
        self._frame = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Area and confidence of the selected object")
        self.setToolTip("Area and confidence over the frames. A click goes there.")

    # what others set

    def show_object(self, data: CurveData | None) -> None:
        """Show one object; None for nothing."""
        self._data = data if data is not None and data.n_frames else None
        self.update()

    def set_frame(self, frame: int) -> None:
        """Mark the frame that is looked at."""
        if frame != self._frame:
            self._frame = frame
            self.update()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(320, 120)

    def minimumSizeHint(self) -> QSize:
        """Just readable."""
        return QSize(160, 84)

    # places

    @property
    def _panels(self) -> tuple[QRect, QRect]:
        """Where area and confidence are drawn."""
        width = max(1, self.width() - _LEFT - _RIGHT)
        half = max(1, (self.height() - _HEAD - _GAP - 4) // 2)
        return (
            QRect(_LEFT, _HEAD, width, half),
            QRect(_LEFT, _HEAD + half + _GAP, width, half),
        )

    def frame_x(self, frame: float) -> float:
        """Return where a frame is, in pixels from the left."""
        n = self._data.n_frames if self._data is not None else 1
        return _LEFT + (frame + 0.5) * self._panels[0].width() / n

    def frame_at(self, x: float) -> int | None:
        """Return the frame at a place; None beside the curves."""
        if self._data is None:
            return None
        frame = math.floor((x - _LEFT) * self._data.n_frames / self._panels[0].width())
        return frame if 0 <= frame < self._data.n_frames else None

    # painting

    def paintEvent(self, _event: Any) -> None:
        """Draw both curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small_font(self.font()))
        ink = self.palette().windowText().color()
        if self._data is None:
            painter.setPen(_faint(ink, 150))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(flags), _EMPTY_TEXT)
        else:
            self._paint(painter, self._data, ink)
        painter.end()

    def _paint(self, painter: QPainter, data: CurveData, ink: QColor) -> None:
        area_place, confidence_place = self._panels
        known = data.area[~np.isnan(data.area)]
        top = float(known.max()) if known.size and known.max() > 0 else 1.0
        _draw_panel(painter, area_place, "area", short_number(top), ink)
        _draw_panel(painter, confidence_place, "conf.", "1", ink)
        draw_frame_numbers(painter, area_place, data.n_frames, self._frame, ink)
        here = self.frame_x(self._frame)
        painter.setPen(QPen(_faint(ink, 170), 1))
        painter.drawLine(QPointF(here, _HEAD), QPointF(here, confidence_place.bottom()))
        self._draw_area(painter, area_place, data.area / top)
        self._draw_confidence(painter, confidence_place, data.confidence)
        for frame in np.flatnonzero(data.trusted).tolist():
            draw_diamond(painter, QPointF(self.frame_x(frame), area_place.bottom() + _GAP / 2 + 1))

    def _draw_area(self, painter: QPainter, place: QRect, share: np.ndarray) -> None:
        for first, last in runs_with_values(share):
            line = self._line(place, share, first, last)
            floor = float(place.bottom())
            body = QPolygonF([QPointF(line[0].x(), floor), *line, QPointF(line[-1].x(), floor)])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_faint(_AREA_COLOR, 90))
            painter.drawPolygon(body)
            painter.setPen(QPen(_AREA_COLOR, 1.6))
            _draw_line(painter, line)

    def _draw_confidence(self, painter: QPainter, place: QRect, confidence: np.ndarray) -> None:
        colors = colors_of(confidence)
        for first, last in runs_with_values(confidence):
            line = self._line(place, np.clip(confidence, 0, 1), first, last)
            for n, frame in enumerate(range(first, last)):
                painter.setPen(QPen(QColor(*colors[frame].tolist()), 2.2))
                if last - first == 1:
                    painter.drawPoint(line[0])
                elif n:
                    painter.drawLine(line[n - 1], line[n])

    def _line(self, place: QRect, share: np.ndarray, first: int, last: int) -> list[QPointF]:
        height = place.height() - 3
        return [
            QPointF(self.frame_x(frame), place.bottom() - height * float(share[frame]))
            for frame in range(first, last)
        ]

    # the user

    def mousePressEvent(self, event: Any) -> None:
        """Go where the click was."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._jump(self.frame_at(event.pos().x()))

    def mouseMoveEvent(self, event: Any) -> None:
        """Go where the pressed mouse is dragged."""
        frame = self.frame_at(event.pos().x())
        if event.buttons() & Qt.MouseButton.LeftButton and frame != self._frame:
            self._jump(frame)

    def keyPressEvent(self, event: Any) -> None:
        """Go one frame with the arrow keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(event.key())
        if step is None or self._data is None:
            super().keyPressEvent(event)
            return
        self._jump(min(max(self._frame + step, 0), self._data.n_frames - 1))

    def _jump(self, frame: int | None) -> None:
        if frame is not None and self._data is not None:
            self.set_frame(frame)
            self.go_to.emit(self._data.object_id, frame)

    def event(self, event: Any) -> bool:
        """Show the numbers under the mouse."""
        if event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self)
            return True
        return bool(super().event(event))

    def tip_at(self, place: QPoint) -> str:
        """Return what is said about a place."""
        frame, data = self.frame_at(place.x()), self._data
        if frame is None or data is None:
            return self.toolTip()
        area, confidence = float(data.area[frame]), float(data.confidence[frame])
        text = f"Object {data.object_id}, frame {frame}: "
        if math.isnan(area):
            return text + "no mask"
        sure = "" if math.isnan(confidence) else f", confidence {confidence:.2f}"
        more = ", prompted or accepted" if data.trusted[frame] else ""
        return f"{text}{area:,.0f} pixels{sure}{more}"


def runs_with_values(values: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the stretches without NaN, (first, last + 1)."""
    known = np.concatenate(([False], ~np.isnan(values), [False]))
    edges = np.flatnonzero(known[1:] != known[:-1]).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def short_number(value: float) -> str:
    """Write a large number in four letters: 950, 1.2k, 35k, 1.1M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            share = value / size
            return f"{share:.1f}{letter}" if share < 9.95 else f"{share:.0f}{letter}"
    return f"{value:.0f}"


def _faint(color: QColor, alpha: int) -> QColor:
    faint = QColor(color)
    faint.setAlpha(alpha)
    return faint


def _draw_panel(painter: QPainter, place: QRect, name: str, top: str, ink: QColor) -> None:
    """Draw the ground of a curve, its name and its highest value."""
    painter.fillRect(place, _faint(ink, 20))
    painter.setPen(_faint(ink, 170))
    beside = QRect(0, place.y(), _LEFT - 5, place.height())
    right = Qt.AlignmentFlag.AlignRight
    painter.drawText(beside, int(right | Qt.AlignmentFlag.AlignTop), top)
    painter.drawText(beside, int(right | Qt.AlignmentFlag.AlignBottom), name)


def _draw_line(painter: QPainter, line: list[QPointF]) -> None:
    if len(line) == 1:
        painter.drawPoint(line[0])
    else:
        painter.drawPolyline(QPolygonF(line))
