"""What the worker takes from the rest of the package, loaded when it is first used: never by the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2._napari.messages import ModelChoice

if TYPE_CHECKING:
    from napari_sam2._napari.messages import Open
    from napari_sam2.session import Session

__all__ = ["BUNDLED", "Backend", "Report", "list_models", "load_model", "open_session"]

BUNDLED = ModelChoice("nano", "nano (bundled)", window_side=128)
"""What is offered until all models are listed; it was trained on close-ups of this size."""

Report: TypeAlias = Callable[[int, int], object]
"""Called with the bytes that are here and the bytes in all; what it raises stops the download."""


def list_models() -> tuple[ModelChoice, ...]:
    """Return the models, the bundled one first; the network is not asked."""
    from napari_sam2.session import CARDS, is_downloaded

    choices = []
    for card in CARDS.values():
        title, question = card.name, ""
        if card.is_bundled:
            choices.append(replace(BUNDLED, note=card.note))
            continue
        if not is_downloaded(card.name):
            size = f"{card.size / 1e6:.0f} MB"
            title = f"{card.name} (needs download, {size})"
            question = (
                f"{card.name} is not on this machine yet.\n\nDownload {size} from "
                f"huggingface.co/{card.repo}? Licence: {card.licence}. It is kept for later."
            )
        choices.append(ModelChoice(card.name, title, card.note, question))
    return tuple(choices)


def load_model(name: str, report: Report) -> Any:
    """Load a model, fetching its weights if they are not here."""
    from napari_sam2 import session

    session.download(name, report)
    return session.load_model(name)


def open_session(request: Open, model: Any) -> Session:
    """Begin a session on the data of an image layer."""
    from napari_sam2.session import Session, Stack

    placement = request.placement
    stack = Stack.from_array(
        request.array,
        placement.letters + ("S" if request.rgb else ""),
        propagation_axis=None if placement.axis is None else "Z",
        position=placement.stack_position,
    )
    as_it_is = request.rgb and stack.dtype == "uint8"
    return Session(stack, model, None if as_it_is else "auto", window_side=request.window_side)


@dataclass(frozen=True, slots=True)
class Backend:
    """What the worker calls; tests and scripts may put their own in its place.

    Parameters
    ----------
    list_models : callable
        Returns the `ModelChoice` of every model.
    load_model : callable
        Takes a name and a `Report`; returns a model for `Session`.
    open_session : callable
        Takes an `Open` request and the model; returns a `Session`.
    encodes_ahead : bool
        Whether planes are encoded while nobody waits.
    keeps_work : bool
        Whether every action is written to disk at once, so that a crash loses nothing.
    """

    list_models: Callable[[], tuple[ModelChoice, ...]] = list_models
    load_model: Callable[[str, Report], Any] = load_model
    open_session: Callable[[Open, Any], Session] = open_session
    encodes_ahead: bool = True
    keeps_work: bool = True
