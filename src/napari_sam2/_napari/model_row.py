"""The list of models in the widget, and the button to all there is to know about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget

from napari_sam2._napari.backend import BUNDLED
from napari_sam2._napari.model_dialog import ModelDialog
from napari_sam2._napari.model_facts import ModelPick
from napari_sam2._napari.model_parts import tipped_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_sam2._napari.messages import ModelChoice
    from napari_sam2._napari.model_jobs import ModelJobs

__all__ = ["ModelRow"]


class ModelRow(QWidget):
    """Choose a model; device and precision are in the dialog behind the button.

    Parameters
    ----------
    jobs : ModelJobs
        What the dialog asks its worker.

    Attributes
    ----------
    changed : Signal()
        Model, device or precision were chosen by the user.
    preferred : Signal(object)
        The user wants to begin with this `ModelPick` from now on.
    list : QComboBox
        The models.
    more : QToolButton
        Opens the dialog.
    is_complete : bool
        Whether all models are listed, and not only the bundled one.
    dialog : ModelDialog or None
        Once it was opened.
    """

    changed = Signal()
    preferred = Signal(object)

    def __init__(self, jobs: ModelJobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._pick = ModelPick(BUNDLED.name)
        self.dialog: ModelDialog | None = None
        self.list = tipped_list("SAM 2 comes in several sizes: larger ones are better and slower.")
        self.more = QToolButton()
        self.more.setText("More")
        self.more.setToolTip("Size, licence, device, precision and expected speed; downloads.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.more)
        self.is_complete = False
        self._fill((BUNDLED,))
        self.list.currentIndexChanged.connect(self._on_list)
        self.more.clicked.connect(self.open_dialog)

    @property
    def choice(self) -> ModelChoice:
        """What the list shows."""
        choice: ModelChoice = self.list.currentData()
        return choice

    @property
    def pick(self) -> ModelPick:
        """Model, device and precision."""
        return replace(self._pick, name=self.choice.name)

    def offer(self, models: Iterable[ModelChoice]) -> None:
        """Offer these models, which are all; the choice stays if it can."""
        self.is_complete = True
        self._fill(models)

    def _fill(self, models: Iterable[ModelChoice]) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for row, choice in enumerate(models):
            self.list.addItem(choice.title, choice)
            self.list.setItemData(row, choice.note, Qt.ItemDataRole.ToolTipRole)
        self.list.blockSignals(False)
        self.take(self._pick)

    def take(self, pick: ModelPick) -> None:
        """Choose; a model that is not offered (yet) is kept in mind, and the list shows the first until then."""
        self._pick = pick
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            if self.list.itemData(row).name == pick.name:
                self.list.setCurrentIndex(row)
        self.list.blockSignals(False)

    def open_dialog(self) -> None:
        """Show what there is to know; made when it is first asked for."""
        if self.dialog is None:
            self.dialog = ModelDialog(self._jobs, self.pick, self)
            self.dialog.preferred.connect(self.preferred)
            self.dialog.picked.connect(self._on_dialog)
            self.dialog.arrived.connect(self._on_arrived)
        self.dialog.show_pick(self.pick)
        self.dialog.show()
        self.dialog.raise_()

    def end(self) -> None:
        """Stop what the dialog does."""
        if self.dialog is not None:
            self.dialog.end()

    def _on_list(self, _row: int) -> None:
        self._pick = self.pick
        if self.dialog is not None:
            self.dialog.show_pick(self._pick)
        self.changed.emit()

    def _on_dialog(self, pick: ModelPick) -> None:
        if pick != self._pick:
            self.take(pick)
            self.changed.emit()

    def _on_arrived(self, name: str) -> None:
        """Ask no more whether to download."""
        models = [self.list.itemData(row) for row in range(self.list.count())]
        self.offer(replace(m, title=m.name, question="") if m.name == name else m for m in models)
