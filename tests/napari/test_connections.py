"""Connections that return their undo; without a window."""

from __future__ import annotations

import numpy as np
from napari.layers import Points

from napari_sam2._napari.connections import Connections, bind_key, connect


def test_connection_ends_with_its_undo() -> None:
    layer, heard = Points(np.empty((0, 2))), []
    undo = connect(layer.events.data, lambda _event: heard.append(1))
    layer.add([1, 1])
    n_heard = len(heard)
    assert n_heard
    undo()
    layer.add([2, 2])
    assert len(heard) == n_heard


def test_key_is_given_back_to_its_owner() -> None:
    layer, pressed = Points(np.empty((0, 2))), []
    layer.bind_key("Escape", lambda _: pressed.append("earlier"))
    (key,) = layer.keymap
    undo = bind_key(layer, "Escape", lambda _: pressed.append("ours"))
    layer.keymap[key](layer)
    undo()
    layer.keymap[key](layer)
    assert pressed == ["ours", "earlier"]


def test_key_that_was_free_is_free_again() -> None:
    layer = Points(np.empty((0, 2)))
    bind_key(layer, "Escape", lambda _: None)()
    assert not layer.keymap


def test_closing_takes_back_the_newest_first_and_once() -> None:
    taken, connections = [], Connections()
    connections.add(lambda: taken.append(1), lambda: taken.append(2))
    connections.add(lambda: taken.append(3))
    connections.close()
    connections.close()
    assert taken == [3, 2, 1]
    connections.add(lambda: taken.append(4))  # and it can be used again
    connections.close()
    assert taken == [3, 2, 1, 4]
