"""The work of ``demo``: a stack, clicks, propagation, scores, a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import typer

from napari_sam2.cli.choosing import ModelChoice, describe_model, memory_errors
from napari_sam2.cli.clicks import Click, bright_blobs, iou_3d, middle_of_objects, window_for
from napari_sam2.cli.console import note, progress_bar, show_table
from napari_sam2.cli.overlay import colours_of
from napari_sam2.cli.writing import write_labels, write_overlay
from napari_sam2.errors import PromptError, StackError
from napari_sam2.session import Session
from napari_sam2.stack import IntensityMap, Stack, open_stack, save_labels
from napari_sam2.synthetic import draw_stack

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.results import Progress

__all__ = ["Scene", "Show", "draw_scene", "open_scene"]

SHAPE = (12, 160, 160)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is shown.

    Parameters
    ----------
    stack : Stack
        The image.
    clicks : list of Click
        One per object.
    truth : ndarray of int, (frame, y, x), or None
        What is right, if known.
    drawn : bool
        Whether the stack was drawn here.
    """

    stack: Stack
    clicks: list[Click]
    truth: np.ndarray | None
    drawn: bool

    @property
    def window(self) -> int:
        """Side of the window, pixels."""
        return window_for(self.clicks)


def draw_scene(seed: int, most: int) -> Scene:
    """Draw a stack of nuclei, and click each nucleus in its middle."""
    movie = draw_stack(seed, SHAPE)
    stack = Stack.from_array(movie.image, "ZYX")
    return _scene_of(stack, movie.labels, most, drawn=True)


def open_scene(image: Path, truth_path: Path | None, most: int) -> Scene:
    """Open a stack, and click its known objects, or else bright blobs.

    Raises
    ------
    StackError
        If the image or the truth cannot be read, or they do not fit.
    PromptError
        If there is nothing to click on.
    """
    stack = open_stack(image)
    if truth_path is None:
        frame = stack.n_frames // 2
        plane = IntensityMap.from_stack(stack)(stack.plane(frame)).mean(axis=-1)
        scene = Scene(stack, bright_blobs(plane, frame, most), None, drawn=False)
    else:
        scene = _scene_of(stack, _read_truth(truth_path, stack), most, drawn=False)
    if not scene.clicks:
        raise PromptError(
            f"nothing to click on was found in {truth_path or image}; click yourself, and use: "
            "napari-sam2 segment"
        )
    return scene


def _scene_of(stack: Stack, truth: np.ndarray, most: int, *, drawn: bool) -> Scene:
    """Click known objects; the truth of those that are not clicked is left out."""
    clicks = middle_of_objects(truth, most)
    clicked = np.isin(truth, [click.object_id for click in clicks])
    return Scene(stack, clicks, np.where(clicked, truth, 0), drawn)


def _read_truth(path: Path, stack: Stack) -> np.ndarray:
    opened = open_stack(path)
    shapes = (opened.n_frames, *opened.plane_shape), (stack.n_frames, *stack.plane_shape)
    if shapes[0] != shapes[1] or opened.n_channels != 1:
        raise StackError(
            f"--truth {path} has shape {shapes[0]}, the image {shapes[1]} (frame, y, x); they must be "
            "the same."
        )
    if opened.dtype.kind not in "bui":
        raise StackError(
            f"--truth {path} holds {opened.dtype} numbers, labels are whole ones from 0; give labels."
        )
    return np.stack([opened.plane(frame) for frame in range(opened.n_frames)]).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    """One run of ``demo``.

    Parameters
    ----------
    scene : Scene
        What is shown.
    model : ModelChoice
        What computes.
    out : Path
        Folder.
    window : int or None
        Side of the window, pixels.
    """

    scene: Scene
    model: ModelChoice
    out: Path
    window: int | None

    def run(self) -> None:
        """Segment, write, print.

        Raises
        ------
        StackError
            If the folder cannot be made.
        """
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"--out {self.out} cannot be made ({error}); choose another."
            ) from error
        net = self.model.load()
        stack = self.scene.stack
        note(
            f"{len(self.scene.clicks)} objects, one click each; {stack.n_frames} frame(s) of "
            f"{stack.plane_shape}"
        )
        session = Session(stack, net, window_side=self.window, drops_islands=True)
        with memory_errors():
            seconds = self._segment(session)
        self._write(session)
        self._print(session, seconds)
        typer.echo(describe_model(net))
        typer.echo(f"results: {self.out}")

    def _segment(self, session: Session) -> float:
        """Click and propagate; return the seconds that it took."""
        begun = time.perf_counter()
        with progress_bar("clicks") as advance:
            for done, click in enumerate(self.scene.clicks, start=1):
                session.add_prompt(click.object_id, click.point)
                advance(done, len(self.scene.clicks))
        with progress_bar("frames") as advance:

            def show(progress: Progress) -> None:
                advance(progress.done, progress.total)

            for _ in session.propagate(progress=show):
                pass
        return time.perf_counter() - begun

    def _write(self, session: Session) -> None:
        write_labels(self.out / "labels.tif", session)
        write_overlay(self.out / "overlay.png", session, self.scene.truth)
        if self.scene.drawn and self.scene.truth is not None:
            save_labels(self.out / "truth.tif", self.scene.truth, "ZYX")
            # whole numbers of 16 bits, like labels
            save_labels(self.out / "image.tif", np.asarray(self.scene.stack.array), "ZYX")

    def _print(self, session: Session, seconds: float) -> None:
        truth, ids = self.scene.truth, [click.object_id for click in self.scene.clicks]
        ious = None if truth is None else iou_3d(session.labels, truth, ids)
        rows, colours = [], colours_of(ids)
        for click in self.scene.clicks:
            (y, x), scores = click.point.yx, session.scores(click.object_id)
            frames = scores.frame[scores.area > 0]
            rows.append(
                (
                    str(click.object_id),
                    f"{click.point.frame}, {y:.0f}, {x:.0f}",
                    f"{frames[0]} to {frames[-1]}" if frames.size else "nowhere",
                    f"{np.mean(scores.iou_score):.2f}"
                    if ious is None
                    else f"{ious[click.object_id]:.2f}",
                )
            )
        score = "estimated IoU" if ious is None else "IoU in 3-D"
        show_table(
            "One click per object",
            ("object", "click: frame, y, x", "found on frames", score),
            rows,
            colours=[colours[object_id] for object_id in ids],
        )
        if ious is not None:
            typer.echo(f"median IoU in 3-D: {np.median(list(ious.values())):.2f}")
        n_frames = session.n_frames
        typer.echo(
            f"{seconds:.1f} s: {seconds / n_frames:.2f} s per frame, for {len(ids)} objects at once"
        )
