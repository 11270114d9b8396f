"""Which objects are learned from and which ones judge: all frames of an object, or all objects of an image, go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_sam2.errors import LearningError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_sam2.learning.examples import Example

__all__ = ["Split", "hold_out"]

Split = tuple[list["Example"], list["Example"]]
"""Examples to learn from, examples to judge by."""

_FEW: Final = 12
_ROUNDS: Final = 3
_SHARE: Final = 0.25
_MOST_JUDGED: Final = 24
_SEVERAL_IMAGES: Final = 4


def hold_out(examples: Sequence[Example], seed: int) -> list[Split]:
    """Split examples.

    Parameters
    ----------
    examples : sequence of Example
        All of them.
    seed : int
        Of the lot.

    Returns
    -------
    list of Split
        One, with a quarter held out: of the images if there are four or more, else of the objects. Under twelve objects three
        splits, in which each object is held out once: so little data is not given away.

    Raises
    ------
    LearningError
        If there is only one object: nothing would be left to judge by.
    """
    groups = sorted({e.group for e in examples})
    sources = sorted({source for source, _ in groups})
    if len(groups) < 2:
        raise LearningError(
            f"{len(groups)} object is too few: one to learn from and one to judge by is the least; mark five or more."
        )
    rng = np.random.default_rng(seed)
    if len(sources) >= _SEVERAL_IMAGES:
        drawn = rng.permutation(len(sources))[: max(1, round(_SHARE * len(sources)))]
        judges = {sources[i] for i in drawn}
        return [_split(examples, [e.group[0] in judges for e in examples], rng)]
    order = rng.permutation(len(groups))
    if len(groups) >= _FEW:
        chosen = {groups[i] for i in order[: round(_SHARE * len(groups))]}
        return [_split(examples, [e.group in chosen for e in examples], rng)]
    rounds = min(_ROUNDS, len(groups))
    splits = []
    for i in range(rounds):
        chosen = {groups[j] for j in order[i::rounds]}
        splits.append(_split(examples, [e.group in chosen for e in examples], rng))
    return splits


def _split(examples: Sequence[Example], judged: Sequence[bool], rng: np.random.Generator) -> Split:
    learned = [e for e, held in zip(examples, judged, strict=True) if not held]
    judges = [e for e, held in zip(examples, judged, strict=True) if held]
    if len(judges) > _MOST_JUDGED:  # looking at them takes time
        judges = [judges[i] for i in sorted(rng.permutation(len(judges))[:_MOST_JUDGED])]
    return learned, judges
