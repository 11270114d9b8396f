"""The cache is bounded, forgets the oldest, and gives back what it was given."""

import gc

import pytest
import torch

from napari_sam2.engine.cache import TensorCache

KB = 256  # float32 values in a kilobyte


def tensor(value):
    return torch.full((KB,), float(value))


def test_the_least_recently_used_leave_first():
    cache = TensorCache(3 * 1024)
    for key in "abc":
        cache.put(key, tensor(ord(key)))
    cache.get("a")
    cache.put("d", tensor(1))
    assert [key in cache for key in "abcd"] == [True, False, True, True]
    assert cache.get("b") is None
    assert cache.held_bytes == 3 * 1024


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_what_goes_to_disk_comes_back_the_same(dtype):
    cache = TensorCache(0, 10_000)
    first = (torch.randn(3, 5) * 3).to(dtype)
    cache.put("key", first, torch.zeros(0, 2))
    assert cache.held_bytes == 0
    assert cache.spilled_bytes == first.numel() * first.element_size()
    back, empty = cache.get("key")
    assert back.dtype == dtype
    assert torch.equal(back, first)
    assert empty.shape == (0, 2)


def test_the_disk_is_bounded_too():
    cache = TensorCache(0, 2 * 1024)
    for key in range(5):
        cache.put(key, tensor(key))
    assert [key in cache for key in range(5)] == [False, False, False, True, True]
    assert cache.spilled_bytes == 2 * 1024
    assert len(list(cache._folder.iterdir())) == 2
    cache.put("large", torch.zeros(3 * KB))
    assert "large" not in cache


def test_a_key_is_replaced_and_the_folder_goes_with_the_cache():
    cache = TensorCache(0, 4096)
    cache.put("key", tensor(1))
    cache.put("key", tensor(2))
    assert len(cache) == 1
    (held,) = cache.get("key")
    assert held[0] == 2
    folder = cache._folder
    cache.clear()
    assert len(cache) == cache.held_bytes == cache.spilled_bytes == 0
    del cache
    gc.collect()
    assert not folder.exists()
