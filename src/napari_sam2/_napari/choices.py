"""Lists to choose from that follow the viewer: images, and the axes of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSpinBox, QWidget

from napari_sam2._napari.connections import Connections, connect
from napari_sam2._napari.layers import full_resolution
from napari_sam2._napari.sentences import name_of_axis
from napari_sam2.errors import SessionError

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam2._napari.messages import ModelChoice

__all__ = ["AxisChoice", "ImageChoice", "WindowChoice"]

_SMALLEST_WINDOW = 16  # what `Session` takes
_WIDEST_NAME = 14  # letters; longer names are cut, so that the dock stays narrow


class ImageChoice(QComboBox):
    """The image layers of a viewer; it holds the layers, their names are only shown.

    Parameters
    ----------
    viewer : Viewer
        Whose layers.
    parent : QWidget, optional
        As usual.

    Attributes
    ----------
    chosen : Signal()
        Another image is chosen, or there is none any more.
    """

    chosen = Signal()

    def __init__(self, viewer: Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._images: list[Image] = []
        self.setMinimumContentsLength(_WIDEST_NAME)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._names = Connections()
        self._connections = Connections()
        self._connections.add(
            self._names.close,
            connect(viewer.layers.events.inserted, self._follow),
            connect(viewer.layers.events.removed, self._follow),
            connect(viewer.layers.events.reordered, self._follow),
        )
        self.currentIndexChanged.connect(self._on_index)
        active = viewer.layers.selection.active
        self._follow()
        if active in self._images:
            self.setCurrentIndex(self._images.index(active))

    @property
    def image(self) -> Image | None:
        """The chosen layer."""
        index = self.currentIndex()
        return self._images[index] if 0 <= index < len(self._images) else None

    def choose(self, image: Image) -> None:
        """Choose a layer, if it is one of the viewer's images."""
        if image in self._images:
            self.setCurrentIndex(self._images.index(image))

    def close_connections(self) -> None:
        """Follow the viewer no more."""
        self._connections.close()
        self._images.clear()

    def _follow(self, _event: Any = None) -> None:
        """List the images anew; the choice stays if it can, else it is the topmost image."""
        before = self.image
        self._images = [layer for layer in self._viewer.layers if isinstance(layer, Image)]
        self._names.close()
        self._names.add(*(connect(each.events.name, self._rename) for each in self._images))
        self.blockSignals(True)
        self.clear()
        self.addItems([image.name for image in self._images])
        kept = before in self._images
        self.setCurrentIndex(self._images.index(before) if kept else len(self._images) - 1)
        self.blockSignals(False)
        if not kept:
            self.chosen.emit()

    def _rename(self, _event: Any = None) -> None:
        for index, image in enumerate(self._images):
            self.setItemText(index, image.name)

    def _on_index(self, _index: int) -> None:
        self.chosen.emit()


class AxisChoice(QComboBox):
    """The axes of an image that frames may follow."""

    def offer(self, image: Image | None) -> None:
        """List the axes of an image; none for a single plane."""
        self.clear()
        if image is not None:
            sizes = full_resolution(image).shape[: image.ndim]
            for axis, size in enumerate(sizes[:-2]):
                self.addItem(f"{name_of_axis(image, axis)} ({size})", axis)

    def choose(self, axis: int) -> None:
        """Choose an axis.

        Raises
        ------
        SessionError
            If frames can't follow it.
        """
        row = self.findData(axis)
        if row < 0:
            offered = [self.itemData(each) for each in range(self.count())]
            raise SessionError(f"axis {axis} can't be followed; choose one of {offered}.")
        self.setCurrentIndex(row)

    @property
    def axis(self) -> int | None:
        """The chosen axis; None for a single plane."""
        value = self.currentData()
        return None if value is None else int(value)


class WindowChoice(QSpinBox):
    """How much of a plane the model sees around each object; follows image and model until it is set by hand."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 4096)
        self.setSingleStep(32)
        self.setSuffix(" px")
        self.setSpecialValueText("whole plane")
        self._by_hand = False
        self.valueChanged.connect(self._on_value)

    @property
    def side(self) -> int | None:
        """Pixels; None for the whole plane."""
        return max(self.value(), _SMALLEST_WINDOW) if self.value() else None

    def suggest(self, image: Image | None, model: ModelChoice | None) -> None:
        """Set what suits an image and a model, unless the user has chosen."""
        if self._by_hand or image is None or model is None:
            return
        side = model.window_side or 0
        plane = full_resolution(image).shape[: image.ndim][-2:]
        self.blockSignals(True)
        self.setValue(side if max(plane) > side else 0)
        self.blockSignals(False)

    def _on_value(self, _value: int) -> None:
        self._by_hand = True
