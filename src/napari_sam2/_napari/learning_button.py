"""The button that opens "Learn from this session", and what follows from it for the session."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from napari_sam2._napari.learning_dialog import LearningDialog
from napari_sam2._napari.learning_jobs import Experience, LearningJobs, experience_of

if TYPE_CHECKING:
    from napari_sam2._napari.controller import Controller

__all__ = ["LearningButton"]


class LearningButton(QPushButton):
    """Open the dialog on what the session has to learn from, and let the session use what was learned.

    Parameters
    ----------
    jobs : LearningJobs, optional
        What the dialog's worker does.

    Attributes
    ----------
    dialog : LearningDialog or None
        Once it was opened.
    """

    _collected = Signal(object)

    def __init__(self, jobs: LearningJobs | None = None) -> None:
        super().__init__("Learn ...")
        self.setToolTip(
            "Learn from this session: a copy of the model that knows your objects better,\n"
            "from the masks that you corrected, painted or accepted."
        )
        self._jobs = jobs or LearningJobs()
        self._controller: Controller | None = None
        self.dialog: LearningDialog | None = None
        self._collected.connect(self._on_collected)
        self.clicked.connect(self.open_dialog)

    def connect_to(self, controller: Controller) -> None:
        """Let a controller do what is asked."""
        self._controller = controller

    def open_dialog(self) -> None:
        """Ask the session what there is, and show the dialog."""
        if self._controller is None or self._controller.binding is None:
            return
        if self.dialog is None:
            self.dialog = LearningDialog(self._jobs, self)
            self.dialog.learned.connect(self._controller.use_model)
        outcome: Future[Experience] = Future()
        outcome.add_done_callback(self._collected.emit)  # on the worker's thread
        self._controller.call(experience_of, outcome, is_step=False)
        self.dialog.show()
        self.dialog.raise_()

    def end(self) -> None:
        """Stop what the dialog does."""
        if self.dialog is not None:
            self.dialog.end()

    def _on_collected(self, outcome: Future[Experience]) -> None:
        if self.dialog is None:
            return
        error = outcome.exception()
        if error is None:
            self.dialog.show_experience(outcome.result())
        else:
            self.dialog.show_problem(str(error))
