"""How many threads a piece of work gets."""

import pytest
import torch

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.threads import threads_for


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "side", "threads"),
    [("nano", 128, 1), ("nano", 256, 1), ("nano", 512, 4), ("sam2.1_hiera_tiny", 1024, 4)],
)
def test_small_work_gets_one_thread_and_the_others_come_back(four_threads, name, side, threads):
    with threads_for(CONFIGS[name], side):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 4
    with pytest.raises(KeyError), threads_for(CONFIGS[name], side):
        raise KeyError
    assert torch.get_num_threads() == 4
