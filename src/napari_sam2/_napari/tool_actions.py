"""What can be asked for while prompts are given: tools, signs, the selected object and the switches."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_sam2._napari.keys import Action
from napari_sam2._napari.object_actions import ObjectActions
from napari_sam2._napari.sentences import HOW_TO
from napari_sam2._napari.state import Phase, State
from napari_sam2._napari.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2._napari.bench import Bench
    from napari_sam2._napari.binding import Binding

__all__ = ["ToolActions"]


class ToolActions(ObjectActions):
    """Hand wishes to the bench, and show what came of them; nothing happens while no session is open.

    Attributes
    ----------
    state : State
        What the view shows.
    bench : Bench or None
        What there is while a session is open.
    """

    state: State

    def __init__(self) -> None:
        super().__init__()
        self.bench: Bench | None = None

    @property
    def binding(self) -> Binding | None:  # type: ignore[override]
        """Our layers, while there is a session."""
        return None if self.bench is None else self.bench.binding

    @abstractmethod
    def _set(self, **changes: Any) -> None:
        """Change the state, and show it."""

    @abstractmethod
    def propagate(self) -> None:
        """Carry all objects to all frames."""

    @abstractmethod
    def undo(self) -> None:
        """Take the last action back."""

    @abstractmethod
    def redo(self) -> None:
        """Repeat what was taken back."""

    def select(self, object_id: int) -> None:
        """Let new prompts speak of an object."""
        if self.binding is not None and object_id > 0 and object_id != self.binding.object_id:
            self.binding.select(object_id)
            self._see_object()

    def new_object(self) -> None:
        """Let new prompts speak of an object that was never there before."""
        if self.bench is not None:
            self.select(self.bench.binding.highest_id + 1)
            if self.bench.tools.tool in (Tool.PAN, Tool.PICK):
                self.take_tool(Tool.POINT)

    def take_tool(self, tool: Tool) -> None:
        """Let a press on the canvas be a prompt, or leave it to napari."""
        if self.bench is not None:
            self.bench.tools.take(tool)

    def toggle_tool(self, tool: Tool) -> None:
        """Take a tool, or put it down if it is in the hand."""
        if self.bench is not None:
            self.bench.tools.toggle(tool)

    def set_positive(self, positive: bool) -> None:
        """Let new prompts add to the object, or take places away from it."""
        if self.binding is not None:
            self.binding.set_positive(positive)
            self._set(positive=positive)

    def set_ghost(self, on: bool) -> None:
        """Show a ghost under the mouse, or not."""
        if self.bench is not None:
            self.bench.ghost.set(on)
            self._set(ghost=on)

    def set_strokes(self, on: bool) -> None:
        """Take strokes of napari's brush as prompts, or leave them as they are."""
        if self.binding is not None:
            self.binding.strokes.are_prompts = on
        self._set(strokes=on)

    # what happened

    def _see_tool(self) -> None:
        if self.bench is None:
            return
        tool = self.bench.tools.tool
        changed = tool is not self.state.tool
        self._set(tool=tool, has_tools=self.bench.tools.is_possible)
        if changed and self.state.phase is Phase.READY:
            self._set(text=HOW_TO[tool])

    def _see_object(self, _event: Any = None) -> None:
        if self.binding is not None:
            self._set(
                object_id=self.binding.object_id,
                color=self.binding.color,
                positive=self.binding.positive,
            )

    def _actions(self) -> dict[Action, Callable[[], object]]:
        """Return what the keys do."""
        return {
            Action.POINT: partial(self.toggle_tool, Tool.POINT),
            Action.BOX: partial(self.toggle_tool, Tool.BOX),
            Action.LASSO: partial(self.toggle_tool, Tool.LASSO),
            Action.SCRIBBLE: partial(self.toggle_tool, Tool.SCRIBBLE),
            Action.PAN: partial(self.take_tool, Tool.PAN),
            Action.PICK: partial(self.toggle_tool, Tool.PICK),
            Action.FLIP: lambda: self.set_positive(not self.state.positive),
            Action.NEXT_MASK: self.next_mask,
            Action.NEXT_OBJECT: self.new_object,
            Action.WORST: self.jump_to_worst,
            Action.ACCEPT: self.accept,
            Action.PROPAGATE: self.propagate,
            Action.DELETE: self.delete,
            Action.SPLIT: self.split_here,
            Action.LOCK: self.lock,
            Action.UNDO: self.undo,
            Action.REDO: self.redo,
        }
