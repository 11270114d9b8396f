"""What ``finetune`` learns from: a session with its image, or images with their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import typer

from napari_sam2.errors import LearningError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.learning import AnnotatedPlane, Showing
    from napari_sam2.model.network import SAM2

__all__ = ["Sources"]

USUAL_WINDOW = 128
DIAMETERS = 4


@dataclass(frozen=True, slots=True)
class Sources:
    """What the options say.

    Parameters
    ----------
    session : Path or None
        Folder.
    images, labels : tuple of Path
        Files; one image for a session, else as many labels as images.
    frames : tuple of int or None
        Only these.
    objects : int or None
        So many at most.
    window : int or None
        First window; 0 for the whole plane, None for what suits.
    seed : int
        Of the lot.
    """

    session: Path | None
    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    frames: tuple[int, ...] | None
    objects: int | None
    window: int | None
    seed: int

    def check(self) -> None:
        """Refuse what does not go together.

        Raises
        ------
        typer.BadParameter
            Which option is missing or too much.
        """
        if self.session is not None:
            if self.labels:
                raise typer.BadParameter("goes without --session.", param_hint="'--labels'")
            if len(self.images) != 1:
                raise typer.BadParameter(
                    "needs the image of the session: --images FILE, once.", param_hint="'--session'"
                )
        elif not self.images:
            raise typer.BadParameter(
                "give a --session FOLDER, or --images FILE with --labels FILE.",
                param_hint="'--images'",
            )
        elif len(self.images) != len(self.labels):
            raise typer.BadParameter(
                f"{len(self.labels)} are given for {len(self.images)} of --images; give one for each.",
                param_hint="'--labels'",
            )

    def read(self, model: SAM2) -> tuple[list[AnnotatedPlane], Showing]:
        """Read the annotations, and choose the windows in which the model will be used."""
        from napari_sam2.learning import Showing
        from napari_sam2.learning.examples import examples_of

        planes, window, diameters = (
            self._of_labels() if self.session is None else self._of_session(self.session, model)
        )
        if self.objects is not None:
            planes = _some(planes, self.objects, self.seed)
        if self.window is not None:
            window = self.window or None
        elif self.session is None:
            sizes = [e.diameter for e in examples_of(planes)]
            if not sizes:
                raise LearningError("all objects are smaller than 20 pixels; mark larger ones.")
            window = max(USUAL_WINDOW, round(DIAMETERS * float(np.median(sizes))))
        return planes, Showing(window, diameters)

    def _of_session(
        self, folder: Path, model: SAM2
    ) -> tuple[list[AnnotatedPlane], int | None, float]:
        from napari_sam2.learning import annotations_of_session
        from napari_sam2.session import Session
        from napari_sam2.stack import open_stack

        session = Session.load(folder, open_stack(self.images[0]), model)
        planes = annotations_of_session(session)
        if self.frames is not None:
            planes = [p for p in planes if p.frame in self.frames]
            if not planes:
                raise LearningError(
                    f"frames {list(self.frames)} have no mask that was corrected or accepted; leave --frames out."
                )
        return planes, session.window_side, session.window_diameters

    def _of_labels(self) -> tuple[list[AnnotatedPlane], int | None, float]:
        from napari_sam2.learning import annotations_of_labels
        from napari_sam2.stack import open_stack

        planes = []
        for image, labels in zip(self.images, self.labels, strict=True):
            stack = open_stack(image)
            named = open_stack(labels)
            axis = stack.propagation_axis
            if axis is not None and axis in named.axes:
                named = open_stack(labels, propagation_axis=axis)
            planes += annotations_of_labels(stack, named, self.frames, source=str(image))
        return planes, None, 3.0


def _some(planes: list[AnnotatedPlane], count: int, seed: int) -> list[AnnotatedPlane]:
    """Keep some objects, drawn by lot; of the others nothing is known any more."""
    from dataclasses import replace

    from napari_sam2.learning.examples import examples_of

    groups = sorted({e.group for e in examples_of(planes)})
    if len(groups) <= count:
        return planes
    drawn = np.random.default_rng(seed).permutation(len(groups))[:count]
    kept = {groups[i] for i in drawn}
    few = []
    for plane in planes:
        ids = [i for i in plane.object_ids if (plane.source, i) in kept]
        if ids:
            labels = np.where(np.isin(plane.labels, ids), plane.labels, 0)
            few.append(replace(plane, labels=labels, is_complete=False))
    return few
