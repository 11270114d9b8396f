"""A small network with stand-in weights: its masks are arbitrary, but always the same."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_sam2 import MaskPrompt
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


@pytest.fixture(scope="session")
def everything():
    """All that a session says about its objects, to be compared."""

    def _prompt(prompt):
        return prompt.mask.tobytes() if isinstance(prompt, MaskPrompt) else str(prompt)

    def _object(session, i):
        frames = range(session.n_frames)
        scores = session.scores(i)
        return (
            session.name(i),
            session.is_locked(i),
            [f for f in frames if session.is_accepted(i, f)],
            session.pending(i),
            {f: [_prompt(p) for p in given] for f, given in session.prompts(i).items()},
            [session.mask(i, f).tobytes() for f in frames],
            str([scores.frame, scores.iou_score, scores.object_score, scores.area, scores.overlap]),
        )

    def _everything(session):
        objects = {i: _object(session, i) for i in session.object_ids}
        return np.asarray(session.labels).astype(np.uint32).tobytes(), objects

    return _everything


@pytest.fixture(scope="session")
def disk():
    """A mask prompt of a disk."""

    def _disk(frame, centre=(30, 25), radius=9, shape=(64, 80)):
        y, x = np.mgrid[: shape[0], : shape[1]]
        return MaskPrompt(frame, (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)

    return _disk


@pytest.fixture(scope="session")
def repaint():
    """Bring a copy of the labels up to date from updates alone, as a window does."""

    def _repaint(shown, updates):
        for update in updates:
            y0, x0, y1, x1 = update.window
            shown[update.frame, y0:y1, x0:x1] = update.labels
        return shown

    return _repaint
