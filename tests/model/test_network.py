"""Properties of the network that hold for any weights."""

import pytest
import torch
from torch.nn import functional as F

from napari_sam2.model import attention
from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2, MemoryBatch


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = SAM2(CONFIGS["nano"]).eval()
    for parameter in net.parameters():
        if parameter.ndim == 1 or parameter.std() == 0:
            torch.nn.init.normal_(parameter, std=0.2)
    return net.requires_grad_(False)


@pytest.mark.parametrize("rows", [16, 100, 10_000])
def test_blocked_attention_is_attention(rows, monkeypatch):
    torch.manual_seed(1)
    q, k, v = torch.randn(2, 70, 32), torch.randn(2, 130, 32), torch.randn(2, 130, 8)
    valid = torch.ones(2, 130, dtype=torch.bool)
    valid[1, 90:] = False
    monkeypatch.setattr(attention, "_BLOCK_BYTES", rows * 130 * 4)
    with torch.inference_mode():
        for is_valid in (None, valid):
            mask = None if is_valid is None else is_valid[:, None]
            expected = F.scaled_dot_product_attention(q, k, v, mask)
            torch.testing.assert_close(attention.attend(q, k, v, is_valid), expected)


def test_both_ways_of_attention_agree():
    q, k, v = torch.randn(1, 9, 16), torch.randn(1, 11, 16), torch.randn(1, 11, 4)
    with_gradient = attention.attend(q.requires_grad_(), k, v)
    with torch.no_grad():
        without = attention.attend(q, k, v)
    torch.testing.assert_close(with_gradient, without)


@pytest.mark.parametrize("side", [32, 96, 128, 160, 512])
def test_any_multiple_of_32(net, side):
    with torch.inference_mode():
        embedding = net.encode_image(torch.randn(1, 3, side, side))
        h = side // 16
        assert embedding.features.shape == (1, 128, h, h)
        assert [t.shape for t in embedding.high_res] == [
            (1, 16, 4 * h, 4 * h),
            (1, 32, 2 * h, 2 * h),
        ]
        features = net.without_memory(embedding.features)
        prediction = net.decode(
            features, embedding.high_res, torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.long)
        )
        assert prediction.logits.shape == (1, 4, 4 * h, 4 * h)
        mask = torch.rand(1, 1, side, side)
        memory = net.encode_memory(embedding.features, mask, prediction.object_score)
        assert memory.shape == (1, 32, h, h)


def batch(count, maps, pointers, valid=None):
    generator = torch.Generator().manual_seed(2)
    return MemoryBatch(
        maps=torch.randn(count, maps, 32, 4, 4, generator=generator),
        map_age=torch.arange(maps).expand(count, -1),
        pointers=torch.randn(count, pointers, 128, generator=generator),
        pointer_distance=torch.arange(1.0, pointers + 1).expand(count, -1),
        max_distance=15,
        valid_maps=valid,
    )


def test_padding_changes_nothing(net):
    features = torch.randn(1, 128, 4, 4)
    whole = batch(1, 3, 2)
    valid = torch.tensor([[True, True, False]])
    padded = batch(1, 3, 2, valid)
    cut = MemoryBatch(
        whole.maps[:, :2], whole.map_age[:, :2], whole.pointers, whole.pointer_distance, 15
    )
    with torch.inference_mode():
        torch.testing.assert_close(
            net.attend_memory(features, padded), net.attend_memory(features, cut)
        )
        assert not torch.allclose(
            net.attend_memory(features, whole), net.attend_memory(features, cut)
        )


def test_the_order_of_memories_does_not_matter(net):
    features, forward = torch.randn(1, 128, 4, 4), batch(1, 4, 3)
    reverse = MemoryBatch(
        forward.maps.flip(1),
        forward.map_age.flip(1),
        forward.pointers.flip(1),
        forward.pointer_distance.flip(1),
        15,
    )
    with torch.inference_mode():
        torch.testing.assert_close(
            net.attend_memory(features, forward),
            net.attend_memory(features, reverse),
            atol=1e-4,
            rtol=1e-4,
        )


def test_a_batch_of_objects_is_each_of_them(net):
    features, both = torch.randn(1, 128, 4, 4), batch(2, 3, 2)
    with torch.inference_mode():
        together = net.attend_memory(features, both)
        for i in range(2):
            one = slice(i, i + 1)
            alone = MemoryBatch(
                both.maps[one],
                both.map_age[one],
                both.pointers[one],
                both.pointer_distance[one],
                15,
            )
            torch.testing.assert_close(
                together[one], net.attend_memory(features, alone), atol=1e-4, rtol=1e-4
            )


def test_absent_objects_get_the_learned_pointer(net):
    tokens = torch.randn(2, 128)
    with torch.inference_mode():
        pointers = net.object_pointer(tokens, torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(pointers[1], net.no_obj_ptr[0])
    assert not torch.allclose(pointers[0], net.no_obj_ptr[0])


def test_bfloat16_is_close(net):
    image = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        exact = net.encode_image(image).features
        net.precision = "bfloat16"
        try:
            with net.autocast():
                rough = net.encode_image(image).features.float()
        finally:
            net.precision = "float32"
    assert rough.dtype == torch.float32
    assert (rough - exact).norm() / exact.norm() < 0.03
    assert not torch.equal(rough, exact)


def test_what_inference_made_can_serve_training(net):
    """Position maps are kept; made under inference mode, they must not break a later backward pass."""
    features = torch.randn(1, 128, 5, 5)
    memory = MemoryBatch(
        torch.randn(1, 1, 32, 5, 5), torch.zeros(1, 1), torch.randn(1, 1, 128), torch.ones(1, 1), 15
    )
    with torch.inference_mode():
        net.attend_memory(features, memory)
    net.requires_grad_()
    try:
        net.attend_memory(features.clone().requires_grad_(), memory).sum().backward()
    finally:
        net.requires_grad_(False)
