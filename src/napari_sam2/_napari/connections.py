"""Connections that remember their undo."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

__all__ = ["Connections", "Undo", "bind_key", "connect"]

Undo: TypeAlias = Callable[[], object]


def connect(signal: Any, callback: Callable[..., object]) -> Undo:
    """Connect a napari event or a Qt signal.

    Parameters
    ----------
    signal : EventEmitter or bound signal
        Anything with ``connect`` and ``disconnect``.
    callback : callable
        What is called.

    Returns
    -------
    callable
        Takes the connection back.
    """
    signal.connect(callback)
    return lambda: signal.disconnect(callback)


def bind_key(provider: Any, key: str, callback: Callable[[Any], object]) -> Undo:
    """Bind a key on a viewer or a layer; the undo brings back what was bound there before.

    Parameters
    ----------
    provider : Viewer or Layer
        Where the key is to work.
    key : str
        As napari writes it, "Escape" or "Control-Z".
    callback : callable
        Called with the provider.

    Returns
    -------
    callable
        Takes the binding back.
    """
    earlier = provider.bind_key(key, None)  # unbinds, and returns what was bound
    provider.bind_key(key, callback, overwrite=True)

    def undo() -> None:
        provider.bind_key(key, earlier, overwrite=True)

    return undo


class Connections:
    """The connections of one owner; closing takes all of them back, the newest first, once."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def add(self, *undo: Undo) -> None:
        """Remember how to take connections back."""
        for each in undo:
            self._undo.callback(each)

    def close(self) -> None:
        """Take all of them back."""
        self._undo.close()
