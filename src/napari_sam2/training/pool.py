"""Drawn images, made ahead of the trainer in the background and kept on disk.

Drawing is slow, so every image is used several times. Image number ``i`` depends on ``i`` only and step ``k`` of a run
sees the images that a fixed schedule allows it, so that a resumed run sees the same ones, whatever the speed of the
drawing.
"""

import contextlib
import itertools
import multiprocessing
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

__all__ = ["Draw", "Drawn", "Pool", "draw_training_clip", "draw_training_plane"]

Drawn = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]
"""Frames (T, channel, y, x) in 0..1 and their labels (T, y, x)."""

Draw = Callable[[int], Drawn]

PLANE_SEED, CLIP_SEED = 1_000_000, 2_000_000
KEPT_IN_MEMORY = 1500


def draw_training_plane(index: int) -> Drawn:
    """Draw plane number ``index``: one frame of 256 x 256."""
    from napari_sam2.synthetic import draw_plane

    sample = draw_plane(PLANE_SEED + index, side=256)
    return _channels_first(sample.image[None]), sample.labels[None].astype(np.int32)


def draw_training_clip(index: int) -> Drawn:
    """Draw clip number ``index``: eight frames of 160 x 160."""
    from napari_sam2.synthetic import draw_clip

    movie = draw_clip(CLIP_SEED + index, n_frames=8, side=160)
    return _channels_first(movie.image), movie.labels.astype(np.int32)


def _channels_first(image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """(T, y, x) or (T, y, x, 3) -> (T, 1 or 3, y, x), in 0..1."""
    scaled = image.astype(np.float32)
    if np.issubdtype(image.dtype, np.integer):
        scaled /= np.iinfo(image.dtype).max
    return np.moveaxis(scaled, -1, 1) if scaled.ndim == 4 else scaled[:, None]


class Pool:
    """A growing collection of drawn images.

    Parameters
    ----------
    folder : Path
        Where the images are kept; an existing one is used again.
    draw : callable
        Index -> images and labels; importable, as another process calls it.
    workers : int
        Background processes; with 0 an image is drawn when it is first asked for.
    ahead : int
        How many images beyond those in use are drawn.
    """

    def __init__(self, folder: Path, draw: Draw, workers: int = 1, ahead: int = 200) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.draw = draw
        self.ahead = ahead
        self.waited = 0.0
        self._memory: OrderedDict[int, Drawn] = OrderedDict()
        context = multiprocessing.get_context("spawn")
        self._wanted = context.Value("q", 0)
        self._workers: list[BaseProcess] = []
        for number in range(workers):
            worker = context.Process(
                target=_draw_ahead,
                args=(folder, draw, self._wanted, number, workers, os.getpid()),
                daemon=True,
            )
            worker.start()
            self._workers.append(worker)

    def want(self, count: int) -> None:
        """Have images 0 to ``count`` - 1, and some more, drawn in the background."""
        self._wanted.value = max(self._wanted.value, count + self.ahead)

    def get(self, index: int) -> Drawn:
        """Return image ``index``; wait for it if it is being drawn."""
        if index in self._memory:
            self._memory.move_to_end(index)
            return self._memory[index]
        path = _path(self.folder, index)
        if not path.exists():
            if not self._workers:
                _store(path, self.draw(index))
            else:
                self._wait(path)
        with np.load(path) as stored:
            drawn = stored["image"].astype(np.float32), stored["labels"].astype(np.int32)
        self._memory[index] = drawn
        if len(self._memory) > KEPT_IN_MEMORY:
            self._memory.popitem(last=False)
        return drawn

    def _wait(self, path: Path) -> None:
        start = time.monotonic()
        while not path.exists():
            dead = [w.exitcode for w in self._workers if w.exitcode is not None]
            if dead:
                raise RuntimeError(
                    f"a drawing process ended with exit code {dead[0]} before {path.name} was drawn; its own "
                    "message is above."
                )
            time.sleep(0.02)
        self.waited += time.monotonic() - start

    def close(self) -> None:
        """End the background processes."""
        for worker in self._workers:
            worker.terminate()
            worker.join()
        self._workers.clear()


def _draw_ahead(
    folder: Path, draw: Draw, wanted: Any, number: int, workers: int, parent: int
) -> None:
    """Draw images ``number``, ``number + workers``, ... up to the number wanted; ends with its parent."""
    with contextlib.suppress(ImportError):
        import torch

        torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(5)
    for index in itertools.count(number, workers):
        path = _path(folder, index)
        if path.exists():
            continue
        while index >= wanted.value:
            time.sleep(0.1)
            if os.getppid() != parent:
                return
        _store(path, draw(index))


def _path(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.npz"


def _store(path: Path, drawn: Drawn) -> None:
    """Write an image atomically, 16 bits a pixel."""
    image, labels = drawn
    partial = path.with_name(f"{path.stem}.{os.getpid()}.part")
    with partial.open("wb") as file:
        np.savez(file, image=image.astype(np.float16), labels=labels.astype(np.uint16))
    partial.replace(path)
