"""What a fine-tuning is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from napari_sam2.errors import LearningError
from napari_sam2.learning.examples import Showing

if TYPE_CHECKING:
    from napari_sam2.model.config import ModelConfig

__all__ = ["Learn", "LearningSettings", "usual_parts"]

Learn: TypeAlias = Literal["decoder", "memory", "adapters", "everything"]
"""Which weights learn: the mask decoder; it and the memory; it and low-rank adapters on the encoder; all."""


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """How to learn.

    Parameters
    ----------
    learn : {"decoder", "memory", "adapters", "everything"} or None
        Which weights; None takes what `usual_parts` says.
    minutes : float
        At most; earlier when the held-out objects do not gain any more.
    rate : float
        Peak learning rate of AdamW.
    crops : int
        Windows in a step.
    showing : Showing
        The windows of the session in which the model will be used.
    seed : int
        Of everything that is drawn.
    steps : int or None
        So many steps instead of the time: the same result every time.
    """

    learn: Learn | None = None
    minutes: float = 5.0
    rate: float = 3e-4
    crops: int = 8
    showing: Showing = Showing()  # noqa: RUF009 - frozen
    seed: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.learn is not None and self.learn not in get_args(Learn):
            raise LearningError(
                f"learn is {self.learn!r}; use one of {', '.join(get_args(Learn))}."
            )
        if not self.minutes > 0:
            raise LearningError(f"minutes is {self.minutes}; give the model some time, say 5.")


def usual_parts(config: ModelConfig) -> Learn:
    """Choose what learns: everything in a small network, the decoder of a large one, on embeddings that are made once."""
    return "everything" if config.embed_dim < 64 else "decoder"
