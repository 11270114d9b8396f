"""Room for more widgets, which is not seen while it is empty."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

__all__ = ["Area", "Areas"]


class Area(QWidget):
    """One page; widgets are added to its layout.

    Attributes
    ----------
    box : QVBoxLayout
        Of the page.
    """

    def __init__(self) -> None:
        super().__init__()
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 6, 0, 0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added yet."""
        return self.box.count() == 0


class Areas(QTabWidget):
    """Pages that are seen once something is in them, and that are seen only when they are wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self._pages: list[Area] = []
        self._soon = QTimer(self)  # a widget joins the layout after it has got its parent
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.look)
        self._is_wanted = False

    def add(self, title: str, tip: str) -> QVBoxLayout:
        """Add a page and return the layout that its widgets go into."""
        page = Area()
        page.installEventFilter(self)
        self._pages.append(page)
        index = self.addTab(page, title)
        self.setTabToolTip(index, tip)
        self.look()
        return page.box

    def want(self, on: bool) -> None:
        """Show the pages that are not empty, or none."""
        self._is_wanted = on
        self.look()

    def look(self) -> None:
        """See which pages are empty."""
        for index, page in enumerate(self._pages):
            if self.isTabVisible(index) == page.is_empty:  # else Qt would lay the window out again
                self.setTabVisible(index, not page.is_empty)
        self.setVisible(self._is_wanted and not all(page.is_empty for page in self._pages))

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Notice what comes and goes."""
        if event.type() in (QEvent.Type.ChildAdded, QEvent.Type.ChildRemoved):
            self._soon.start(0)
        return False
