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


class _Key:
    """What a key does for us, and what it did before."""

    def __init__(self, key: str, callback: Callable[[Any], object], earlier: Any) -> None:
        self.__name__ = f"napari-sam2 {key}"  # napari asks for it
        self.callback = callback
        self.earlier = earlier
        self.is_taken_back = False

    def __call__(self, provider: Any) -> None:
        self.callback(provider)


def bind_key(provider: Any, key: str, callback: Callable[[Any], object]) -> Undo:
    """Bind a key on a viewer or a layer; the undo brings back what was bound there before.

    Several owners may bind the same key, and take it back in any order: the newest that is left has it. What somebody else
    has bound in the meantime stays.

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
    ours = _Key(key, callback, provider.bind_key(key, None))  # unbinds, and returns what was bound
    provider.bind_key(key, ours, overwrite=True)

    def undo() -> None:
        ours.is_taken_back = True
        now = provider.bind_key(key, None)
        while isinstance(now, _Key) and now.is_taken_back:
            now = now.earlier
        if now is not None:
            provider.bind_key(key, now, overwrite=True)

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
