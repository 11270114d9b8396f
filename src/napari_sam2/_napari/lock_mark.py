"""A padlock in a table's cell: dark where it is closed, faint where it is open."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QStyle, QStyledItemDelegate

__all__ = ["LockDelegate"]

_OPEN_ALPHA = 70


class LockDelegate(QStyledItemDelegate):
    """Draw the check state of a cell as a padlock; a click, or Space, changes it."""

    def paint(self, painter: Any, option: Any, index: Any) -> None:
        """Draw the cell's ground and the padlock."""
        style = option.widget.style()
        style.drawPrimitive(
            QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget
        )
        closed = index.data(Qt.ItemDataRole.CheckStateRole) in (
            Qt.CheckState.Checked,
            Qt.CheckState.Checked.value,
        )
        ink = option.widget.palette().windowText().color()
        draw_padlock(painter, QPointF(QRectF(option.rect).center()), ink, closed)

    def editorEvent(self, event: Any, model: Any, option: Any, index: Any) -> bool:
        """Change the lock."""
        clicked = (
            event.type() == QEvent.Type.MouseButtonRelease
            and event.button() == Qt.MouseButton.LeftButton
            and option.rect.contains(event.pos())
        )
        pressed = event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Space
        if not (clicked or pressed):
            return False
        return bool(model.setData(index, None, Qt.ItemDataRole.CheckStateRole))


def draw_padlock(painter: QPainter, center: QPointF, ink: QColor, closed: bool) -> None:
    """Draw a padlock of 11 by 13 pixels."""
    color = QColor(ink)
    if not closed:
        color.setAlpha(_OPEN_ALPHA)
    x, y = center.x(), center.y()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color, 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shift = 0.0 if closed else 5.0  # an open shackle hangs beside the body
    painter.drawArc(QRectF(x - 3 + shift, y - 6, 6, 8), 0, 180 * 16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(x - 5, y - 1.5, 10, 7.5), 1.5, 1.5)
    painter.restore()
