"""A text that may change often: a `QLabel` lays the whole window out again, and draws it twice, for every change."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

__all__ = ["StillLabel"]

_LEADING = 4


class StillLabel(QWidget):
    """A text of some lines, wrapped; its height changes only where it does not fit.

    Parameters
    ----------
    lines : int
        For which there is always room.
    """

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self._label = QLabel(self)  # in no layout: nobody above hears of its changes
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def text(self) -> str:
        """Return the text."""
        return str(self._label.text())

    def setText(self, text: str) -> None:
        """Show another text."""
        if text != self._label.text():
            self._label.setText(text)
            self._fit()

    def resizeEvent(self, event: Any) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: Any) -> None:
        """Fit the font that the window has given by now."""
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = self.width()
        room = self._lines * self._label.fontMetrics().lineSpacing() + _LEADING
        height = max(room, self._label.heightForWidth(width))
        self._label.setGeometry(0, 0, width, height)
        if height != self.minimumHeight():
            self.setFixedHeight(height)
