"""What is chosen before a session: image, model, the axis to follow, and how much of a plane the model sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QWidget

from napari_sam2._napari.choices import AxisChoice, ImageChoice, WindowChoice
from napari_sam2._napari.model_facts import ModelPick
from napari_sam2._napari.model_row import ModelRow

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam2._napari.model_jobs import ModelJobs
    from napari_sam2._napari.preferences import Preferences

__all__ = ["SetupForm"]

_MODEL_KEYS = ("name", "device", "precision")


class SetupForm(QWidget):
    """The form above the Start button.

    Parameters
    ----------
    viewer : Viewer
        Whose images.
    jobs : ModelJobs
        What the model dialog asks its worker.
    preferences : Preferences
        What to begin with, and where a default is kept.

    Attributes
    ----------
    image_chosen : Signal()
        Another image is chosen, or there is none any more.
    image, model, axis, window_side : ImageChoice, ModelRow, AxisChoice, WindowChoice
        The rows.
    """

    image_chosen = Signal()

    def __init__(self, viewer: Viewer, jobs: ModelJobs, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self._build(viewer, jobs)
        self._lay_out()
        self.image.chosen.connect(self.take_image)
        self.model.changed.connect(self.suggest_window)
        self.model.preferred.connect(self._prefer_model)
        name, device, precision = (str(preferences.get("model", key)) for key in _MODEL_KEYS)
        self.model.take(ModelPick(name, device, precision))

    def _build(self, viewer: Viewer, jobs: ModelJobs) -> None:
        self.image = ImageChoice(viewer)
        self.image.setToolTip("The image to segment: 2-D, a z-stack, a time-lapse or 4-D.")
        self.model = ModelRow(jobs)
        self.axis = AxisChoice()
        self.axis.setToolTip("Objects are carried along this axis; the others stay where they are.")
        self._along = QLabel("Along")
        self.window_side = WindowChoice()
        self.window_side.setToolTip(
            "How much of the plane the model sees around each object, at most: once a click has found\n"
            "something, it is three diameters of that. 0 is the whole plane."
        )

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Image", self.image)
        form.addRow("Model", self.model)
        form.addRow(self._along, self.axis)
        form.addRow("Look at", self.window_side)

    def take_image(self) -> None:
        """Offer what suits the image that is chosen now."""
        self.axis.offer(self.image.image)
        self.axis.setEnabled(self.axis.count() > 1)
        for part in (self._along, self.axis):
            part.setVisible(self.axis.count() > 0)
        self.suggest_window()
        self.image_chosen.emit()

    def suggest_window(self) -> None:
        """Set how much the model sees to what suits image and model, unless the user has."""
        self.window_side.suggest(self.image.image, self.model.choice)

    def end(self) -> None:
        """Follow the viewer no more, and stop what the model dialog does."""
        self.image.close_connections()
        self.model.end()

    def _prefer_model(self, pick: ModelPick) -> None:
        for key in _MODEL_KEYS:
            self._preferences.set("model", key, getattr(pick, key))
