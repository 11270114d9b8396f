from __future__ import annotations

import math

import pytest
import torch

from napari_sam2.training.losses import (
    LossWeights,
    binary_cross_entropy,
    choice_loss,
    dice_loss,
    focal_loss,
    iou_loss,
    mask_iou,
    prompt_loss,
)


@pytest.mark.parametrize("logit", [-3.0, 0.0, 1.5])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_pixel_losses_are_what_their_papers_say(logit: float, target: float) -> None:
    p = 1 / (1 + math.exp(-logit))
    pt, alpha = (p, 0.5) if target else (1 - p, 0.5)
    x, t = torch.tensor(logit), torch.tensor(target)
    assert binary_cross_entropy(x, t).item() == pytest.approx(-math.log(pt), rel=1e-5)
    assert focal_loss(x, t).item() == pytest.approx(-alpha * (1 - pt) ** 2 * math.log(pt), rel=1e-5)


def test_dice_of_half_overlap() -> None:
    target = torch.zeros(1, 4, 4)
    target[0, :2] = 1
    probability = torch.zeros(1, 4, 4)
    probability[0, 1:3] = 1
    # 4 pixels in common, 8 in each: 1 - (2 * 4 + 1) / (16 + 1)
    assert dice_loss(probability, target).item() == pytest.approx(1 - 9 / 17)


def test_iou_of_masks() -> None:
    target = torch.zeros(3, 2, 4)
    target[:2, :, :2] = 1
    logits = torch.full((3, 2, 4), -1.0)
    logits[0, :, 1:3] = 1
    assert mask_iou(logits, target).tolist() == pytest.approx([2 / 6, 0.0, 1.0])


def test_iou_loss_pulls_the_score_to_the_iou() -> None:
    logit = torch.tensor([0.3, -1.0], requires_grad=True)
    iou = torch.tensor([0.9, 0.2])
    iou_loss(logit.sigmoid(), iou).sum().backward()
    torch.testing.assert_close(logit.grad, logit.sigmoid().detach() - iou)
    assert iou_loss(iou, iou).abs().max() < 1e-6


def test_choice_loss_is_the_iou_that_is_lost() -> None:
    iou = torch.tensor([[0.2, 0.8, 0.5]])
    assert choice_loss(torch.tensor([[0.0, 1.0, 0.0]]), iou).item() == pytest.approx(0, abs=1e-6)
    assert choice_loss(torch.tensor([[1.0, 0.0, 0.0]]), iou).item() == pytest.approx(0.6, abs=1e-6)
    assert choice_loss(torch.zeros(1, 3), iou).item() == pytest.approx(0.3, abs=1e-6)


def _prediction() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    target = torch.zeros(2, 8, 8)
    target[0, 2:6, 2:6] = 1  # the second object is absent
    logits = torch.zeros(2, 4, 4, 4)
    logits[0, 2, 1:3, 1:3] = 4  # mask 2 is the best of the three
    logits[0, 2, 0] = -4
    return logits, torch.full((2, 4), 0.5), torch.tensor([2.0, 2.0]), target


@pytest.mark.parametrize(("ambiguous", "taught"), [(True, 2), (False, 0)])
def test_only_the_right_mask_of_a_present_object_is_taught(ambiguous: bool, taught: int) -> None:
    logits, iou_score, object_score, target = _prediction()
    logits.requires_grad_()
    weights = LossWeights(spread=0, other=0)
    loss = prompt_loss(
        logits, iou_score, object_score, target, ambiguous=ambiguous, weights=weights
    )
    loss.total.backward()
    moved = logits.grad.abs().amax((2, 3)) > 0
    expected = torch.zeros(2, 4, dtype=torch.bool)
    expected[0, taught] = True
    assert torch.equal(moved, expected)


def test_object_score_of_an_absent_object_is_pushed_down() -> None:
    logits, iou_score, object_score, target = _prediction()
    object_score.requires_grad_()
    loss = prompt_loss(
        logits, iou_score, object_score, target, ambiguous=True, weights=LossWeights()
    )
    loss.total.backward()
    assert object_score.grad[0] < 0 < object_score.grad[1]


def test_iou_score_of_every_mask_is_taught() -> None:
    logits, iou_score, object_score, target = _prediction()
    iou_score.requires_grad_()
    loss = prompt_loss(
        logits, iou_score, object_score, target, ambiguous=True, weights=LossWeights()
    )
    loss.total.backward()
    assert (iou_score.grad[0] != 0).all()
    assert (iou_score.grad[1] == 0).all()


def test_focal_share_mixes_the_two_pixel_losses() -> None:
    logits, iou_score, object_score, target = _prediction()

    def mask_part(share: float) -> float:
        weights = LossWeights(focal_share=share)
        loss = prompt_loss(logits, iou_score, object_score, target, ambiguous=True, weights=weights)
        return loss.parts["mask"].item()

    assert mask_part(0.5) == pytest.approx((mask_part(0) + mask_part(1)) / 2, rel=1e-5)
    assert mask_part(0) != pytest.approx(mask_part(1))
