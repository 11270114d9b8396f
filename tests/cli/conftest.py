"""A command line to call, weights for it, a small stack and prompts."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from typer.testing import CliRunner, Result

from napari_sam2.cli import app
from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.model.weights import save_weights
from napari_sam2.stack import save_labels
from napari_sam2.synthetic import draw_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

SIDE = 64
N_FRAMES = 8


def untrained(path: Path, seed: int) -> Path:
    """Write the weights of a nano that was never trained."""
    generator_state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    net = SAM2(CONFIGS["nano"])
    torch.random.set_rng_state(generator_state)
    return save_weights(net, path)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose masks cover a part of the plane, and that never says that an object is absent."""
    return untrained(tmp_path_factory.mktemp("weights") / "present.safetensors", seed=2)


@pytest.fixture(scope="session")
def absent_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says of every frame that the object is absent."""
    return untrained(tmp_path_factory.mktemp("weights") / "absent.safetensors", seed=0)


@pytest.fixture
def call() -> Callable[..., Result]:
    """Call the command line in this process; anything but an exit comes out as it is."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        return result

    return run


@pytest.fixture
def environment() -> dict[str, str]:
    """For calls in another process: one thread, no cache of the user."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def command() -> list[str]:
    """The beginning of a call in another process."""
    return [sys.executable, "-m", "napari_sam2.cli"]


@pytest.fixture
def run_apart(
    command: list[str], environment: dict[str, str]
) -> Callable[..., tuple[int, str, str]]:
    """Call the command line in another process."""

    def run(*arguments: object) -> tuple[int, str, str]:
        done = subprocess.run(
            [*command, *map(str, arguments)], capture_output=True, text=True, env=environment
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture(scope="session")
def stack_image() -> np.ndarray:
    """Nuclei, uint16, (z, y, x)."""
    return draw_stack(0, (N_FRAMES, SIDE, SIDE)).image


@pytest.fixture
def stack_file(stack_image: np.ndarray, tmp_path: Path) -> Path:
    """The stack as a TIFF with a scale."""
    path = tmp_path / "nuclei.tif"
    save_labels(path, stack_image, "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.5})
    return path


@pytest.fixture
def prompts_file(tmp_path: Path) -> Path:
    """Two objects: a click, and a box with a negative point."""
    path = tmp_path / "prompts.csv"
    path.write_text(
        "object_id,frame,type,y,x,y2,x2,positive\n"
        "1,3,point,30,30,,,\n"
        "2,4,box,5,40,20,60,\n"
        "2,4,point,40,10,,,false\n"
    )
    return path


@pytest.fixture
def segment_arguments(
    stack_file: Path, prompts_file: Path, weights: Path, tmp_path: Path
) -> list[object]:
    """A whole call of ``segment`` that writes labels.tif."""
    return [
        *("segment", stack_file, "--prompts", prompts_file, "--out", tmp_path / "labels.tif"),
        *("--checkpoint", weights, "--device", "cpu", "--precision", "float32"),
        "--islands",  # random weights find little else
    ]
