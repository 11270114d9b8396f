"""The buttons of the tools; each shows its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from napari_sam2._napari.keys import Action, shown, usable
from napari_sam2._napari.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ToolBar", "key_button", "show_key"]

_TOOLS: Mapping[Tool, tuple[str, Action]] = {
    Tool.POINT: ("Point", Action.POINT),
    Tool.BOX: ("Box", Action.BOX),
    Tool.LASSO: ("Lasso", Action.LASSO),
    Tool.SCRIBBLE: ("Scribble", Action.SCRIBBLE),
    Tool.PICK: ("Pick", Action.PICK),
    Tool.PAN: ("Pan", Action.PAN),
}
_COLUMNS = 3
_MARGIN = 12  # pixels beside a button's text


class ToolBar(QWidget):
    """One button per tool.

    Attributes
    ----------
    toggled : Signal(object)
        A tool was pressed.
    buttons : dict of Tool to QPushButton
        For tests, and the order of the focus.
    """

    toggled = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for column in range(_COLUMNS):
            layout.setColumnStretch(column, 1)
        self.buttons: dict[Tool, QPushButton] = {}
        for place, (tool, (name, action)) in enumerate(_TOOLS.items()):
            button = key_button(name, action)
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked, tool=tool: self.toggled.emit(tool))
            layout.addWidget(button, place // _COLUMNS, place % _COLUMNS)
            self.buttons[tool] = button

    def show_keys(self, keys: Mapping[Action, str]) -> None:
        """Show other keys than ours."""
        for tool, (name, action) in _TOOLS.items():
            show_key(self.buttons[tool], name, action, keys.get(action, ""))

    def show_tool(self, tool: Tool, is_possible: bool) -> None:
        """Show which tool is in the hand."""
        for each, button in self.buttons.items():
            button.setEnabled(is_possible)
            button.setChecked(is_possible and each is tool)


def key_button(name: str, action: Action, tip: str = "") -> QPushButton:
    """Make a button that shows its key."""
    button = QPushButton()
    show_key(button, name, action, tip=tip)
    button.setSizePolicy(
        QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed
    )  # they share the width
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def show_key(button: QPushButton, name: str, action: Action, key: str = "", tip: str = "") -> None:
    """Show a key on a button and in its tooltip; ours if no other is given."""
    key = shown(usable(key, action))
    button.setText(f"{name}  {key}")
    button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + _MARGIN)
    button.setToolTip(f"{tip or action.sentence}\nKey: {key}")
