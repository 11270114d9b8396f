"""How far things are, and the sentence below; drawn seldom, for each redraw makes Qt compose the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_sam2._napari.messages import Encoded
    from napari_sam2.results import Progress

__all__ = ["ProgressView"]

_PATIENCE_MS = 300
_LEADING = 4


class ProgressView(QWidget):
    """A thin bar for what is encoded ahead, one for what the user waits for, and a sentence.

    Attributes
    ----------
    bar, encoded : QProgressBar
        The two bars.
    text : QLabel
        The sentence.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.encoded = QProgressBar()
        self.encoded.setFixedHeight(4)
        self.encoded.setTextVisible(False)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for part in (self.encoded, self.bar, self.text):
            layout.addWidget(part)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._show_busy)

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far it is; without a total, that something takes its time, once it does."""
        known = progress is not None and progress.total > 0
        if known != self.bar.isTextVisible():
            self.bar.setTextVisible(known)
        if progress is not None and not known:
            if not self._patience.isActive() and self.bar.maximum():
                self._patience.start()
            return
        self._patience.stop()
        self.bar.setUpdatesEnabled(False)  # else Qt draws at once, and not with all the rest
        if progress is None:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)
        else:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            self.bar.setFormat(f"{progress.what}: %v of %m")
        self.bar.setUpdatesEnabled(True)

    def show_encoded(self, encoded: Encoded | None) -> None:
        """Show how far the encoding is, until it is done."""
        self.encoded.setVisible(encoded is not None and encoded.done < encoded.total)
        if encoded is not None:
            self.encoded.setRange(0, encoded.total)
            self.encoded.setValue(encoded.done)
            self.encoded.setToolTip(
                f"{encoded.done} of {encoded.total} planes are encoded ahead: a click there is "
                "answered at once."
            )

    def showEvent(self, event: Any) -> None:
        """Keep room for two lines of the font that the window has given by now."""
        super().showEvent(event)
        self.text.setMinimumHeight(2 * self.text.fontMetrics().lineSpacing() + _LEADING)

    def _show_busy(self) -> None:
        self.bar.setRange(0, 0)
