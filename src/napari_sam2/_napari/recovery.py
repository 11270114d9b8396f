"""The notice about unsaved work, and the dialogs that choose a folder to save to or to open."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QRect, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_sam2._napari.notices import agrees

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_sam2.session import JournalInfo

__all__ = [
    "RecoveryNotice",
    "ask_folder_to_open",
    "ask_folder_to_save",
    "describe",
    "is_session_folder",
    "refusal_to_save",
    "suggest_folder",
    "when",
    "with_suffix",
]

_BAR = 4
_ATTENTION = QColor(245, 166, 35)
_SUFFIX = ".sam2session"
_SAVED = "session.json"
_JOURNAL = "journal.jsonl"


class RecoveryNotice(QFrame):
    """Say that there is unsaved work on an image, and ask what to do; it stops nobody from working.

    Parameters
    ----------
    parent : QWidget, optional
        As usual.
    ask : callable, optional
        Takes a question, returns whether the user agrees; by default a message box.

    Attributes
    ----------
    go_on : Signal(object)
        Open this `JournalInfo`.
    discard : Signal(object)
        Throw this `JournalInfo` away; the user was asked again.
    later : Signal()
        Leave everything as it is; the notice comes again when the image is opened next time.
    """

    go_on = Signal(object)
    discard = Signal(object)
    later = Signal()

    def __init__(
        self, parent: QWidget | None = None, ask: Callable[[str], bool] | None = None
    ) -> None:
        super().__init__(parent)
        self._ask = ask or self._ask_user
        self._found: list[JournalInfo] = []
        self._build()
        self._lay_out()
        self.go_on_button.clicked.connect(self._on_go_on)
        self.discard_button.clicked.connect(self._on_discard)
        self.later_button.clicked.connect(self._on_later)
        self.hide()

    def _build(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.text = QLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.go_on_button = QPushButton("Go on")
        self.go_on_button.setToolTip("Open it: everything that was shown is there.")
        self.discard_button = QPushButton("Discard")
        self.discard_button.setToolTip("Throw it away; you are asked again.")
        self.later_button = QPushButton("Later")
        self.later_button.setToolTip("Keep it, and start anew; you are asked again next time.")

    def paintEvent(self, _event: Any) -> None:
        """Draw a bar at the left, and a ground that sets the notice off."""
        painter = QPainter(self)
        ground = self.palette().windowText().color()
        ground.setAlpha(18)
        painter.fillRect(self.rect(), ground)
        painter.fillRect(QRect(0, 0, _BAR, self.height()), _ATTENTION)
        painter.end()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.go_on_button, self.discard_button, self.later_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8 + _BAR, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.text)
        layout.addLayout(buttons)

    def show_found(self, found: Sequence[JournalInfo]) -> None:
        """Show what was left behind, the newest first; nothing hides the notice."""
        self._found = list(found)
        if self._found:
            self.text.setText(describe(self._found[0], len(self._found) - 1))
        self.setVisible(bool(self._found))

    def _on_go_on(self) -> None:
        chosen = self._found[0]
        self.show_found(())
        self.go_on.emit(chosen)

    def _on_discard(self) -> None:
        chosen = self._found[0]
        n = _count(len(chosen.object_ids))
        if self._ask(f"Throw away {n} from {when(chosen.changed)}? This cannot be undone."):
            self.show_found(self._found[1:])
            self.discard.emit(chosen)

    def _on_later(self) -> None:
        self.show_found(())
        self.later.emit()

    def _ask_user(self, question: str) -> bool:
        return agrees(self, question, by_default=False)


def describe(info: JournalInfo, n_older: int = 0) -> str:
    """Say what there is to go on with."""
    text = (
        f"There is unsaved work on this image from {when(info.changed)}: "
        f"{_count(len(info.object_ids))}, made with {info.model}."
    )
    return text + (f" And {n_older} older." if n_older else "")


def when(moment: datetime, now: datetime | None = None) -> str:
    """Say a time as people do: "today 14:05", "yesterday 9:30", "3 November 2026, 14:05"."""
    now = now or datetime.now().astimezone()
    clock = f"{moment.hour}:{moment:%M}"
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"today {clock}"
    if days == 1:
        return f"yesterday {clock}"
    return f"{moment.day} {moment:%B %Y}, {clock}"


def _count(n: int) -> str:
    return f"{n} object{'' if n == 1 else 's'}"


# saved sessions


def ask_folder_to_save(parent: QWidget | None, suggested: Path) -> Path | None:
    """Let the user choose where a session is saved.

    Parameters
    ----------
    parent : QWidget or None
        Whose dialog it is.
    suggested : Path
        The folder of the session so far, or one beside the image.

    Returns
    -------
    Path or None
        A new folder, or a saved session that the user agreed to replace; None if it was cancelled.
    """
    path = suggested
    while True:
        chosen, _ = QFileDialog.getSaveFileName(
            parent,
            "Save session",
            str(path),
            f"SAM 2 session (*{_SUFFIX})",
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if not chosen:
            return None
        path = with_suffix(Path(chosen))
        refusal = refusal_to_save(path)
        if refusal:
            QMessageBox.warning(parent, "SAM 2", refusal)
        elif not path.exists() or path == suggested or _agrees_to_replace(parent, path):
            return path


def ask_folder_to_open(parent: QWidget | None, start: Path) -> Path | None:
    """Let the user choose a saved session; None if it was cancelled."""
    while True:
        chosen = QFileDialog.getExistingDirectory(parent, "Open session", str(start))
        if not chosen:
            return None
        if is_session_folder(Path(chosen)):
            return Path(chosen)
        QMessageBox.warning(
            parent,
            "SAM 2",
            f"{chosen} is not a saved session; choose the folder that was saved, its name usually "
            f"ends in {_SUFFIX}.",
        )


def suggest_folder(image_name: str, image_path: str | None) -> Path:
    """Propose where to save: beside the image's file, or in the home folder."""
    folder = Path(image_path).parent if image_path else Path.home()
    safe = "".join(c if c.isalnum() or c in " ._-" else "-" for c in image_name).strip() or "image"
    return folder / f"{safe}{_SUFFIX}"


def is_session_folder(folder: Path) -> bool:
    """Whether a folder holds a saved session, or a journal."""
    return (folder / _SAVED).is_file() or (folder / _JOURNAL).is_file()


def refusal_to_save(folder: Path) -> str:
    """Say why a session can't be saved there; "" if it can."""
    if folder.is_dir() and any(folder.iterdir()) and not is_session_folder(folder):
        return f"{folder} holds something else; choose a new name, so that nothing is lost."
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file, and a session is a folder; choose another name."
    return ""


def with_suffix(folder: Path) -> Path:
    """Add our suffix to a new folder's name; a session that exists keeps its name."""
    if folder.exists() or folder.suffix == _SUFFIX:
        return folder
    return folder.with_name(folder.name + _SUFFIX)


def _agrees_to_replace(parent: QWidget | None, folder: Path) -> bool:
    question = f"{folder.name} is a saved session. Replace it?"
    return agrees(parent, question, by_default=False)
