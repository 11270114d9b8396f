"""The keys: chosen among those that napari leaves free in the viewer and in all of its layers; see docs/keys.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from napari.utils.key_bindings import KeyCode, coerce_keybinding

from napari_sam2._napari.connections import bind_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from napari_sam2._napari.connections import Undo

__all__ = ["Action", "bind_actions", "shown", "usable"]


class Action(Enum):
    """What a key does: the key as napari writes it, and a sentence for the user."""

    POINT = "Q", "Point: click on an object. The same key puts the tool down."
    BOX = "W", "Box: drag around an object."
    LASSO = "G", "Lasso: draw around an object; the edge is found from there."
    SCRIBBLE = "H", "Scribble: draw a stroke over an object."
    PAN = "Shift-Q", "Pan: put the tool down; dragging moves the view."
    PICK = "U", "Pick: the next click chooses the object under the mouse."
    FLIP = "K", "Positive or negative: add to the object, or take away from it."
    NEXT_MASK = "J", "The next of the three masks that an ambiguous click may mean."
    NEXT_OBJECT = "N", "Next object: what follows makes a new one."
    WORST = "0", "Go to the lowest confidence that was not looked at."
    ACCEPT = "9", "Accept: this object is right on this frame."
    PROPAGATE = "Shift-T", "Propagate: carry all objects to all frames."
    DELETE = "Shift-X", "Delete the selected object."
    SPLIT = "Shift-S", "Split off the part under the mouse."
    LOCK = "Shift-K", "Lock the selected object, or unlock it."
    UNDO = "Control-Z", "Undo."
    REDO = "Control-Shift-Z", "Redo."

    @property
    def key(self) -> str:
        """As napari writes it."""
        return str(self.value[0])

    @property
    def sentence(self) -> str:
        """What it does."""
        return str(self.value[1])


_ON_OUR_LAYERS_ONLY = frozenset({Action.UNDO, Action.REDO})  # elsewhere they are napari's


@dataclass(frozen=True, slots=True)
class _Call:
    """A key's callback: napari hands over the viewer or the layer."""

    function: Callable[[], object]

    def __call__(self, _provider: Any) -> None:
        self.function()


def bind_actions(
    viewer: Any,
    layers: Iterable[Any],
    actions: Mapping[Action, Callable[[], object]],
    keys: Mapping[Action, str] | None = None,
) -> list[Undo]:
    """Bind keys on the viewer and on our layers.

    Parameters
    ----------
    viewer : Viewer
        There the keys work whatever layer is selected, unless that layer has a use for them.
    layers : iterable of Layer
        Our own: there the keys are ours whoever else has bound them on the viewer.
    actions : mapping of Action to callable
        What they do.
    keys : mapping of Action to str, optional
        What the user prefers to our choice; what is no key counts as not said.

    Returns
    -------
    list of callable
        Take the bindings back.
    """
    layers, undo = tuple(layers), []
    for action, function in actions.items():
        key = usable((keys or {}).get(action, ""), action)
        owners = [] if action in _ON_OUR_LAYERS_ONLY else [viewer]
        undo += [bind_key(each, key, _Call(function)) for each in (*owners, *layers)]
    return undo


def usable(key: str, action: Action) -> str:
    """Return a key if napari knows it, else the one that we chose."""
    known = all(part.key is not KeyCode.UNKNOWN for part in coerce_keybinding(key).parts)
    return key if key and known else action.key


def shown(key: str) -> str:
    """Return a key as it is shown: "Shift+Q"."""
    return key.replace("Control", "Ctrl").replace("-", "+")
