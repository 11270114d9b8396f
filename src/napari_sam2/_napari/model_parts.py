"""The parts of the model picker: lists, texts and signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QComboBox, QLabel, QSizePolicy

from napari_sam2._napari.model_facts import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2._napari.model_facts import DeviceFacts, ModelFacts

__all__ = ["device_items", "fill", "place_icon", "place_of", "tipped_list", "wrapping_text"]

_NARROW = 12  # letters that a list asks room for


def tipped_list(tip: str) -> QComboBox:
    """Make a list that stays narrow, with a tooltip."""
    box = QComboBox()
    box.setToolTip(tip)
    box.setMinimumContentsLength(_NARROW)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def wrapping_text() -> QLabel:
    """Make a text that may take several lines and can be copied."""
    label = QLabel()
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def fill(
    box: QComboBox, items: list[tuple[str, Any, str]], is_chosen: Callable[[Any], bool]
) -> None:
    """Offer (text, data, tooltip), and choose one without saying so."""
    box.blockSignals(True)
    box.clear()
    for index, (text, data, tip) in enumerate(items):
        box.addItem(text, data)
        box.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        if is_chosen(data):
            box.setCurrentIndex(index)
    box.blockSignals(False)


def device_items(devices: tuple[DeviceFacts, ...]) -> list[tuple[str, Any, str]]:
    """Return what a list of devices offers: (text, data, tooltip)."""
    default = next((d.device for d in devices if d.is_default), "")
    first = f"best here ({default})" if default else "best here"
    items: list[tuple[str, Any, str]] = [(first, AUTO, "A graphics card if there is one.")]
    return items + [(f"{d.device}: {d.name}", d.device, d.name) for d in devices]


def place_of(facts: ModelFacts) -> str:
    """Say where the weights are."""
    if not facts.source:
        return "bundled"
    return "on this machine" if facts.is_here else "not on this machine yet"


def place_icon(is_here: bool, ink: QColor) -> QIcon:
    """Draw a disc for what is here, and an arrow onto a line for what would be fetched."""
    picture = QPixmap(14, 14)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if is_here:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawEllipse(QPointF(7, 7), 3, 3)
    else:
        painter.setPen(QPen(ink, 1.5))
        painter.drawPolyline(QPolygonF([QPointF(3.5, 6), QPointF(7, 9.5), QPointF(10.5, 6)]))
        painter.drawLine(QPointF(7, 1.5), QPointF(7, 9))
        painter.drawLine(QPointF(2.5, 12.5), QPointF(11.5, 12.5))
    painter.end()
    return QIcon(picture)
