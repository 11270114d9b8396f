"""A script or a notebook works on the objects of the window: the same session, the same layers."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from napari.layers import Image
from qtpy.QtCore import QCoreApplication, QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_sam2._napari.connections import connect
from napari_sam2._napari.model_facts import AUTO, ModelPick
from napari_sam2._napari.state import Phase
from napari_sam2._napari.widget import SegmentWidget
from napari_sam2.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from napari import Viewer
    from napari.layers import Labels, Points

    from napari_sam2._napari.bench import Bench
    from napari_sam2._napari.controller import Controller
    from napari_sam2.results import MaskUpdate
    from napari_sam2.session import Session

__all__ = ["BoundSession", "open_session"]

_LOOK_EVERY_MS = 50  # for a window that was closed meanwhile


class BoundSession:
    """The session behind a window; it has all that `Session` has.

    Every call is done by the window's own worker, between the user's clicks, and is waited for while the window goes on living.
    What changes is shown in the layers, and can be undone there.

    Attributes
    ----------
    labels_layer : napari.layers.Labels
        The objects.
    prompts_layer : napari.layers.Points
        The clicks.

    Raises
    ------
    SessionError
        From any call, once the session was finished or its window closed.

    Examples
    --------
    >>> session = napari_sam2.open(viewer, "cells")  # doctest: +SKIP
    >>> session.add_prompt(1, napari_sam2.Point(frame=3, yx=(140.0, 88.5)))  # doctest: +SKIP
    >>> for update in session.propagate():  # doctest: +SKIP
    ...     print(update.frame, update.scores.area)
    """

    def __init__(self, controller: Controller, bench: Bench) -> None:
        self._controller = controller
        self._bench = bench

    @property
    def labels_layer(self) -> Labels:
        """The objects."""
        return self._bench.binding.labels

    @property
    def prompts_layer(self) -> Points:
        """The clicks."""
        return self._bench.binding.prompts

    def propagate(self, **options: Any) -> Generator[MaskUpdate, None, None]:
        """Carry objects from frame to frame, as `Session.propagate`; every mask is shown when it is there."""
        run: Iterator[MaskUpdate] = self._do(lambda session: session.propagate(**options))
        try:
            while (update := self._do(lambda _: next(run, None), is_step=True)) is not None:
                yield update
        finally:
            if self._is_open:
                self._do(lambda _: run.close())  # type: ignore[attr-defined]
                self._controller.show_propagated()

    def __getattr__(self, name: str) -> Any:
        """Ask the session; its methods become calls."""
        from napari_sam2.session import Session

        if name.startswith("_") or (not hasattr(Session, name) and name not in _PLAIN):
            raise AttributeError(f"a session has no {name!r}")
        if callable(getattr(Session, name, None)):
            return partial(self._method, name)
        return self._do(lambda session: getattr(session, name))

    def __dir__(self) -> list[str]:
        from napari_sam2.session import Session

        return sorted({*super().__dir__(), *(n for n in dir(Session) if n[0] != "_"), *_PLAIN})

    def _method(self, name: str, *args: Any, **options: Any) -> Any:
        return self._do(lambda session: getattr(session, name)(*args, **options))

    @property
    def _is_open(self) -> bool:
        return self._controller.bench is self._bench

    def _do(self, function: Callable[[Session], Any], is_step: bool = False) -> Any:
        """Let the worker do something, and wait for it."""
        outcome: Future[Any] = Future()
        if self._is_open:
            self._controller.call(function, outcome, is_step)
        _wait(lambda: outcome.done() or not self._is_open)
        if not outcome.done():
            raise SessionError(
                "the session was finished, or its window closed; open it again with "
                "napari_sam2.open(viewer, layer)."
            )
        QCoreApplication.sendPostedEvents(self._controller.worker)  # what it said is shown
        return outcome.result()


_PLAIN = (
    "drops_islands",
    "intensity",
    "model",
    "overlap",
    "stack",
    "stop_rule",
    "window_diameters",
    "window_side",
)
"""Attributes that `Session` has only when it is made."""


def open_session(
    viewer: Viewer,
    layer: Image | str,
    *,
    model: str = "nano",
    device: str = AUTO,
    precision: str = AUTO,
    axis: int | None = None,
    window_side: int | Literal["auto"] | None = "auto",
) -> BoundSession:
    """Open the plugin on an image layer and return its session, so that a script and the window work on the same objects.

    Parameters
    ----------
    viewer : napari.Viewer
        A viewer with a window.
    layer : napari.layers.Image or str
        The image, or its name. If a session is open on it already, that one is returned.
    model, device, precision : str
        As `load_model` takes them; a model that is not here is downloaded.
    axis : int, optional
        Of the layer's data, along which objects are carried; by default z or t, whichever is named, else the first.
    window_side : int, None or "auto"
        As `Session` takes it; "auto" is what the widget suggests. It is fitted to the object, as in the widget.

    Returns
    -------
    BoundSession

    Raises
    ------
    SessionError
        If the layer is not an image of this viewer.
    Sam2Error
        If the model can't be loaded or the image can't be read.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    image = _image(viewer, layer)
    widget = _widget(viewer, image)
    controller = widget.controller
    if controller.bench is None:
        widget.setup.image.choose(image)
        if axis is not None:
            widget.setup.axis.choose(axis)
        failed: list[Exception] = []
        connection = connect(controller.worker.failed, lambda _, error: failed.append(error))
        try:
            _wait(lambda: widget.setup.model.is_complete or failed)
            widget.setup.model.take(pick := ModelPick(model, device, precision))
            widget.setup.suggest_window()
            side = widget.setup.window_side.side if window_side == "auto" else window_side
            controller.start(image, pick, widget.setup.axis.axis, side)
            _wait(lambda: controller.state.phase is not Phase.OPENING)
        finally:
            connection()
        if failed:
            raise failed[0]
    if controller.bench is None:
        raise SessionError(f"{image.name!r} was not opened: {controller.state.text}")
    return BoundSession(controller, controller.bench)


def _image(viewer: Viewer, layer: Image | str) -> Image:
    """Find the image."""
    found = next((each for each in viewer.layers if layer in (each, each.name)), None)
    if not isinstance(found, Image):
        names = [each.name for each in viewer.layers if isinstance(each, Image)]
        raise SessionError(f"{str(layer)!r} is no image layer of this viewer; it has {names}.")
    return found


def _widget(viewer: Viewer, image: Image) -> SegmentWidget:
    """Find the widget that has this image, else one that is free, else add one."""
    docked: list[SegmentWidget] = viewer.window._qt_window.findChildren(
        SegmentWidget
    )  # also in napari 0.6.0
    for widget in docked:
        bench = widget.controller.bench
        if bench is not None and bench.binding.image is image:
            return widget
    for widget in docked:
        if widget.controller.state.phase is Phase.IDLE:
            return widget
    widget = SegmentWidget(viewer)
    name = "SAM 2" if not docked else f"SAM 2 ({len(docked) + 1})"
    viewer.window.add_dock_widget(widget, name=name, area="right")
    return widget


def _wait(condition: Callable[[], object]) -> None:
    """Let the window live until a condition holds."""
    alarm = QTimer()  # so that a window that is closed is seen
    alarm.start(_LOOK_EVERY_MS)
    while not condition():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    alarm.stop()
