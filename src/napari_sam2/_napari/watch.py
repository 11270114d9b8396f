"""What others do to the layers of a session: remove, replace and edit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_sam2._napari.connections import Connections, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer

    from napari_sam2._napari.binding import Binding

__all__ = ["LayerWatch"]


class LayerWatch:
    """End a session that has lost its image; put a layer of ours back that was removed by itself.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are.
    binding : Binding
        Our layers.
    finish : callable
        Called with the reason when the session has to end.
    say : callable
        Called with a sentence for the user.
    """

    def __init__(
        self,
        viewer: Viewer,
        binding: Binding,
        finish: Callable[[str], object],
        say: Callable[[str], object],
    ) -> None:
        self._viewer = viewer
        self._binding = binding
        self._finish = finish
        self._say = say
        # napari 0.6 takes them from a layer that is removed, and needs them when it is put back
        self._overlays = {layer: dict(layer._overlays) for layer in binding.layers[1:]}
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._connections = Connections()
        self._connections.add(
            self._soon.stop,
            connect(self._soon.timeout, self._put_back),
            connect(viewer.layers.events.removed, self._on_removed),
            connect(binding.image.events.data, self._on_image),
            connect(binding.labels.events.data, self._on_labels),
        )

    def close(self) -> None:
        """Look no more."""
        self._connections.close()

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if layer is self._binding.image:
            self._finish(f"{layer.name} was removed; the other layers stay.")
        elif layer in self._binding.layers:
            self._soon.start(0)  # when it is known what else goes

    def _put_back(self) -> None:
        ours = self._binding.layers[1:]
        missing = [layer for layer in ours if layer not in self._viewer.layers]
        if len(missing) == len(ours):
            self._finish("The layers of this session were removed.")
            return
        for layer in missing:
            for name, overlay in self._overlays[layer].items():
                layer._overlays.setdefault(name, overlay)
            self._viewer.add_layer(layer)
        if missing:
            names = " and ".join(layer.name for layer in missing)
            self._say(f"{names} belongs to this session and was put back. Finish ends it.")

    def _on_image(self, _event: Any = None) -> None:
        self._finish(f"The data of {self._binding.image.name} changed; start again.")

    def _on_labels(self, _event: Any = None) -> None:
        """Go on with other labels of the same shape; stop where masks could not be painted."""
        if not self._binding.can_paint:
            self._finish(f"The data of {self._binding.labels.name} changed; start again.")
