"""Memory does not grow with the number of frames, beyond labels and a kilobyte per object and frame."""

import ctypes
import gc
from pathlib import Path

import numpy as np
import pytest

from napari_sam2 import Point
from napari_sam2.session import CacheSizes, Session

MIB = 2**20


class _Endless:
    """A stack that draws a frame when it is asked for one."""

    def __init__(self, n_frames):
        self.shape = (n_frames, 64, 64)
        self.dtype = np.dtype(np.uint8)
        self.ndim = 3

    def __getitem__(self, index):
        y, x = np.mgrid[:64, :64]
        t = index[0] if isinstance(index, tuple) else index
        blob = 150 * np.exp(-((y - 32 - 10 * np.sin(t / 40)) ** 2 + (x - 32) ** 2) / 60)
        plane = (40 + blob + 3 * np.sin(x + t)).astype(np.uint8)
        return plane[tuple(index[1:])] if isinstance(index, tuple) else plane


def resident_bytes():
    """Memory that this process really uses: what malloc keeps for later is given back first."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, as Linux has it")
def test_two_thousand_frames(model):
    n_frames, objects = 2000, 2
    sizes = CacheSizes(embeddings=8 * MIB, memories=8 * MIB, logits=4 * MIB, disk=8 * MIB)
    session = Session(_Endless(n_frames), model, stop_rule=None, caches=sizes)
    for i in range(objects):
        session.add_prompt(i + 1, Point(0, (32, 20 + 8 * i)))
    seen = {}
    tracked = 0
    for update in session.propagate(direction="forward"):
        tracked += 1
        if update.object_id == objects and update.frame in (500, n_frames - 1):
            seen[update.frame] = resident_bytes()
    assert tracked == objects * (n_frames - 1)
    frames = n_frames - 1 - 500
    growth = seen[n_frames - 1] - seen[500]
    labels = frames * 64 * 64 * session.labels.itemsize
    # the kernel hands out large arrays, such as the labels, in pages of 2 MiB
    allowed = labels + frames * objects * 1024 + 2 * MIB
    assert growth < allowed, (
        f"{growth / MIB:.1f} MiB in {frames} frames, allowed {allowed / MIB:.1f}"
    )
    held = session._recall
    assert held.embeddings.held_bytes <= sizes.embeddings
    assert held.logits.held_bytes <= sizes.logits
    assert held.logits.spilled_bytes <= sizes.disk
