"""Adapters vanish into the weights; what is frozen stays; estimates come to mean what they say."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from napari_sam2.learning.calibration import (
    LogitMap,
    cross_fitted,
    expected_calibration_error,
    fit_map,
    fold_into,
)
from napari_sam2.learning.parts import learner, merged, sees_frozen_encoder


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_merged_adapters_compute_the_same(nano, image) -> None:
    net = learner(nano, "adapters", seed=0)
    fresh = net.encode_image(image).features
    torch.testing.assert_close(
        fresh, nano.encode_image(image).features
    )  # at first they are nothing
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(".wide"):
                parameter.copy_(0.05 * torch.randn(parameter.shape, generator=generator))
    plain = merged(net)
    assert plain.state_dict().keys() == nano.state_dict().keys()
    changed = plain.encode_image(image).features
    torch.testing.assert_close(changed, net.encode_image(image).features, rtol=1e-4, atol=1e-4)
    assert (changed - fresh).abs().max() > 0.01


@pytest.mark.parametrize(
    ("learn", "some", "none"),
    [
        (
            "decoder",
            "sam_mask_decoder.transformer",
            ("image_encoder", "memory", "conv_s0", "prompt_enc"),
        ),
        ("memory", "memory_attention", ("image_encoder", "conv_s1", "prompt_enc")),
        ("adapters", "attn.qkv.wide", ("linear.weight", "memory_attention")),
        ("everything", "image_encoder", ("pe_layer", "no_mem_pos_enc")),
    ],
)
def test_only_what_is_chosen_learns(nano, learn, some, none) -> None:
    net = learner(nano, learn, seed=0)
    learning = {name for name, p in net.named_parameters() if p.requires_grad}
    assert any(some in name for name in learning)
    assert not [name for name in learning if any(part in name for part in none)]
    assert sees_frozen_encoder(learn) is not any(
        "image_encoder" in name or "conv_s" in name for name in learning
    )


def overconfident(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Estimates whose logit is twice as far from 0 as it should be, and then 1 too high."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.5, 1.2, count)
    real = rng.beta(*(20 * p for p in (1 / (1 + np.exp(-truth)), 1 / (1 + np.exp(truth)))))
    return 1 / (1 + np.exp(-(2 * truth + 1))), real


def test_error_is_zero_where_estimates_are_right_and_known_where_not() -> None:
    assert expected_calibration_error(np.full(8, 0.75), np.tile([0.5, 1.0], 4)) == pytest.approx(0)
    said, real = np.array([0.95, 0.95, 0.15]), np.array([0.45, 0.65, 0.25])
    assert expected_calibration_error(said, real) == pytest.approx((2 * 0.4 + 0.1) / 3)


def test_map_is_found_again_and_reduces_the_error_on_others() -> None:
    found = fit_map(*overconfident(4000))
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.shift == pytest.approx(-0.5, abs=0.1)
    said, real = overconfident(2000, seed=1)
    before = expected_calibration_error(said, real)
    assert expected_calibration_error(found(said), real) < 0.3 * before


def test_few_pairs_change_little_and_no_pairs_nothing() -> None:
    nothing = np.zeros(0)
    assert fit_map(nothing, nothing) == LogitMap(1.0, 0.0)
    one = fit_map(np.array([0.9]), np.array([0.1]))
    assert abs(one.shift) < 1
    assert one.slope > 0


def test_cross_fitting_never_uses_an_object_for_itself() -> None:
    said, real = (x.reshape(-1, 3) for x in overconfident(60))
    changed = real.copy()
    changed[0] = 1 - changed[0]
    assert np.allclose(cross_fitted(said, real)[0], cross_fitted(said, changed)[0])
    assert not np.allclose(cross_fitted(said, real)[1], cross_fitted(said, changed)[1])


def test_folded_map_changes_the_estimate_and_nothing_else(nano, image) -> None:
    model = copy.deepcopy(nano)
    fold_into(model, LogitMap(0.6, -0.4))
    outputs = []
    for net in (nano, model):
        embedding = net.encode_image(image)
        xy, kind = torch.tensor([[[30.0, 30.0]]]), torch.ones(1, 1, dtype=torch.long)
        features = net.without_memory(embedding.features)
        outputs.append(net.decode(features, embedding.high_res, xy, kind))
    before, after = outputs
    assert torch.equal(before.logits, after.logits)
    expected = torch.sigmoid(0.6 * torch.logit(before.iou_score) - 0.4)
    torch.testing.assert_close(after.iou_score, expected, rtol=1e-4, atol=1e-5)
