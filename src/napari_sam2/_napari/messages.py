"""What crosses the border between the GUI thread and the worker: requests go in, answers come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_sam2._napari.keeping import Plane, Unsaved
from napari_sam2.results import MaskUpdate, Progress

if TYPE_CHECKING:
    import numpy as np

    from napari_sam2._napari.coordinates import Placement
    from napari_sam2._napari.drawings import Drawing
    from napari_sam2._napari.keeping import KeepingRequest
    from napari_sam2._napari.model_facts import ModelPick
    from napari_sam2._napari.wishes import Wish
    from napari_sam2.prompts import Point

__all__ = [
    "AddPoints",
    "Answer",
    "Click",
    "Close",
    "Draw",
    "Encoded",
    "Erase",
    "Ghost",
    "Hints",
    "Hover",
    "ListModels",
    "Masks",
    "ModelChoice",
    "ModelList",
    "ObjectNow",
    "ObjectsNow",
    "Open",
    "Opened",
    "Propagate",
    "Recall",
    "Redo",
    "RemovePoints",
    "Request",
    "Said",
    "Selected",
    "SessionNow",
    "Undo",
]


@dataclass(frozen=True, slots=True)
class Click:
    """A point and the object that it speaks of."""

    object_id: int
    point: Point


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be chosen.

    Parameters
    ----------
    name : str
        What `load_model` takes.
    title : str
        What the list shows.
    note : str
        A sentence for someone who has to choose.
    question : str
        What to ask before its weights are fetched; "" if they are here.
    window_side : int, optional
        How much of a large plane it should see around an object, in pixels, unless the user knows better.
    is_small : bool
        Whether it answers at once on any processor.
    """

    name: str
    title: str
    note: str = ""
    question: str = ""
    window_side: int | None = None
    is_small: bool = False


# requests


@dataclass(frozen=True, slots=True)
class ListModels:
    """Tell which models there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """Begin a session.

    Parameters
    ----------
    array : array-like
        The data of an image layer, full resolution.
    placement : Placement
        Where the stack lies in it.
    rgb : bool
        Whether the last axis holds colours.
    pick : ModelPick
        Model, device and precision.
    window_side : int, optional
        What `Session` takes.
    name : str
        Of the image layer, for the user.
    autosaves : bool
        Whether every action is to be kept on disk.
    """

    array: Any
    placement: Placement
    rgb: bool
    pick: ModelPick
    window_side: int | None = None
    name: str = ""
    autosaves: bool = True


@dataclass(frozen=True, slots=True)
class AddPoints:
    """Give an object points on one frame."""

    object_id: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class RemovePoints:
    """Take points of one frame back."""

    object_id: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """Take a box, a lasso or a scribble as a prompt."""

    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Erase:
    """Take a box, a lasso or a scribble back."""

    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Propagate:
    """Carry all objects to all frames, until stopped."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the last action back; with what followed by itself, if there was a propagation after it."""

    with_followed: bool = False


@dataclass(frozen=True, slots=True)
class Redo:
    """Repeat what was taken back; with the propagation that followed by itself."""

    with_followed: bool = False


@dataclass(frozen=True, slots=True)
class Recall:
    """Tell the session's state, so that the layers can follow it."""


@dataclass(frozen=True, slots=True)
class Close:
    """Let the session go."""


Request: TypeAlias = (
    "ListModels | Open | AddPoints | RemovePoints | Draw | Erase | Propagate | Undo | Redo | Recall | Close"
    " | Wish | KeepingRequest"
)


# hints for the work at rest


@dataclass(frozen=True, slots=True)
class Hover:
    """Where the mouse is, and the object that a click there would speak of."""

    object_id: int
    point: Point


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user looks at.

    Parameters
    ----------
    frame : int
        The frame in view.
    hover : Hover, optional
        A ghost is wanted here.
    """

    frame: int = 0
    hover: Hover | None = None


# answers


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models, the bundled one first."""

    models: tuple[ModelChoice, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """The session is ready for prompts.

    Parameters
    ----------
    is_fast : bool
        Whether a ghost under the mouse costs next to nothing with this model on this device.
    can_ghost : bool
        Whether there can be one: the model looks at whole planes, which are encoded ahead, or it is fast.
    on_disk : bool
        Whether the labels would not fit in a quarter of the memory that is left.
    """

    is_fast: bool = True
    can_ghost: bool = True
    on_disk: bool = False


@dataclass(frozen=True, slots=True)
class SessionNow:
    """The session's state after a request.

    Parameters
    ----------
    clicks : frozenset of Click
        All point prompts.
    undo, redo : str
        What would be taken back or repeated; "" for nothing.
    pending : bool
        Whether a propagation has anything to do.
    drawings : frozenset of Drawing
        All boxes, lassos and scribbles.
    highest_id : int
        The highest object that there ever was; 0 before the first.
    """

    clicks: frozenset[Click]
    undo: str
    redo: str
    pending: bool
    drawings: frozenset[Drawing] = frozenset()
    highest_id: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Selected:
    """From now on clicks are meant for this object; and this frame is to be shown, if one is named."""

    object_id: int
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """So many planes are encoded, of so many that will be: said at rest."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Ghost:
    """What a click would give: said at rest.

    Parameters
    ----------
    hover : Hover
        The click.
    mask : ndarray of bool, (y, x), or None
        None where the plane is not encoded.
    """

    hover: Hover
    mask: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class ObjectNow:
    """One object, for tables and curves.

    Parameters
    ----------
    object_id : int
        Its value in the labels.
    name : str
        "" until it was named.
    locked : bool
        Whether it is protected.
    area, confidence : ndarray of float, (n_frames,)
        Pixels, and 0 to 1; NaN where there is no mask.
    trusted : ndarray of bool, (n_frames,)
        Frames that carry a prompt or were accepted.
    """

    object_id: int
    name: str
    locked: bool
    area: np.ndarray
    confidence: np.ndarray
    trusted: np.ndarray


@dataclass(frozen=True, slots=True)
class ObjectsNow:
    """All objects, ascending: said at rest, and now and then while propagating."""

    objects: tuple[ObjectNow, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """What was found on some frames, in order.

    Parameters
    ----------
    updates : tuple of MaskUpdate
        One or more.
    """

    updates: tuple[MaskUpdate, ...]


Answer: TypeAlias = (
    ModelList
    | Opened
    | SessionNow
    | Said
    | Selected
    | Encoded
    | Ghost
    | ObjectsNow
    | MaskUpdate
    | Masks
    | Progress
    | Unsaved
    | Plane
)
