"""What the worker does for "Learn from this session": a copy of the model learns while the session goes on. No Qt, no napari."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2.results import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from napari_sam2.learning import AnnotatedPlane, CurvePoint, Learned
    from napari_sam2.session import Session

    class LearningJob(Protocol):
        """A request that is being served; see `host.Job`."""

        @property
        def stopped(self) -> bool:
            """Whether the user wants it to end."""

        def say(self, answer: LearningAnswer) -> None:
            """Give an answer."""


__all__ = [
    "Experience",
    "Learn",
    "LearningAnswer",
    "LearningJobs",
    "Look",
    "NewModel",
    "experience_of",
]

_TELL_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """What a session has to learn from.

    Parameters
    ----------
    model : SAM2
        Of the session; it is only read.
    planes : sequence of AnnotatedPlane
        Frames with masks that the user vouched for.
    window_side, window_diameters
        What the session shows the model; see `Session`.
    """

    model: Any
    planes: Sequence[AnnotatedPlane]
    window_side: int | None
    window_diameters: float

    @property
    def counts(self) -> tuple[int, int]:
        """Masks and objects."""
        masks = [(p.source, i) for p in self.planes for i in p.object_ids]
        return len(masks), len(set(masks))


@dataclass(frozen=True, slots=True, eq=False)
class Learn:
    """Let a copy of the model learn, and keep it under a name if it is better."""

    name: str
    experience: Experience
    minutes: float


@dataclass(frozen=True, slots=True)
class Look:
    """How good the copy is on the objects that were held out.

    Parameters
    ----------
    done : float
        Of the whole time, 0 to 1.
    iou : float
        Mean after one and after three clicks: what decides.
    """

    done: float
    iou: float


@dataclass(frozen=True, slots=True)
class NewModel:
    """The copy is better, and was kept.

    Parameters
    ----------
    name : str
        What `load_model` takes.
    before, after : float
        Mean IoU of the held-out objects after one and after three clicks, with the parent and with the copy.
    held_out : int
        How many objects these were.
    """

    name: str
    before: float
    after: float
    held_out: int


LearningAnswer: TypeAlias = "Progress | Look | NewModel"


def experience_of(session: Session) -> Experience:
    """Collect what the user vouched for; runs where the session lives.

    Raises
    ------
    LearningError
        If there is nothing.
    """
    from napari_sam2.learning import annotations_of_session

    planes = annotations_of_session(session)
    return Experience(session.model, planes, session.window_side, session.window_diameters)


def learn(request: Learn, report: Callable[[CurvePoint], object]) -> Learned:
    """Let the copy learn, and keep it."""
    from napari_sam2.learning import LearningSettings, Showing, check_name, fine_tune, keep

    check_name(request.name)  # now, and not when the time was spent
    known = request.experience
    showing = Showing(known.window_side, known.window_diameters)
    settings = LearningSettings(minutes=request.minutes, showing=showing)
    learned = fine_tune(known.model, known.planes, settings, report)
    keep(learned, request.name)
    return learned


@dataclass(frozen=True, slots=True)
class LearningJobs:
    """What the worker calls; tests may put their own in its place.

    Parameters
    ----------
    learn : callable
        Takes a `Learn` and a report of `CurvePoint`; returns what was learned and kept.
    """

    learn: Callable[[Learn, Callable[[CurvePoint], object]], Learned] = learn

    def serve(self, request: Learn, job: LearningJob) -> None:
        """Learn, and tell about it; errors are raised."""
        learned = self.learn(request, _reporter(job))
        lineage = learned.lineage
        before, after = lineage.before.value, lineage.after.value
        job.say(NewModel(request.name, before, after, lineage.held_out))


def _reporter(job: LearningJob) -> Callable[[CurvePoint], None]:
    """Tell how far it is, twice a second, and every look at the held-out objects; a stop takes the best so far."""
    told = float("-inf")

    def report(point: CurvePoint) -> None:
        nonlocal told
        if job.stopped:
            from napari_sam2.learning import EnoughLearned

            raise EnoughLearned
        done = (point.round - 1 + point.share) / point.rounds
        if point.held_out is not None:
            job.say(Look(done, point.held_out.value))
        if monotonic() - told > _TELL_EVERY_S:
            told = monotonic()
            job.say(Progress(round(100 * done), 100, "Learning"))

    return report
