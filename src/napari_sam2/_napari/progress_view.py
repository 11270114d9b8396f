"""How far things are, and the sentence below; drawn seldom, for each redraw makes Qt compose the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_sam2._napari.still_label import StillLabel

if TYPE_CHECKING:
    from napari_sam2._napari.messages import Encoded
    from napari_sam2.results import Progress

__all__ = ["ProgressView"]

_PATIENCE_MS = 300
_BEATS = 4  # of a bar that moves without a total
_BEAT_MS = 500  # Qt's own moves thirty times a second


class ProgressView(QWidget):
    """A thin bar for what is encoded ahead, one for what the user waits for, and a sentence.

    Attributes
    ----------
    bar, encoded : QProgressBar
        The two bars.
    text : StillLabel
        The sentence.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setFormat("")  # to hide the text instead would draw the window at once
        self.encoded = QProgressBar()
        self.encoded.setFixedHeight(4)
        self.encoded.setTextVisible(False)
        self.text = StillLabel(lines=2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for part in (self.encoded, self.bar, self.text):
            layout.addWidget(part)
        self._pulse = QTimer(self)
        self._pulse.timeout.connect(self._beat)

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far it is; without a total, that something takes its time, once it does."""
        if progress is not None and not progress.total:
            if not self._pulse.isActive():
                self._pulse.start(_PATIENCE_MS)
            return
        self._pulse.stop()
        self.bar.setUpdatesEnabled(False)  # else Qt draws at once, and not with all the rest
        if progress is None:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)
            self.bar.setFormat("")
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

    def _beat(self) -> None:
        self._pulse.setInterval(_BEAT_MS)
        if self.bar.maximum() != _BEATS:
            self.bar.setRange(0, _BEATS)
            self.bar.setFormat("")
        self.bar.setValue(self.bar.value() % _BEATS + 1)
