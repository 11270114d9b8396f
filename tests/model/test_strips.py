"""The trunk in strips of windows (inference on a CPU) gives what it gives as a whole."""

from __future__ import annotations

import pytest
import torch

from napari_sam2.model import hiera
from napari_sam2.model.config import CONFIGS


@pytest.mark.parametrize("side", [64, 96, 160])  # 96 and 160: the last windows are padded
def test_strips_equal_the_whole(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    trunk = hiera.Hiera(CONFIGS["nano"]).eval()
    image = torch.randn(2, 3, side, side)
    whole = trunk(image)  # gradients are wanted: one piece
    seen: list[int] = []
    for block in trunk.blocks:
        block.register_forward_hook(lambda _block, inputs, _out: seen.append(inputs[0].shape[1]))
    monkeypatch.setattr(hiera, "_STRIP_BYTES", 1)
    with torch.inference_mode():
        strips = trunk(image)
    assert len(seen) > len(trunk.blocks)
    assert seen[0] == CONFIGS["nano"].window_spec[0]
    for a, b in zip(strips, whole, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
