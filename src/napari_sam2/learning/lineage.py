"""Where a fine-tuned model comes from: written into its file, read by whoever lists it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from napari_sam2.learning.calibration import expected_calibration_error

if TYPE_CHECKING:
    import numpy as np

    from napari_sam2.learning.scoring import HeldOutScores
    from napari_sam2.model.network import SAM2

__all__ = ["Lineage", "Summary", "hash_of_weights", "summarise"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores of one model on the held-out objects.

    Parameters
    ----------
    one_click, three_clicks : float
        Median IoU.
    value : float
        Mean of the mean IoUs after one and after three clicks: what decides.
    calibration_error : float
        Expected calibration error of iou_score.
    """

    one_click: float
    three_clicks: float
    value: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Lineage:
    """How a model was made.

    Parameters
    ----------
    parent, parent_hash : str
        Name and hash of the weights it began with.
    network : str
        Name of the released network with the same architecture.
    date : str
        ISO 8601.
    version : str
        Of this package.
    data : tuple of str
        Names of the images.
    planes, objects, held_out, rounds : int
        Planes; objects in all; how many of them were held out; how many times, in turn.
    settings : dict
        Of the fine-tuning.
    seconds : float
        It took.
    steps : int
        Of the result.
    before, after : Summary
        On the held-out objects.
    """

    parent: str
    parent_hash: str
    network: str
    date: str
    version: str
    data: tuple[str, ...]
    planes: int
    objects: int
    held_out: int
    rounds: int
    settings: dict[str, Any]
    seconds: float
    steps: int
    before: Summary
    after: Summary

    def to_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Lineage:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        values["data"] = tuple(values["data"])
        values["before"], values["after"] = Summary(**values["before"]), Summary(**values["after"])
        return cls(**values)


def summarise(scores: HeldOutScores, said: np.ndarray | None = None) -> Summary:
    """Sum scores up; with other estimates than the model's own, if given."""
    error = expected_calibration_error(scores.iou_scores if said is None else said, scores.ious)
    return Summary(scores.one_click, scores.three_clicks, scores.value, error)


def hash_of_weights(model: SAM2) -> str:
    """Return a SHA-256 of all weights with their names; the same wherever and however they are stored in float32."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
