"""A small network with stand-in weights: its masks are arbitrary, but always the same."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.session import Session

REFERENCE = Path(__file__).parents[1] / "reference"


def _reference_module():
    spec = importlib.util.spec_from_file_location("reference_weights", REFERENCE / "weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def model():
    """Nano with stand-in weights."""
    stand_in = _reference_module().stand_in
    net = SAM2(CONFIGS["nano"]).eval().requires_grad_(False)
    state = {k: torch.from_numpy(stand_in(k, tuple(v.shape))) for k, v in net.state_dict().items()}
    net.load_state_dict(state)
    net.name = "nano"
    return net


@pytest.fixture(scope="session")
def stack():
    """Ten frames of 64 x 80 pixels with drifting blobs."""
    y, x = np.mgrid[0:64, 0:80]
    frames = [
        120 * np.exp(-((y - 30 - t) ** 2 + (x - 25 - 2 * t) ** 2) / 80)
        + 100 * np.exp(-((y - 40 + t) ** 2 + (x - 60) ** 2) / 60)
        for t in range(10)
    ]
    return np.stack(frames).astype(np.uint8)


@pytest.fixture
def session(stack, model):
    """A session on that stack that never stops early."""
    return Session(stack, model, stop_rule=None)
