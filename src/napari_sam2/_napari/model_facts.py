"""What there is to say about models and devices, as frozen values: what crosses between the picker and its worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from napari_sam2.results import Progress

__all__ = [
    "AUTO",
    "DescribeMachine",
    "DeviceFacts",
    "Downloaded",
    "EstimateSpeed",
    "FetchModel",
    "MachineFacts",
    "ModelAnswer",
    "ModelFacts",
    "ModelPick",
    "ModelRequest",
    "NotDownloaded",
    "Speed",
    "speed_sentence",
]

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model.

    Parameters
    ----------
    name : str
        What `load_model` takes.
    size : int
        Bytes of its weights.
    licence : str
        SPDX identifier.
    source : str
        Where its weights come from, such as ``huggingface.co/facebook/sam2.1-hiera-tiny``; "" for the bundled one and the user's own.
    is_here : bool
        Whether it can be loaded without the network.
    note : str
        A sentence for someone who has to choose.
    network : str
        Name of the released model with the same architecture; "" if that is not known.
    """

    name: str
    size: int
    licence: str
    source: str = ""
    is_here: bool = True
    note: str = ""
    network: str = ""

    @property
    def megabytes(self) -> str:
        """Its size for people."""
        return f"{self.size / 1e6:,.0f} MB"

    @property
    def question(self) -> str:
        """What to ask before it is fetched."""
        return (
            f"{self.name} is not on this machine yet.\n\nDownload {self.megabytes} from {self.source}?"
            f"\nLicence: {self.licence}. It is kept for later; after that no network is needed."
        )


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device of this machine.

    Parameters
    ----------
    device : str
        What `load_model` takes.
    name : str
        The maker's name.
    precision : str
        What "auto" means there.
    is_default : bool
        Whether "auto" means this device.
    """

    device: str
    name: str
    precision: str
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class ModelPick:
    """What was chosen; the arguments of `load_model`."""

    name: str
    device: str = AUTO
    precision: str = AUTO


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a choice is here.

    Parameters
    ----------
    pick : ModelPick
        What was asked about.
    seconds : float
        Per frame, with one object; an estimate.
    """

    pick: ModelPick
    seconds: float


# requests


@dataclass(frozen=True, slots=True)
class DescribeMachine:
    """Tell which models and devices there are; the network is not asked."""


@dataclass(frozen=True, slots=True)
class EstimateSpeed:
    """Tell how fast a choice will be."""

    pick: ModelPick


@dataclass(frozen=True, slots=True)
class FetchModel:
    """Bring the weights of a model to this machine; the user was asked."""

    name: str


ModelRequest: TypeAlias = DescribeMachine | EstimateSpeed | FetchModel


# answers


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """The models, the bundled one first, and the devices, the default one first."""

    models: tuple[ModelFacts, ...]
    devices: tuple[DeviceFacts, ...]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The weights are here."""

    name: str


@dataclass(frozen=True, slots=True)
class NotDownloaded:
    """The download was stopped; what arrived is kept."""

    name: str


ModelAnswer: TypeAlias = MachineFacts | Speed | Downloaded | NotDownloaded | Progress


def speed_sentence(speed: Speed) -> str:
    """Say how fast a choice is."""
    seconds = speed.seconds
    if seconds >= 60:
        text = f"{seconds / 60:.0f} min a frame"
    elif seconds >= 9.5:
        text = f"{seconds:.0f} s a frame"
    elif seconds >= 0.095:
        text = f"{seconds:.1f} s a frame"
    else:
        text = f"{1 / max(seconds, 1e-3):.0f} frames a second"
    return f"about {text} with one object (estimated)"
