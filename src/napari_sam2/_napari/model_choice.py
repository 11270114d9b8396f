"""Choose a model, a device and a precision; a download is asked for, shown, and can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_sam2._napari.model_facts import AUTO, ModelPick, speed_sentence
from napari_sam2._napari.model_parts import (
    device_items,
    fill,
    place_icon,
    place_of,
    tipped_list,
    wrapping_text,
)
from napari_sam2._napari.notices import agrees

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2._napari.model_facts import DeviceFacts, MachineFacts, ModelFacts, Speed
    from napari_sam2.results import Progress

__all__ = ["ModelPicker"]

_PRECISIONS = {
    "float32": "Exact, and the fastest on most processors.",
    "bfloat16": "Half the memory; faster where the device is made for it, and a little less exact.",
}


class ModelPicker(QWidget):
    """Show what there is to know about each model, and tell what was chosen.

    Parameters
    ----------
    parent : QWidget, optional
        As usual.
    ask : callable, optional
        Takes a question, returns whether the user agrees; by default a message box.

    Attributes
    ----------
    picked : Signal(object)
        Another `ModelPick` was chosen; it may still have to be downloaded, see `is_ready`.
    speed_asked : Signal(object)
        How fast would this `ModelPick` be? Answer with `show_speed`.
    download_asked : Signal(str)
        The user agreed to a download of this model. Answer with `show_progress`, then `show_machine` or `show_problem`.
    cancel_asked : Signal()
        The download shall stop.
    """

    picked = Signal(object)
    speed_asked = Signal(object)
    download_asked = Signal(str)
    cancel_asked = Signal()

    def __init__(
        self, parent: QWidget | None = None, ask: Callable[[str], bool] | None = None
    ) -> None:
        super().__init__(parent)
        self._ask = ask or self._ask_user
        self._devices: tuple[DeviceFacts, ...] = ()
        self._downloading = ""
        self._speeds: dict[ModelPick, Speed] = {}
        self.model = tipped_list("SAM 2 comes in several sizes: larger ones are better and slower.")
        self._build()
        self._lay_out()
        self._connect()
        self._show_facts()

    # build, lay out, connect

    def _build(self) -> None:
        self.device = tipped_list("What computes: the processor (cpu), or a graphics card.")
        self.precision = tipped_list("How exactly numbers are kept while computing.")
        self.note, self.size_text, self.licence, self.source, self.speed = (
            wrapping_text() for _ in range(5)
        )
        self.size_text.setToolTip("Of the weights, on the disk.")
        self.licence.setToolTip("Under which the weights may be used.")
        self.source.setToolTip("Where the weights come from.")
        self.speed.setToolTip("While objects are propagated, on the device chosen here.")
        self.download = QPushButton("Download ...")
        self.download.setToolTip("Fetch this model once; you are asked before anything is fetched.")
        self.cancel = QPushButton("Stop")
        self.cancel.setToolTip(
            "Stop the download. What has arrived is kept, and it goes on from there next time."
        )
        self.progress = QProgressBar()
        self.problem = wrapping_text()
        self.problem.hide()

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setVerticalSpacing(6)
        self._form.addRow("Model", self.model)
        self._form.addRow(self.note)
        self._form.addRow("Size", self.size_text)
        self._form.addRow("Licence", self.licence)
        self._form.addRow("From", self.source)
        self._form.addRow("Device", self.device)
        self._form.addRow("Precision", self.precision)
        self._form.addRow("Speed", self.speed)
        fetching = QHBoxLayout()
        fetching.addWidget(self.progress, 1)
        fetching.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self.download)
        layout.addLayout(fetching)
        layout.addWidget(self.problem)
        layout.addStretch()

    def _connect(self) -> None:
        self.model.currentIndexChanged.connect(self._on_model)
        self.device.currentIndexChanged.connect(self._on_device)
        self.precision.currentIndexChanged.connect(self._on_choice)
        self.download.clicked.connect(self.ask_download)
        self.cancel.clicked.connect(self._on_cancel)

    # what others set and read

    @property
    def pick(self) -> ModelPick | None:
        """What is chosen; None before the models are known."""
        facts = self.facts
        if facts is None:
            return None
        return ModelPick(
            facts.name, self.device.currentData() or AUTO, self.precision.currentData() or AUTO
        )

    @property
    def facts(self) -> ModelFacts | None:
        """What is known about the chosen model."""
        facts: ModelFacts | None = self.model.currentData()
        return facts

    @property
    def is_ready(self) -> bool:
        """Whether the chosen model can be loaded at once."""
        return self.facts is not None and self.facts.is_here

    def show_machine(self, machine: MachineFacts, wanted: ModelPick | None = None) -> None:
        """Offer these models and devices; the choice stays where it can, or becomes what is wanted."""
        before = wanted or self.pick
        self._devices = machine.devices
        fill(
            self.model,
            [(facts.name, facts, f"{place_of(facts)}. {facts.note}") for facts in machine.models],
            lambda facts: before is not None and facts.name == before.name,
        )
        self._draw_icons()
        fill(
            self.device,
            device_items(machine.devices),
            lambda data: before is not None and data == before.device,
        )
        self._offer_precisions(before.precision if before else AUTO)
        if self._downloading and any(
            m.name == self._downloading and m.is_here for m in machine.models
        ):
            self._end_download()
        self._show_facts()
        self._tell(before)

    def set_pick(self, pick: ModelPick) -> None:
        """Choose what was chosen earlier (a preference, say); what is not offered is passed over."""
        before = self.pick
        for box, wanted in ((self.model, pick.name), (self.device, pick.device)):
            box.blockSignals(True)
            for index in range(box.count()):
                data = box.itemData(index)
                if getattr(data, "name", data) == wanted:
                    box.setCurrentIndex(index)
            box.blockSignals(False)
        self._offer_precisions(pick.precision)
        self._show_facts()
        self._tell(before)

    def show_speed(self, speed: Speed) -> None:
        """Show how fast a choice is."""
        self._speeds[speed.pick] = speed
        self._show_facts()

    def show_progress(self, progress: Progress) -> None:
        """Show how far the download is, in megabytes."""
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)
        self.progress.setFormat("%v of %m MB")
        self._show_facts()

    def show_problem(self, text: str) -> None:
        """Say what went wrong; a download has ended."""
        self._end_download()
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self._show_facts()

    def show_stopped(self) -> None:
        """Say that the download was stopped."""
        self.show_problem("Stopped. What has arrived is kept; Download goes on from there.")

    def changeEvent(self, event: Any) -> None:
        """Draw the signs anew in the colours of another theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._draw_icons()

    def showEvent(self, event: Any) -> None:
        """Draw the signs in the colours of the window that this is in now."""
        super().showEvent(event)
        self._draw_icons()

    def _draw_icons(self) -> None:
        ink = self.palette().windowText().color()
        for index in range(self.model.count()):
            self.model.setItemIcon(index, place_icon(self.model.itemData(index).is_here, ink))

    # slots

    def _on_model(self, _index: int = 0) -> None:
        self.problem.hide()
        self._on_choice()

    def _on_device(self, _index: int = 0) -> None:
        self._offer_precisions(self.precision.currentData() or AUTO)
        self._on_choice()

    def _on_choice(self, _index: int = 0) -> None:
        self._show_facts()
        self._tell(None)

    def ask_download(self) -> bool:
        """Ask the user, then ask for the download; returns whether it was agreed."""
        facts = self.facts
        if facts is None or facts.is_here or self._downloading or not self._ask(facts.question):
            return False
        self._downloading = facts.name
        self.problem.hide()
        self.cancel.setEnabled(True)
        self.progress.setRange(0, 0)
        self._show_facts()
        self.download_asked.emit(facts.name)
        return True

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.cancel_asked.emit()

    # inside

    def _ask_user(self, question: str) -> bool:
        return agrees(self, question)

    def _tell(self, before: ModelPick | None) -> None:
        pick = self.pick
        if pick is None:
            return
        if pick != before:
            self.picked.emit(pick)
        if pick not in self._speeds:
            self.speed_asked.emit(pick)

    def _end_download(self) -> None:
        self._downloading = ""
        self.progress.setRange(0, 1)
        self.progress.setValue(0)

    def _offer_precisions(self, wanted: str) -> None:
        chosen = self.device.currentData() or AUTO
        default = next(
            (
                d.precision
                for d in self._devices
                if d.device == chosen or (chosen == AUTO and d.is_default)
            ),
            "",
        )
        items: list[tuple[str, Any, str]] = [
            (
                f"best here ({default})" if default else "best here",
                AUTO,
                "What is fast on this device.",
            )
        ]
        items += [(name, name, tip) for name, tip in _PRECISIONS.items()]
        fill(self.precision, items, lambda data: data == wanted)

    def _show_facts(self) -> None:
        facts, pick = self.facts, self.pick
        for box in (self.model, self.device, self.precision):
            box.setEnabled(facts is not None)
        self.note.setText(facts.note if facts else "Looking for models ...")
        self.size_text.setText(f"{facts.megabytes}, {place_of(facts)}" if facts else "")
        self.licence.setText(facts.licence if facts else "")
        self.source.setText((facts.source or "this package") if facts else "")
        speed = self._speeds.get(pick) if pick else None
        self.speed.setText(speed_sentence(speed) if speed else "not known yet")
        busy = bool(self._downloading)
        self.download.setVisible(facts is not None and not facts.is_here and not busy)
        if facts is not None:
            self.download.setText(f"Download {facts.megabytes} ...")
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
