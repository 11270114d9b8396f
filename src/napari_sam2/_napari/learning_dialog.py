"""The dialog of "Learn from this session", with a worker of its own, so that the session goes on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.learning_curve import LearningCurve
from napari_sam2._napari.learning_jobs import (
    Experience,
    Learn,
    LearningJobs,
    Look,
    NewModel,
)
from napari_sam2._napari.model_parts import wrapping_text
from napari_sam2._napari.worker import Worker
from napari_sam2.results import Progress

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_sam2._napari.learning_jobs import LearningAnswer

__all__ = ["LearningDialog"]

_WIDTH, _HEIGHT = 420, 420
_FEW = 5
_INTRO = (
    "A copy of the model learns from the masks that you corrected, painted or accepted. A quarter of the objects is held "
    "out: the copy is kept only if it is better on them."
)


class LearningDialog(QDialog):
    """Ask for a name and a time, show how it goes, and tell of the new model.

    Parameters
    ----------
    jobs : LearningJobs
        What the worker does.
    parent : QWidget, optional
        As usual.

    Attributes
    ----------
    learned : Signal(str)
        There is a new model of this name.
    """

    learned = Signal(str)

    def __init__(self, jobs: LearningJobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("SAM 2: learn from this session")
        self.setWindowFlag(Qt.WindowType.WindowContextHelpButtonHint, False)
        self._experience: Experience | None = None
        self._jobs = jobs
        self._worker: Worker | None = None
        self._connections = Connections()
        self._build()
        self._lay_out()
        self._show_running(False)

    @property
    def is_learning(self) -> bool:
        """Whether a model learns now."""
        return self.stop.isEnabled()

    # build, lay out

    def _build(self) -> None:
        self.intro, self.has, self.text = (wrapping_text() for _ in range(3))
        self.intro.setText(_INTRO)
        self.name = QLineEdit("my-cells")
        self.name.setToolTip(
            "Of the new model: small letters, digits, dots and dashes. It is listed beside the others."
        )
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.5, 120)
        self.minutes.setValue(5)
        self.minutes.setDecimals(1)
        self.minutes.setSuffix(" minutes")
        self.minutes.setToolTip("At most; it ends earlier when nothing is gained any more.")
        self.curve = LearningCurve()
        self.progress = QProgressBar()
        self.progress.setRange(0, 100)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop here, and keep the best so far if it is better than before.")
        self.stop.clicked.connect(self._on_stop)
        self.begin = QPushButton("Learn")
        self.begin.setToolTip("Begin; the session can be used meanwhile.")
        self.begin.clicked.connect(self._on_begin)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setVerticalSpacing(6)
        form.addRow("Learns from", self.has)
        form.addRow("Name", self.name)
        form.addRow("Time", self.minutes)
        running = QHBoxLayout()
        running.addWidget(self.progress, 1)
        running.addWidget(self.stop)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.hide)
        buttons.addButton(self.begin, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(self.intro)
        layout.addLayout(form)
        layout.addWidget(self.curve, 1)
        layout.addLayout(running)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        self.resize(_WIDTH, _HEIGHT)

    # what others set

    def show_experience(self, experience: Experience) -> None:
        """Show what there is to learn from."""
        self._experience = experience
        masks, objects = experience.counts
        self.has.setText(f"{masks} masks of {objects} objects")
        few = "These are few: five objects or more are better." if objects < _FEW else ""
        if not self.is_learning:
            self.text.setText(few)
            self._show_running(False)

    def show_problem(self, text: str) -> None:
        """Say why there is nothing to learn from."""
        self._experience = None
        self.has.setText("nothing yet")
        self.text.setText(text)
        self._show_running(False)

    def end(self) -> None:
        """Stop what runs; what is better already is kept."""
        self._connections.close()
        if self._worker is not None:
            self._worker.close()

    # inside

    def _on_begin(self) -> None:
        if self._experience is None:
            return
        if self._worker is None:
            self._worker = Worker(self._jobs.serve)
            self._connections.add(
                connect(self._worker.answered, self._on_answer),
                connect(self._worker.failed, self._on_failed),
                connect(self._worker.finished, self._on_finished),
            )
        self.curve.show_looks(())
        self.text.setText("")
        self._show_running(True)
        name = self.name.text().strip()
        self._worker.submit(Learn(name, self._experience, self.minutes.value()))

    def _on_stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self.stop.setEnabled(False)
            self.text.setText("Stopping ...")

    def _on_answer(self, _number: int, answer: LearningAnswer) -> None:
        match answer:
            case Progress():
                self.progress.setRange(0, 100)
                self.progress.setValue(answer.done)
            case Look():
                self.curve.show_looks([*self.curve.looks, answer])
            case NewModel():
                self.text.setText(
                    f"{answer.name} is better: IoU {answer.after:.2f} instead of {answer.before:.2f} on {answer.held_out} objects that "
                    "were held out (mean after one and three clicks). It is used from now on; the model before it stays as it was."
                )
                self.learned.emit(answer.name)

    def _on_failed(self, _number: int, error: Exception) -> None:
        self.text.setText(str(error))
        self._show_running(False)

    def _on_finished(self, _number: int) -> None:
        self._show_running(False)

    def _show_running(self, on: bool) -> None:
        self.begin.setEnabled(not on and self._experience is not None)
        self.name.setEnabled(not on)
        self.minutes.setEnabled(not on)
        self.stop.setEnabled(on)
        self.progress.setRange(0, 0 if on else 100)
        self.progress.setValue(0)

    def keyPressEvent(self, event: Any) -> None:
        """Esc hides the dialog, and nothing else; what learns goes on."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
