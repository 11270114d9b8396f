"""What is drawn on and around the trust strip: marks, frame numbers, ids, legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRect, Qt
from qtpy.QtGui import QColor, QFont, QLinearGradient, QPainter, QPen, QPolygonF

from napari_sam2._napari.confidence_colors import STOPS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "draw_diamond",
    "draw_empty",
    "draw_frame_numbers",
    "draw_gutter",
    "draw_here",
    "draw_legend",
    "draw_trusted",
    "small_font",
]

_LEGEND_WIDTH = 64
_MARK = 3.0


def small_font(font: QFont) -> QFont:
    """Return a font that fits into a row."""
    small = QFont(font)
    small.setPixelSize(10)
    return small


def draw_empty(painter: QPainter, place: QRect, ink: QColor) -> None:
    """Draw the ground of a row: what is not painted over has no mask."""
    ground = QColor(ink)
    ground.setAlpha(26)
    painter.fillRect(place, ground)


def draw_trusted(painter: QPainter, place: QRect, spans: Iterable[tuple[int, int]]) -> None:
    """Mark frames that were prompted or accepted: a white diamond with a dark border."""
    y = place.center().y() + 0.5
    for x0, x1 in spans:
        draw_diamond(painter, QPointF((x0 + x1) / 2, y))


def draw_diamond(painter: QPainter, center: QPointF) -> None:
    """Draw the sign for a prompted or accepted frame."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0), 1))
    painter.setBrush(QColor(255, 255, 255))
    x, y, r = center.x(), center.y(), _MARK
    painter.drawPolygon(
        QPolygonF([QPointF(x, y - r), QPointF(x + r, y), QPointF(x, y + r), QPointF(x - r, y)])
    )
    painter.restore()


def draw_here(painter: QPainter, x0: int, x1: int, bottom: int, ink: QColor) -> None:
    """Frame the column of the frame that is looked at."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ink, 1))
    if x1 - x0 >= 5:
        painter.drawRect(x0, 0, x1 - x0 - 1, bottom - 1)
    else:
        middle = (x0 + x1) // 2
        painter.drawLine(middle, 0, middle, bottom)


def draw_frame_numbers(
    painter: QPainter, area: QRect, n_frames: int, here: int, ink: QColor
) -> None:
    """Write the first, the last and the current frame above the rows."""
    painter.setFont(small_font(painter.font()))
    metrics = painter.fontMetrics()
    faint = QColor(ink)
    faint.setAlpha(150)
    taken: list[tuple[int, int]] = []
    order = [here, 0, n_frames - 1] if 0 <= here < n_frames else [0, n_frames - 1]
    for frame in order:
        text = str(frame)
        width = metrics.horizontalAdvance(text)
        middle = area.x() + round((frame + 0.5) * area.width() / n_frames)
        x = min(max(middle - width // 2, area.x()), area.right() - width)
        if any(x < end + 4 and x + width > begin - 4 for begin, end in taken):
            continue
        taken.append((x, x + width))
        painter.setPen(ink if frame == here else faint)
        painter.drawText(x, area.y() - 4, text)


def draw_gutter(painter: QPainter, place: QRect, text: str, here: bool, ink: QColor) -> None:
    """Write an object's id beside its row."""
    font = small_font(painter.font())
    font.setBold(here)
    painter.setFont(font)
    color = QColor(ink)
    color.setAlpha(255 if here else 170)
    painter.setPen(color)
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(place, int(flags), text)


def draw_legend(painter: QPainter, place: QRect, ink: QColor) -> None:
    """Draw what the colours and the diamond mean."""
    painter.setFont(small_font(painter.font()))
    metrics = painter.fontMetrics()
    faint = QColor(ink)
    faint.setAlpha(190)
    painter.setPen(faint)
    baseline = place.y() + (place.height() + metrics.ascent() - metrics.descent()) // 2
    x = place.x()
    painter.drawText(x, baseline, "unsure")
    x += metrics.horizontalAdvance("unsure") + 5
    bar = QRect(x, place.y() + 2, _LEGEND_WIDTH, place.height() - 4)
    gradient = QLinearGradient(bar.left(), 0, bar.right(), 0)
    for position, color in STOPS:
        gradient.setColorAt(position, QColor(*color))
    painter.fillRect(bar, gradient)
    x = bar.right() + 6
    painter.drawText(x, baseline, "sure")
    x += metrics.horizontalAdvance("sure") + 14
    draw_diamond(painter, QPointF(x, bar.center().y() + 0.5))
    painter.setPen(faint)
    painter.drawText(x + 8, baseline, "prompted or accepted")
