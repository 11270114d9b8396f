"""What the worker takes from the rest of the package, loaded when it is first used: never by the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2._napari.messages import ModelChoice
from napari_sam2._napari.model_jobs import ModelJobs, describe_models

if TYPE_CHECKING:
    from napari_sam2._napari.messages import Open
    from napari_sam2._napari.model_facts import ModelFacts, ModelPick
    from napari_sam2.session import Session

__all__ = ["BUNDLED", "Backend", "Report", "list_models", "load_model", "open_session"]

BUNDLED = ModelChoice("nano", "nano (bundled)", window_side=128, is_small=True)
"""What is offered until all models are listed; it was trained on close-ups of this size."""

_WINDOW_DIAMETERS = 3.0  # docs/nano.md says what that is worth

Report: TypeAlias = Callable[[int, int], object]
"""Called with the bytes that are here and the bytes in all; what it raises stops the download."""


def list_models() -> tuple[ModelChoice, ...]:
    """Return the models, the bundled one first; the network is not asked."""
    return tuple(_choice(facts) for facts in describe_models())


def _choice(facts: ModelFacts) -> ModelChoice:
    """Offer a model."""
    if facts.name == BUNDLED.name:
        return replace(BUNDLED, note=facts.note)
    if facts.is_here:
        title = facts.name if facts.source else f"{facts.name} (yours)"
        like = BUNDLED if facts.network == BUNDLED.name else ModelChoice("", "")
        return replace(like, name=facts.name, title=title, note=facts.note)
    title = f"{facts.name} (needs download, {facts.megabytes})"
    return ModelChoice(facts.name, title, facts.note, facts.question)


def load_model(pick: ModelPick, report: Report) -> Any:
    """Load a model, fetching its weights if they are not here."""
    from napari_sam2 import session

    session.download(pick.name, report)
    return session.load_model(pick.name, device=pick.device, precision=pick.precision)


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
    return Session(
        stack,
        model,
        None if as_it_is else "auto",
        window_side=request.window_side,
        window_diameters=_WINDOW_DIAMETERS,
        drops_islands=True,
    )


@dataclass(frozen=True, slots=True)
class Backend:
    """What the worker calls; tests and scripts may put their own in its place.

    Parameters
    ----------
    list_models : callable
        Returns the `ModelChoice` of every model.
    load_model : callable
        Takes a `ModelPick` and a `Report`; returns a model for `Session`.
    open_session : callable
        Takes an `Open` request and the model; returns a `Session`.
    model_jobs : ModelJobs
        What the list of models asks: facts, speeds, downloads.
    encodes_ahead : bool
        Whether planes are encoded while nobody waits.
    keeps_work : bool
        Whether every action is written to disk at once, so that a crash loses nothing.
    """

    list_models: Callable[[], tuple[ModelChoice, ...]] = list_models
    load_model: Callable[[ModelPick, Report], Any] = load_model
    open_session: Callable[[Open, Any], Session] = open_session
    model_jobs: ModelJobs = field(default_factory=ModelJobs)
    encodes_ahead: bool = True
    keeps_work: bool = True
