"""The model picker in a window of its own, with a worker of its own: a download disturbs no session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QVBoxLayout

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.model_choice import ModelPicker
from napari_sam2._napari.model_facts import (
    DescribeMachine,
    Downloaded,
    EstimateSpeed,
    FetchModel,
    MachineFacts,
    NotDownloaded,
    Speed,
)
from napari_sam2._napari.worker import Worker
from napari_sam2.results import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_sam2._napari.model_facts import ModelAnswer, ModelPick
    from napari_sam2._napari.model_jobs import ModelJobs

__all__ = ["ModelDialog"]

_WIDTH, _HEIGHT = 420, 400


class ModelDialog(QDialog):
    """Show models, devices and precisions; the window behind it stays usable.

    Parameters
    ----------
    jobs : ModelJobs
        What the worker does.
    pick : ModelPick
        What is chosen at first.
    parent : QWidget, optional
        As usual.
    ask : callable, optional
        See `ModelPicker`.

    Attributes
    ----------
    picked : Signal(object)
        Another `ModelPick` was chosen.
    arrived : Signal(str)
        The weights of this model were downloaded.
    preferred : Signal(object)
        The user wants to begin with this `ModelPick` from now on.
    """

    picked = Signal(object)
    arrived = Signal(str)
    preferred = Signal(object)

    def __init__(
        self,
        jobs: ModelJobs,
        pick: ModelPick,
        parent: QWidget | None = None,
        ask: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("SAM 2: model")
        self.setWindowFlag(Qt.WindowType.WindowContextHelpButtonHint, False)
        self.picker = ModelPicker(ask=ask)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.hide)
        self.prefer = QPushButton("Use as default")
        self.prefer.setToolTip("Begin with this model, device and precision from now on.")
        self.prefer.clicked.connect(self._on_prefer)
        buttons.addButton(self.prefer, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.addWidget(self.picker, 1)
        layout.addWidget(buttons)
        self.resize(_WIDTH, _HEIGHT)
        self._wanted: ModelPick | None = pick
        self._worker = Worker(jobs.serve)
        self._connections = Connections()
        self._connections.add(
            connect(self._worker.answered, self._on_answer),
            connect(self._worker.failed, self._on_failed),
        )
        self.picker.picked.connect(self._on_picked)
        self.picker.speed_asked.connect(self._on_speed_asked)
        self.picker.download_asked.connect(self._on_download_asked)
        self.picker.cancel_asked.connect(self._worker.stop)
        self._worker.submit(DescribeMachine())

    def show_pick(self, pick: ModelPick) -> None:
        """Show what was chosen elsewhere."""
        if self.picker.facts is None:
            self._wanted = pick
        else:
            self.picker.set_pick(pick)

    def end(self) -> None:
        """Stop what runs; what arrived of a download is kept."""
        self._connections.close()
        self._worker.close()

    def _on_answer(self, _number: int, answer: ModelAnswer) -> None:
        match answer:
            case MachineFacts():
                wanted, self._wanted = self._wanted, None
                self.picker.show_machine(answer, wanted)
            case Speed():
                self.picker.show_speed(answer)
            case Progress():
                self.picker.show_progress(answer)
            case Downloaded(name):
                self.arrived.emit(name)
            case NotDownloaded():
                self.picker.show_stopped()

    def _on_failed(self, _number: int, error: Exception) -> None:
        self.picker.show_problem(str(error))

    def _on_picked(self, pick: ModelPick) -> None:
        self.picked.emit(pick)

    def _on_prefer(self) -> None:
        if self.picker.pick is not None:
            self.preferred.emit(self.picker.pick)

    def _on_speed_asked(self, pick: ModelPick) -> None:
        self._worker.submit(EstimateSpeed(pick))

    def _on_download_asked(self, name: str) -> None:
        self._worker.submit(FetchModel(name))
