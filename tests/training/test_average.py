from __future__ import annotations

import torch
from torch import nn

from napari_sam2.training.average import Average


def test_the_average_forgets_geometrically() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 1.0)
    average = Average(module, decay=0.15)
    expected = 1.0
    for step, value in enumerate((2.0, -1.0, 4.0), 1):
        nn.init.constant_(module.weight, value)
        average.update(module)
        decay = min(0.15, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert abs(average.weights["weight"].item() - expected) < 1e-6


def test_the_first_steps_count_more() -> None:
    module = nn.Linear(2, 2)
    average = Average(module, decay=0.999)
    nn.init.zeros_(module.weight)
    start = average.weights["weight"].clone()
    average.update(module)
    torch.testing.assert_close(average.weights["weight"], start * 2 / 11)


def test_whole_numbers_are_copied() -> None:
    module = nn.BatchNorm1d(2)
    average = Average(module)
    module.num_batches_tracked += 3
    average.update(module)
    assert average.weights["num_batches_tracked"] == 3
