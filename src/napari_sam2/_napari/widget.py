"""The dock widget: a thin skin over the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sam2._napari.backend import BUNDLED, Backend
from napari_sam2._napari.choices import AxisChoice, ImageChoice, WindowChoice
from napari_sam2._napari.controller import Controller
from napari_sam2._napari.host import Host
from napari_sam2._napari.state import Phase, State
from napari_sam2._napari.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import napari
    from napari.layers import Image

    from napari_sam2._napari.messages import ModelChoice
    from napari_sam2.results import Progress

__all__ = ["SegmentWidget"]

_HIGHEST_ID = 65535  # what the Labels layer holds
_NO_IMAGE = "Open an image first: File > Open, or File > Open Sample > SAM 2."
_PRESS_START = "Press Start, then click on an object."


class SegmentWidget(QWidget):
    """Segment the objects of an image by clicking on them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the images are.
    backend : Backend, optional
        Where models and sessions come from.
    """

    def __init__(self, viewer: napari.viewer.Viewer, backend: Backend | None = None) -> None:
        super().__init__()
        viewer = getattr(viewer, "__wrapped__", viewer)  # layers are compared with "is"
        self._build(viewer)
        self._lay_out()
        self.controller = Controller(viewer, Worker(Host(backend or Backend()).serve), self)
        self._connect()
        self._on_image_chosen()

    # build, lay out, connect

    def _build(self, viewer: napari.viewer.Viewer) -> None:
        self.image = ImageChoice(viewer)
        self.image.setToolTip("The image to segment: 2-D, a z-stack, a time-lapse or 4-D.")
        self.model = QComboBox()
        self.model.setMinimumContentsLength(14)
        self.model.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.axis = AxisChoice()
        self.axis.setToolTip("Objects are carried along this axis; the others stay where they are.")
        self.window_side = WindowChoice()
        self.window_side.setToolTip(
            "How much of the plane the model sees around each object. For small objects in a large\n"
            "image, about four object diameters is better and faster. 0 is the whole plane."
        )
        self.show_models((BUNDLED,))
        self.start = QPushButton("Start")
        self.object_id = QSpinBox()
        self.object_id.setRange(1, _HIGHEST_ID)
        self.object_id.setToolTip("The object that your clicks speak of: its value in the labels.")
        self.color = QLabel()
        self.color.setFixedSize(22, 22)
        self.color.setToolTip("The colour of this object.")
        self.new_object = QPushButton("New object")
        self.new_object.setToolTip("The next clicks make a new object.")
        self.clicking = QPushButton("Click on objects")
        self.clicking.setCheckable(True)
        self.clicking.setToolTip(
            "While this is on, a click adds to the object, and Shift+click (or a right click) takes a\n"
            "place away. Dragging and the wheel move the view as usual. It is on while the prompts\n"
            "layer is selected and in its add mode."
        )
        self.undo = QPushButton("Undo")
        self.redo = QPushButton("Redo")
        self.propagate = QPushButton("Propagate")
        self.propagate.setToolTip("Carry all objects to all frames, the nearest frames first.")
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop after this frame and keep what is done (Esc).")
        self.progress = QProgressBar()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)

    def _lay_out(self) -> None:
        self._along = QLabel("Along")
        setup = QFormLayout()
        setup.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        setup.addRow("Image", self.image)
        setup.addRow("Model", self.model)
        setup.addRow(self._along, self.axis)
        setup.addRow("Look at", self.window_side)
        self.object_id.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(setup)
        layout.addWidget(self.start)
        layout.addWidget(_line())
        layout.addLayout(_row(QLabel("Object"), self.object_id, self.color, self.new_object))
        layout.addWidget(self.clicking)
        layout.addLayout(_row(self.undo, self.redo))
        layout.addWidget(_line())
        layout.addLayout(_row(self.propagate, self.stop))
        layout.addWidget(self.progress)
        layout.addWidget(self.text)
        layout.addStretch()

    def _connect(self) -> None:
        self.image.chosen.connect(self._on_image_chosen)
        self.model.currentIndexChanged.connect(self._suggest_window)
        self.start.clicked.connect(self._on_start)
        self.object_id.valueChanged.connect(self.controller.select)
        self.new_object.clicked.connect(self.controller.new_object)
        self.clicking.clicked.connect(self.controller.set_clicking)
        self.undo.clicked.connect(self.controller.undo)
        self.redo.clicked.connect(self.controller.redo)
        self.propagate.clicked.connect(self.controller.propagate)
        self.stop.clicked.connect(self.controller.stop)
        # not a method of ours: when it is called, this widget is gone
        closers = self.controller.close, self.image.close_connections
        self.destroyed.connect(lambda *_: _call(closers))

    # slots

    def _on_image_chosen(self) -> None:
        self.axis.offer(self.image.image)
        for part in (self._along, self.axis):
            part.setVisible(self.axis.count() > 0)
        self._suggest_window()
        self.show_state(self.controller.state)

    def _suggest_window(self, _index: int = 0) -> None:
        self.window_side.suggest(self.image.image, self.model.currentData())

    def _on_start(self) -> None:
        if self.controller.state.phase is not Phase.IDLE:
            self.controller.finish()
            return
        image: Image | None = self.image.image
        if image is not None:
            side = self.window_side.side
            self.controller.start(image, self.model.currentData(), self.axis.axis, side)

    def event(self, event: Any) -> bool:
        """Close when napari takes the widget out of its dock."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._shut_down()
        return bool(super().event(event))

    def closeEvent(self, event: Any) -> None:
        """Close when the widget's own window is closed."""
        self._shut_down()
        super().closeEvent(event)

    def _shut_down(self) -> None:
        self.controller.set_clicking(False)
        self.controller.close()
        self.image.close_connections()

    # the view of the controller

    def show_state(self, state: State) -> None:
        """Show the state."""
        idle, busy = state.phase is Phase.IDLE, state.phase in (Phase.OPENING, Phase.RUNNING)
        bound = state.phase in (Phase.READY, Phase.RUNNING)
        has_image = self.image.image is not None
        for setup in (self.image, self.model, self.window_side):
            setup.setEnabled(idle)
        self.axis.setEnabled(idle and self.axis.count() > 1)
        self.start.setText("Start" if idle else "Finish")
        self.start.setToolTip(
            "Make the layers for objects and prompts, and begin to take clicks."
            if idle
            else "End the session. The layers stay; save the objects with File > Save."
        )
        self.start.setEnabled(has_image or not idle)
        for control in (self.object_id, self.new_object):
            control.setEnabled(bound)
        self.object_id.blockSignals(True)
        self.object_id.setValue(state.object_id)
        self.object_id.blockSignals(False)
        self._show_color(state.color)
        self.clicking.setEnabled(bound and state.can_click)
        self.clicking.setChecked(state.clicking)
        self.undo.setEnabled(bool(state.undo))
        self.undo.setToolTip(f"Take back: {state.undo}." if state.undo else "Nothing to take back.")
        self.redo.setEnabled(bool(state.redo))
        self.redo.setToolTip(f"Do again: {state.redo}." if state.redo else "Nothing to do again.")
        self.propagate.setEnabled(state.phase is Phase.READY and state.pending)
        self.stop.setEnabled(busy)
        self._show_progress(state.progress)
        self.text.setText(state.text or (_PRESS_START if has_image else _NO_IMAGE))

    def show_models(self, models: tuple[ModelChoice, ...]) -> None:
        """Offer these models; the choice stays."""
        chosen = self.model.currentData()
        self.model.clear()
        for row, choice in enumerate(models):
            self.model.addItem(choice.title, choice)
            self.model.setItemData(row, choice.note, Qt.ItemDataRole.ToolTipRole)
            if chosen is not None and choice.name == chosen.name:
                self.model.setCurrentIndex(row)

    def agrees(self, question: str) -> bool:
        """Ask the user."""
        answer = QMessageBox.question(self, "SAM 2", question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _show_color(self, rgba: tuple[float, ...]) -> None:
        name = QColor.fromRgbF(*rgba).name(QColor.NameFormat.HexArgb)
        self.color.setStyleSheet(f"background: {name}; border-radius: 4px;")

    def _show_progress(self, progress: Progress | None) -> None:
        self.progress.setTextVisible(progress is not None and progress.total > 0)
        if progress is None:
            self.progress.setRange(0, 1)
            self.progress.setValue(0)
            return
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)
        self.progress.setFormat(f"{progress.what}: %v of %m")


def _line() -> QFrame:
    """Make a thin horizontal rule."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    return line


def _row(*widgets: QWidget) -> QHBoxLayout:
    """Put widgets side by side."""
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _call(functions: Iterable[Callable[[], object]]) -> None:
    for function in functions:
        function()
