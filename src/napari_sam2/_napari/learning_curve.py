"""How good a learning model is on the objects that were held out, over the time that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_sam2._napari.strip_marks import small_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2._napari.learning_jobs import Look

__all__ = ["LearningCurve"]

_LEFT: Final = 30
_MARGIN: Final = 8
_LINE: Final = QColor(70, 150, 150)
_EMPTY_TEXT: Final = "How good it is on objects that it does not learn from appears here."


class LearningCurve(QWidget):
    """Draw the IoU, 0 to 1, over the time that is given."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.looks: list[Look] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Learning curve")
        self.setToolTip(
            "IoU on the objects that were held out, mean after one and after three clicks: 1 is perfect."
        )

    def show_looks(self, looks: Sequence[Look]) -> None:
        """Show all that is known."""
        self.looks = list(looks)
        self.update()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(360, 120)

    def minimumSizeHint(self) -> QSize:
        """Just readable."""
        return QSize(200, 90)

    def paintEvent(self, _event: Any) -> None:
        """Draw axes, and the line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small_font(self.font()))
        ink = self.palette().text().color()
        place = QRectF(self.rect()).adjusted(_LEFT, _MARGIN, -_MARGIN, -_MARGIN)
        faint = QColor(ink)
        faint.setAlpha(60)
        for value in (0.0, 0.5, 1.0):
            y = place.bottom() - value * place.height()
            painter.setPen(QPen(faint, 1))
            painter.drawLine(QPointF(place.left(), y), QPointF(place.right(), y))
            painter.setPen(ink)
            beside = QRectF(0, y - 7, _LEFT - 5, 14)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight, f"{value:g}")
        if self.looks:
            self._draw_line(painter, place)
        else:
            painter.drawText(
                place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, _EMPTY_TEXT
            )
        painter.end()

    def _draw_line(self, painter: QPainter, place: QRectF) -> None:
        points = [
            QPointF(
                place.left() + look.done * place.width(),
                place.bottom() - look.iou * place.height(),
            )
            for look in self.looks
        ]
        painter.setPen(QPen(_LINE, 2))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(_LINE)
        for point in points:
            painter.drawEllipse(point, 2.5, 2.5)
