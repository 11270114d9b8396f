"""The dock widget: a thin skin over the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QEvent, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sam2._napari.areas import Areas
from napari_sam2._napari.backend import Backend
from napari_sam2._napari.controller import Controller
from napari_sam2._napari.host import Host
from napari_sam2._napari.keys import Action, shown
from napari_sam2._napari.learning_button import LearningButton
from napari_sam2._napari.messages import ObjectsNow
from napari_sam2._napari.notices import agrees
from napari_sam2._napari.panels import ObjectPanels
from napari_sam2._napari.preferences import Preferences
from napari_sam2._napari.progress_view import ProgressView
from napari_sam2._napari.saving_bar import SavingBar
from napari_sam2._napari.setup_form import SetupForm
from napari_sam2._napari.state import Phase, State
from napari_sam2._napari.taking import can_be_taken
from napari_sam2._napari.tool import Tool
from napari_sam2._napari.tool_bar import ToolBar, key_button, show_key
from napari_sam2._napari.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import napari
    from napari.layers import Image

    from napari_sam2._napari.keeping import Unsaved
    from napari_sam2._napari.messages import ModelChoice

__all__ = ["SegmentWidget"]

_HIGHEST_ID = 65535  # what the Labels layer holds
_NO_IMAGE = "Open an image first: File > Open, or File > Open Sample > Segment Anything 2."
_WIDTH = 310
_GHOST = "With the point tool: show what a click would give."
_NO_GHOST = (
    "This model is slow here: it has it only where it looks at whole planes, which are encoded\n"
    "ahead. Finish, set 'Look at' to 'whole plane', and start again to have it."
)
_PRESS_START = "Press Start, then click on an object."


class SegmentWidget(QWidget):
    """Segment the objects of an image by clicking on them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the images are.
    backend : Backend, optional
        Where models and sessions come from.

    Attributes
    ----------
    objects_changed : Signal(object)
        What is known of the objects has changed: an `ObjectsNow`.
    objects : ObjectsNow
        What is known of the objects.
    setup : SetupForm
        What is chosen before a session.
    progress_view : ProgressView
        How far things are.
    objects_area, trust_area : QVBoxLayout
        Room for widgets about objects and about trust; it is not seen while it is empty.
    """

    objects_changed = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, backend: Backend | None = None) -> None:
        super().__init__()
        viewer = getattr(viewer, "__wrapped__", viewer)  # layers are compared with "is"
        self._viewer = viewer
        self.objects = ObjectsNow()
        backend = backend or Backend()
        preferences = Preferences()
        self.setup = SetupForm(viewer, backend.model_jobs, preferences)
        self._build_start()
        self._build_prompts()
        self._build_work()
        self._lay_out()
        host = Host(backend)
        self.controller = Controller(viewer, Worker(host.serve, host.rest, host.end), self)
        self.panels = ObjectPanels(viewer, self.controller, self.objects_area, self.trust_area)
        self._connect()
        self._take_preferences(preferences)
        self.setup.take_image()

    # build, lay out, connect

    def _build_start(self) -> None:
        self.start = QPushButton("Start")
        self.opened = QLabel()
        self.opened.setWordWrap(True)
        self.opened.setToolTip("What is being segmented.")

    def _build_prompts(self) -> None:
        self.tools = ToolBar()
        self.positive = key_button("Add", Action.FLIP)
        self.positive.setCheckable(True)
        self.next_mask = key_button(
            "Other mask",
            Action.NEXT_MASK,
            "A click can mean a nucleus, a cell or a cluster: this steps through the three masks.",
        )
        self.object_id = QSpinBox()
        self.object_id.setRange(1, _HIGHEST_ID)
        self.object_id.setToolTip("The object that your prompts speak of: its value in the labels.")
        self.color = QLabel()
        self.color.setFixedSize(22, 22)
        self.color.setToolTip("The colour of this object.")
        self.new_object = key_button("Next", Action.NEXT_OBJECT)
        self.from_layer = QPushButton("From layer")
        self.from_layer.setToolTip(
            "Open the objects of a Labels layer, or make one object per point of a Points layer."
        )
        self._menu = QMenu(self.from_layer)
        self.from_layer.setMenu(self._menu)
        self.ghost = QCheckBox("Outline at mouse")
        self.strokes = QCheckBox("Brush prompts")
        self.strokes.setToolTip(
            "What you paint or rub out in the objects layer with napari's own brush is taken over\n"
            "as this object's mask on that frame."
        )
        self.strokes.setChecked(True)

    def _build_work(self) -> None:
        self.undo = QPushButton("Undo")
        self.redo = QPushButton("Redo")
        self.follows = QCheckBox("Follow automatically")
        self.follows.setChecked(True)
        self.follows.setToolTip(
            "After every prompt, carry the object to the other frames, the nearest first.\n"
            "Esc stops and keeps what is done."
        )
        self.propagate = QPushButton("Propagate")
        self.propagate.setToolTip(
            "Carry all objects to all frames, the nearest frames first.\n"
            f"Key: {shown(Action.PROPAGATE.key)}"
        )
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop after this frame and keep what is done.\nKey: Esc")
        self.progress_view = ProgressView()
        self.saving = SavingBar()
        self.learning = LearningButton()
        self.areas = Areas()
        self.objects_area = self.areas.add("Objects", "All objects of this session.")
        self.trust_area = self.areas.add("Trust", "Where the result may be wrong.")

    def _lay_out(self) -> None:
        # its size hint would push the button beside it out of the window
        self.object_id.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.object_id.setMinimumWidth(90)
        self.setMinimumWidth(_WIDTH)
        self._session = QWidget()
        session = QVBoxLayout(self._session)
        session.setContentsMargins(0, 0, 0, 0)
        session.setSpacing(6)
        session.addWidget(_line())
        session.addWidget(self.tools)
        session.addLayout(_row(self.positive, self.next_mask))
        session.addLayout(_row(QLabel("Object"), self.object_id, self.color, self.new_object))
        session.addLayout(_row(self.undo, self.redo, self.saving.save, self.saving.open))
        session.addLayout(_row(self.ghost, self.strokes))
        session.addWidget(_line())
        session.addLayout(_row(self.follows, self.from_layer))
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addWidget(self.setup)
        layout.addLayout(_row(self.opened, self.start))
        layout.addWidget(self.saving)
        layout.addWidget(self._session)
        layout.addLayout(_row(self.propagate, self.stop, self.learning))
        layout.addWidget(self.progress_view)
        layout.addWidget(self.areas, 1)
        layout.addStretch()

    def _connect(self) -> None:
        self.setup.image_chosen.connect(self._on_image_chosen)
        self.start.clicked.connect(self._on_start)
        self.tools.toggled.connect(self.controller.toggle_tool)
        self.positive.clicked.connect(self.controller.set_positive)
        self.next_mask.clicked.connect(self.controller.next_mask)
        self.object_id.valueChanged.connect(self.controller.select)
        self.new_object.clicked.connect(self.controller.new_object)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.ghost.clicked.connect(self.controller.set_ghost)
        self.strokes.clicked.connect(self.controller.set_strokes)
        self.undo.clicked.connect(self.controller.undo)
        self.redo.clicked.connect(self.controller.redo)
        self.follows.clicked.connect(self.controller.set_follows)
        self.propagate.clicked.connect(self.controller.propagate)
        self.stop.clicked.connect(self.controller.stop)
        self.saving.connect_to(self.controller)
        self.learning.connect_to(self.controller)
        self.objects_changed.connect(self.panels.show_objects)
        # not a method of ours: when it is called, this widget is gone
        closers = (
            self.controller.close,
            self.setup.end,
            self.learning.end,
            self.panels.close,
        )
        self.destroyed.connect(lambda *_: _call(closers))

    # slots

    def _on_image_chosen(self) -> None:
        self.show_state(self.controller.state)

    def _on_start(self) -> None:
        if self.controller.state.phase is not Phase.IDLE:
            self.controller.finish()
            return
        setup = self.setup
        image: Image | None = setup.image.image
        question = setup.model.choice.question
        if image is not None and (not question or self.agrees(question)):
            self.saving.begin(image)
            self.controller.start(image, setup.model.pick, setup.axis.axis, setup.window_side.side)

    def _fill_menu(self) -> None:
        """List the layers that could become objects."""
        self._menu.clear()
        binding = self.controller.binding
        for layer in (each for each in self._viewer.layers if can_be_taken(each, binding)):
            what = "labels as objects" if isinstance(layer, Labels) else "one object per point"
            self._menu.addAction(
                f"{layer.name}: {what}", lambda layer=layer: self.controller.take_layer(layer)
            )
        if self._menu.isEmpty():
            self._menu.addAction("There is no other Labels or Points layer.")

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
        self.controller.take_tool(Tool.PAN)
        self.controller.close()
        self.setup.end()
        self.panels.close()

    # the view of the controller

    def show_state(self, state: State) -> None:
        """Show the state."""
        idle, bound = state.phase is Phase.IDLE, state.phase in (Phase.READY, Phase.RUNNING)
        has_image = self.setup.image.image is not None
        self._show_setup(state, idle, has_image)
        self._session.setVisible(bound)
        self.saving.setVisible(bound)
        self.panels.show_state(state)
        self.areas.want(bound)
        self.tools.show_tool(state.tool, bound and state.has_tools)
        self.positive.setChecked(not state.positive)
        name = "Add" if state.positive else "Take away"
        show_key(self.positive, name, Action.FLIP, self.controller.keys.get(Action.FLIP, ""))
        if state.object_id != self.object_id.value():  # else it would be drawn again
            self.object_id.blockSignals(True)
            self.object_id.setValue(state.object_id)
            self.object_id.blockSignals(False)
        self._show_color(state.color)
        for box, on in (
            (self.ghost, state.ghost),
            (self.strokes, state.strokes),
            (self.follows, state.follows),
        ):
            box.setChecked(on)
        self.ghost.setEnabled(state.can_ghost)
        self.ghost.setToolTip(_GHOST if state.can_ghost else _NO_GHOST)
        self.undo.setEnabled(bool(state.undo))
        self.undo.setToolTip(f"Take back: {state.undo}." if state.undo else "Nothing to take back.")
        self.redo.setEnabled(bool(state.redo))
        self.redo.setToolTip(f"Do again: {state.redo}." if state.redo else "Nothing to do again.")
        self.propagate.setVisible(bound)
        self.learning.setVisible(bound)
        self.propagate.setEnabled(state.phase is Phase.READY and state.pending)
        self.stop.setVisible(not idle)
        self.stop.setEnabled(state.phase in (Phase.OPENING, Phase.RUNNING))
        self.progress_view.show_progress(state.progress)
        self.progress_view.bar.setVisible(not idle)
        self.progress_view.show_encoded(state.encoded if bound else None)
        self.progress_view.text.setText(state.text or (_PRESS_START if has_image else _NO_IMAGE))

    def set_keys(self, keys: Mapping[Action, str]) -> None:
        """Take the keys that the user prefers, from the next session on."""
        self.controller.keys = dict(keys)
        self.tools.show_keys(keys)
        show_key(self.next_mask, "Other mask", Action.NEXT_MASK, keys.get(Action.NEXT_MASK, ""))
        show_key(self.new_object, "Next", Action.NEXT_OBJECT, keys.get(Action.NEXT_OBJECT, ""))
        self.show_state(self.controller.state)

    def _take_preferences(self, preferences: Preferences) -> None:
        """Begin as the user prefers."""
        self.set_keys({action: preferences.key_of(action) for action in Action})
        self.controller.ghost = str(preferences.get("general", "ghost"))
        self.controller.autosaves = bool(preferences.get("general", "autosave"))
        self.controller.set_follows(bool(preferences.get("general", "propagate_automatically")))

    def show_unsaved(self, unsaved: Unsaved) -> None:
        """Tell what was left behind on this image."""
        self.saving.show_unsaved(unsaved)

    def show_objects(self, objects: ObjectsNow) -> None:
        """Tell what is known of the objects."""
        self.objects = objects
        self.objects_changed.emit(objects)

    def show_models(self, models: tuple[ModelChoice, ...]) -> None:
        """Offer these models; the choice stays."""
        self.setup.model.offer(models)
        self.setup.suggest_window()

    def agrees(self, question: str) -> bool:
        """Ask the user."""
        return agrees(self, question)

    def _show_setup(self, state: State, idle: bool, has_image: bool) -> None:
        self.setup.setVisible(idle)
        self.opened.setVisible(not idle)
        self.opened.setText(state.opened)
        self.start.setText("Start" if idle else "Finish")
        self.start.setToolTip(
            "Make the layers for objects and prompts, and begin to take prompts."
            if idle
            else "End the session. The layers stay; save the objects with File > Save."
        )
        self.start.setEnabled(has_image or not idle)

    def _show_color(self, rgba: tuple[float, ...]) -> None:
        name = QColor.fromRgbF(*rgba).name(QColor.NameFormat.HexArgb)
        sheet = f"background: {name}; border-radius: 4px;"
        if sheet != self.color.styleSheet():  # else Qt would work all styles out again
            self.color.setStyleSheet(sheet)


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
