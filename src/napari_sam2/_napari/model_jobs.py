"""What the worker does for the model picker: facts, a speed, a download that can be stopped. No Qt, no napari.

A second `Worker` may serve these, so that clicks are answered while weights are fetched::

    worker = Worker(ModelJobs().serve)
    worker.submit(FetchModel("sam2.1_hiera_tiny"))
    worker.stop()  # ends it; what has arrived is kept
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_sam2._napari.fetching import DownloadStopped, report_download
from napari_sam2._napari.model_facts import (
    DescribeMachine,
    DeviceFacts,
    Downloaded,
    EstimateSpeed,
    FetchModel,
    MachineFacts,
    ModelFacts,
    ModelPick,
    NotDownloaded,
    Speed,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from napari_sam2._napari.model_facts import ModelAnswer, ModelRequest

    class ModelJob(Protocol):
        """A request that is being served; see `host.Job`."""

        @property
        def stopped(self) -> bool:
            """Whether the user wants it to end."""

        def say(self, answer: ModelAnswer) -> None:
            """Give an answer."""


__all__ = ["ModelJobs", "describe_machine", "describe_models", "estimate_speed", "fetch_weights"]


def describe_models() -> tuple[ModelFacts, ...]:
    """Return what is known of every model, the bundled one first, the user's own last; the network is not asked."""
    from napari_sam2.session import all_cards, is_downloaded

    return tuple(
        ModelFacts(
            card.name,
            card.size,
            card.licence,
            f"huggingface.co/{card.repo}" if card.repo else "",
            not card.repo or is_downloaded(card.name),
            card.note,
            card.network,
        )
        for card in all_cards().values()
    )


def describe_machine() -> MachineFacts:
    """Collect models and devices."""
    from napari_sam2.session.speed import describe_devices

    devices = tuple(
        DeviceFacts(d.device, d.name, d.precision, d.is_default) for d in describe_devices()
    )
    return MachineFacts(describe_models(), devices)


def estimate_speed(pick: ModelPick) -> float:
    """Estimate the seconds of a frame with one object."""
    from napari_sam2.session.speed import expected_seconds

    return expected_seconds(pick.name, pick.device, pick.precision)


def fetch_weights(name: str, report: Callable[[int, int], object]) -> object:
    """Fetch the weights of a model; what `report` raises stops it."""
    from napari_sam2.session import download

    return download(name, report)


@dataclass(frozen=True, slots=True)
class ModelJobs:
    """What the worker calls for the picker; tests may put their own in its place.

    Parameters
    ----------
    describe : callable
        Returns `MachineFacts`.
    estimate : callable
        Takes a `ModelPick`; returns seconds per frame.
    fetch : callable
        Takes a name and a report of (bytes here, bytes in all).
    """

    describe: Callable[[], MachineFacts] = describe_machine
    estimate: Callable[[ModelPick], float] = estimate_speed
    fetch: Callable[[str, Callable[[int, int], object]], object] = fetch_weights

    def serve(self, request: ModelRequest, job: ModelJob) -> None:
        """Do what is asked; errors are raised."""
        match request:
            case DescribeMachine():
                job.say(self.describe())
            case EstimateSpeed(pick):
                job.say(Speed(pick, self.estimate(pick)))
            case FetchModel(name):
                self._fetch(name, job)

    def _fetch(self, name: str, job: ModelJob) -> None:
        try:
            self.fetch(name, report_download(name, job))
        except DownloadStopped:
            job.say(NotDownloaded(name))
        else:
            job.say(Downloaded(name))
            job.say(self.describe())
