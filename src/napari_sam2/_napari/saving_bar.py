"""Save and open sessions, and go on with what a crash left behind: buttons and a notice over the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_sam2._napari.recovery import (
    RecoveryNotice,
    ask_folder_to_open,
    ask_folder_to_save,
    suggest_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image

    from napari_sam2._napari.controller import Controller
    from napari_sam2._napari.keeping import Unsaved

__all__ = ["SavingBar"]


class SavingBar(QWidget):
    """Ask for folders, and hand them to the controller.

    Attributes
    ----------
    notice : RecoveryNotice
        Shown where there is unsaved work on the image.
    save, open : QPushButton
        To be laid out by the widget.
    """

    def __init__(self) -> None:
        super().__init__()
        self._image: Image | None = None
        self._folder: Path | None = None
        self.notice = RecoveryNotice()
        self.save = QPushButton("Save")
        self.save.setToolTip(
            "Save prompts, masks and labels in a folder, from which the work can go on.\n"
            "Everything is also kept by itself, and offered again after a crash."
        )
        self.open = QPushButton("Open ...")
        self.open.setToolTip("Go on with a session of this image that was saved.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.notice)

    def connect_to(self, controller: Controller) -> None:
        """Let a controller do what is asked."""
        self.save.clicked.connect(lambda: self._save(controller))
        self.open.clicked.connect(lambda: self._open(controller))
        self.notice.go_on.connect(lambda info: controller.open_folder(info.folder))
        self.notice.discard.connect(lambda info: controller.discard(info.folder))

    def begin(self, image: Image | None) -> None:
        """Forget the folder and the notice of another image."""
        self._image, self._folder = image, None
        self.notice.hide()

    def show_unsaved(self, unsaved: Unsaved) -> None:
        """Tell what was left behind."""
        self.notice.show_found(unsaved.found)

    def _suggested(self) -> Path:
        source = self._image.source.path if self._image is not None else None
        name = self._image.name if self._image is not None else "image"
        return self._folder or suggest_folder(name, source)

    def _save(self, controller: Controller) -> None:
        folder = ask_folder_to_save(self, self._suggested())
        if folder is not None:
            self._folder = folder
            controller.save(folder)

    def _open(self, controller: Controller) -> None:
        folder = ask_folder_to_open(self, self._suggested().parent)
        if folder is not None:
            self._folder = folder
            self.notice.hide()
            controller.open_folder(folder)
