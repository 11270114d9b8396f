"""What a run is told at its start, kept beside its state."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the course of a run.

    Parameters
    ----------
    model : str
        Name of a configuration in ``napari_sam2.model.config.CONFIGS``.
    minutes : float
        Length of the run; its schedule follows the time spent training.
    steps : int
        Length in steps instead, if above 0: then a run is the same on every machine and across interruptions.
    seed : int
        Of the starting weights and of all that is drawn.
    crops, objects : int
        Crops of 128 pixels in a step (fewer of larger ones), and objects asked for in each.
    clips, clip_objects : int
        The same for clips.
    peak_rate, weight_decay, decay : float
        Highest learning rate, weight decay, and decay of the averaged weights.
    clips_from, clip_share : float
        Progress from which there are clips, and their share of the steps from then on.
    first_planes, first_clips : int
        Drawn images that the first step may use.
    fresh : float
        New images a step.
    sides, side_shares : tuple
        Sides of the crops, in pixels, and how often each is used.
    device : str
        "cpu" or "cuda".
    precision : {"float32", "bfloat16"}
        Of the arithmetic.
    threads : int
        For torch, on the CPU.
    workers : int
        Processes that draw images, shared by planes and clips.
    """

    model: str = "nano"
    minutes: float = 75.0
    steps: int = 0
    seed: int = 0
    crops: int = 8
    objects: int = 4
    clips: int = 4
    clip_objects: int = 4
    peak_rate: float = 5e-4
    weight_decay: float = 0.05
    decay: float = 0.999
    clips_from: float = 0.5
    clip_share: float = 0.5
    first_planes: int = 64
    first_clips: int = 64
    fresh: float = 0.5
    sides: tuple[int, ...] = (96, 128, 160, 192, 256)
    side_shares: tuple[float, ...] = (0.08, 0.64, 0.1, 0.1, 0.08)
    device: str = "cpu"
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: int = 1
    workers: int = 1

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read what `save` wrote."""
        values = json.loads(path.read_text())
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**known)
