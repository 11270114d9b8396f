"""The models by name: what they are, where their files are, and how they come to this machine.

Imports neither torch nor, before it is needed, the Hugging Face library: listing models is quick.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from napari_sam2.errors import CheckpointError, DownloadError
from napari_sam2.model.own import own_model, own_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_sam2.model.own import OwnModel

__all__ = [
    "CARDS",
    "ModelCard",
    "Report",
    "all_cards",
    "download",
    "find_weights",
    "is_downloaded",
    "model_card",
    "weights_folder",
]

Report: TypeAlias = Callable[[int, int], object]
"""Called with the bytes that are here and the bytes in all; what it raises stops the download."""

_BUNDLED: Final = Path(__file__).with_name("nano.safetensors")
_FOLDER_VARIABLE: Final = "NAPARI_SAM2_WEIGHTS"
_TRANSFORMERS_FILE: Final = "model.safetensors"  # beside the official file, for that library


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model that can be loaded by name.

    Parameters
    ----------
    name : str
        What `load_model` takes.
    repo : str
        Repository on the Hugging Face Hub; "" for the bundled model.
    file : str
        Name of the weights file.
    size : int
        Bytes of that file.
    licence : str
        SPDX identifier.
    note : str
        A sentence for someone who has to choose.
    own : OwnModel or None
        What there is to know of it if the user made it.
    """

    name: str
    repo: str
    file: str
    size: int
    licence: str
    note: str
    own: OwnModel | None = None

    @property
    def is_bundled(self) -> bool:
        """Whether it comes with the package."""
        return not self.repo and self.own is None

    @property
    def network(self) -> str:
        """Name of the released network with the same architecture; "" if that is not known."""
        return self.name if self.own is None else self.own.network

    @property
    def url(self) -> str:
        """Where a browser finds the file; "" for the bundled model."""
        return f"https://huggingface.co/{self.repo}/resolve/main/{self.file}" if self.repo else ""


def _official(version: str, size_name: str, size: int, note: str) -> ModelCard:
    name = f"{version}_hiera_{size_name}"
    repo = f"facebook/{version}-hiera-{size_name.replace('_', '-')}"
    return ModelCard(name, repo, f"{name}.pt", size, "Apache-2.0", note)


_NANO = ModelCard(
    "nano",
    "",
    _BUNDLED.name,
    _BUNDLED.stat().st_size if _BUNDLED.exists() else 0,
    "BSD-3-Clause",
    "Small, trained on synthetic images only, meant to try, test and teach; for real work choose an "
    "official one.",
)

CARDS: Final[dict[str, ModelCard]] = {
    card.name: card
    for card in (
        _NANO,
        _official(
            "sam2.1", "tiny", 156_008_466, "The fastest official model: a good first choice."
        ),
        _official("sam2.1", "small", 184_416_285, "A little slower and better than tiny."),
        _official("sam2.1", "base_plus", 323_606_802, "For a graphics card, or patience."),
        _official("sam2.1", "large", 898_083_611, "The best and slowest; needs a graphics card."),
        _official("sam2", "tiny", 155_906_050, "The first release; prefer sam2.1_hiera_tiny."),
        _official("sam2", "small", 184_309_650, "The first release; prefer sam2.1_hiera_small."),
        _official(
            "sam2", "base_plus", 323_493_298, "The first release; prefer sam2.1_hiera_base_plus."
        ),
        _official("sam2", "large", 897_952_466, "The first release; prefer sam2.1_hiera_large."),
    )
}
"""All models of this package, the bundled one first."""


def all_cards() -> dict[str, ModelCard]:
    """Return all models that can be loaded by name: those of the package, then the user's own, fine-tuned ones."""
    return CARDS | {model.name: _card_of(model) for model in own_models()}


def _card_of(model: OwnModel) -> ModelCard:
    licence = CARDS[model.network].licence if model.network in CARDS else ""
    return ModelCard(model.name, "", model.path.name, model.size, licence, model.note, model)


def model_card(name: str) -> ModelCard:
    """Look a model up.

    Raises
    ------
    CheckpointError
        If there is none of that name; a file is given as ``load_model(checkpoint=...)``.
    """
    if name in CARDS:
        return CARDS[name]
    own = own_model(name)
    if own is not None:
        return _card_of(own)
    known = list(all_cards())
    wanted = str(name).rsplit("/", 1)[-1]
    close = difflib.get_close_matches(wanted.replace("-", "_"), known, n=1)
    close = close or difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise CheckpointError(
        f"there is no model {str(name)!r}; {hint}the models are {', '.join(known)}. A weights file "
        "is given as load_model(checkpoint=path)."
    )


def weights_folder() -> Path:
    """Return the folder that holds the downloaded files, and those put there by hand.

    The environment variable NAPARI_SAM2_WEIGHTS, or ``napari-sam2`` in the Hugging Face home folder.
    """
    chosen = os.environ.get(_FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "napari-sam2"


def find_weights(name: str) -> Path | None:
    """Find the weights of a model on this machine; the network is not asked.

    Looked for in `weights_folder`, as ``<name>.pt`` or ``<name>.safetensors``, then in the cache that
    the Hugging Face tools share (also what the ``transformers`` library left there).

    Returns
    -------
    Path or None
        None if they are not here.
    """
    card = model_card(name)
    if card.is_bundled:
        return _BUNDLED if _BUNDLED.is_file() else None
    if card.own is not None:
        return card.own.path
    for suffix in (".pt", ".safetensors"):
        file = weights_folder() / f"{name}{suffix}"
        if file.is_file():
            return file
    from huggingface_hub import try_to_load_from_cache

    for filename in (card.file, _TRANSFORMERS_FILE):
        cached = try_to_load_from_cache(card.repo, filename)
        if isinstance(cached, str):
            return Path(cached)
    return None


def is_downloaded(name: str) -> bool:
    """Whether a model can be loaded without the network."""
    return find_weights(name) is not None


def download(name: str, progress: Report | None = None, *, again: bool = False) -> Path:
    """Bring the weights of a model to this machine, unless they are here.

    A download that was stopped goes on where it was. What arrives is compared to the checksum that
    the Hub gives.

    Parameters
    ----------
    name : str
        See `CARDS`.
    progress : callable, optional
        Called with (bytes here, bytes in all), often. An exception in it stops the download. By
        default a bar is drawn.
    again : bool
        Fetch the file even if it is here (because it is damaged, say).

    Returns
    -------
    Path

    Raises
    ------
    CheckpointError
        If there is no such model.
    DownloadError
        If it cannot be fetched; says where to put the file by hand.
    """
    card = model_card(name)
    here = find_weights(name)
    if here is not None and (not card.repo or not again):
        return here
    if card.is_bundled:
        raise CheckpointError(
            f"{_BUNDLED} is missing from this installation; install napari-sam2 again, or choose "
            "another model."
        )
    from napari_sam2.model.transfer import fetch

    target = weights_folder() / card.file
    with _bar(card, progress) as report:
        try:
            fetch(card.repo, card.file, target, report)
        except DownloadError as error:
            raise DownloadError(_by_hand(card, target, error)) from error
    return target


def _by_hand(card: ModelCard, target: Path, error: DownloadError) -> str:
    return (
        f"{card.name} is not on this machine and could not be fetched: {error} Try again with a "
        f"connection; or fetch {card.url} by other means and put it at {target}, or give it as "
        f'load_model("{card.name}", checkpoint=path). load_model("nano") needs no download.'
    )


@contextmanager
def _bar(card: ModelCard, progress: Report | None) -> Iterator[Report]:
    """Draw the progress on the terminal, unless someone else shows it."""
    if progress is not None:
        yield progress
        return
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    with ExitStack() as opened:
        bars: list[Any] = []

        def draw(done: int, total: int) -> None:
            if not bars:  # only now: without a connection there is nothing to draw
                bar = tqdm(
                    desc=card.file, total=total, unit="B", unit_scale=True, unit_divisor=1000
                )  # type: ignore[no-untyped-call]
                bars.append(opened.enter_context(bar))
            bars[0].update(done - bars[0].n)

        yield draw
