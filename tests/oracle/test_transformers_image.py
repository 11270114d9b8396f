"""Images and prompts: `Sam2Model` of the `transformers` library with our weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from napari_sam2.engine import inference
from napari_sam2.prompts import Box, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2.model.network import ImageEmbedding

SIZES = [("small 2.1", 256), ("small 2.0", 320), ("two heads", 352), ("tiny, fewer layers", 512)]


def embed(twin: Any, plane: Any, oracle: Any) -> tuple[ImageEmbedding, Tensor, list[Tensor]]:
    """Encode a plane with both: ours, ours with the no-memory embedding, theirs."""
    image = oracle.pixels(plane)
    ours = twin.ours.encode_image(image)
    return (
        ours,
        twin.ours.without_memory(ours.features),
        twin.image_model.get_image_embeddings(image),
    )


def their_inputs(prompts: tuple[Prompt, ...], oracle: Any) -> dict[str, Tensor]:
    """Write prompts as `Sam2Model` takes them, boxes apart from clicks."""
    boxes = [p for p in prompts if isinstance(p, Box)]
    inputs = {}
    if boxes:
        ((y0, x0), (y1, x1)) = boxes[0].yx_min, boxes[0].yx_max
        inputs["input_boxes"] = torch.tensor([[[x0, y0, x1, y1]]])
    xy, kinds = oracle.points(tuple(p for p in prompts if not isinstance(p, Box)))
    if kinds.shape[1]:
        inputs |= {"input_points": xy[:, None], "input_labels": kinds[:, None]}
    return inputs


@pytest.mark.parametrize(("name", "side"), [*SIZES, ("tiny, fewer layers", 1024)])
def test_image_encoder(name: str, side: int, make_twin: Callable[..., Any], oracle: Any) -> None:
    twin = make_twin(name, side)
    ours, features, theirs = embed(twin, oracle.draw_movie(side, 1)[0], oracle)
    for mine, other in zip((*ours.high_res, features), theirs, strict=True):
        assert other.std() > 0.1
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["click", "clicks", "box", "box and click", "nothing"])
@pytest.mark.parametrize(("name", "side"), SIZES)
def test_prompts(
    name: str, side: int, kind: str, make_twin: Callable[..., Any], oracle: Any
) -> None:
    twin = make_twin(name, side)
    prompts = () if kind == "nothing" else oracle.draw_prompts(kind, 0, side)
    ours, features, theirs = embed(twin, oracle.draw_movie(side, 1)[0], oracle)
    mine = twin.ours.decode(features, ours.high_res, *oracle.points(prompts))
    inputs = their_inputs(prompts, oracle)
    three = twin.image_model(image_embeddings=theirs, multimask_output=True, **inputs)
    assert 0.001 < (three.pred_masks > 0).float().mean() < 0.999
    close = torch.testing.assert_close
    close(mine.logits[:, None, 1:], three.pred_masks, rtol=0, atol=oracle.LOGITS)
    close(mine.iou_score[:, None, 1:], three.iou_scores, rtol=0, atol=oracle.SCORES)
    close(mine.object_score, three.object_score_logits[:, 0, 0], rtol=0, atol=oracle.SCORES)
    single = twin.image_model(image_embeddings=theirs, multimask_output=False, **inputs)
    decided = inference.decide(twin.ours, mine, ambiguous=False)
    close(decided.logits, single.pred_masks[:, 0, 0], rtol=0, atol=oracle.LOGITS)
    close(decided.iou_score, single.iou_scores[:, 0, 0], rtol=0, atol=oracle.SCORES)


@pytest.mark.parametrize("kind", ["clicks", "box", "nothing"])
@pytest.mark.parametrize(("name", "side"), SIZES[:3])
def test_mask_input(
    name: str, side: int, kind: str, make_twin: Callable[..., Any], oracle: Any
) -> None:
    twin = make_twin(name, side)
    prompts = () if kind == "nothing" else oracle.draw_prompts(kind, 0, side)
    ours, features, theirs = embed(twin, oracle.draw_movie(side, 1)[0], oracle)
    hint = 8 * torch.randn(1, 1, side // 4, side // 4, generator=torch.Generator().manual_seed(1))
    mine = twin.ours.decode(features, ours.high_res, *oracle.points(prompts), hint)
    their = twin.image_model(
        image_embeddings=theirs, input_masks=hint, **their_inputs(prompts, oracle)
    )
    plain = twin.ours.decode(features, ours.high_res, *oracle.points(prompts))
    assert (mine.logits - plain.logits).abs().max() > 1
    close = torch.testing.assert_close
    close(mine.logits[:, None, 1:], their.pred_masks, rtol=0, atol=oracle.LOGITS)
    close(mine.iou_score[:, None, 1:], their.iou_scores, rtol=0, atol=oracle.SCORES)
    close(mine.object_score, their.object_score_logits[:, 0, 0], rtol=0, atol=oracle.SCORES)


def test_unstable_single_mask_is_replaced(make_twin: Callable[..., Any], oracle: Any) -> None:
    twin = make_twin("small 2.1", 256, single_mask_scale=0.003)
    prompts = oracle.draw_prompts("clicks", 0, 256)
    ours, features, theirs = embed(twin, oracle.draw_movie(256, 1)[0], oracle)
    mine = twin.ours.decode(features, ours.high_res, *oracle.points(prompts))
    decided = inference.decide(twin.ours, mine, ambiguous=False)
    inputs = their_inputs(prompts, oracle)
    their = twin.image_model(image_embeddings=theirs, multimask_output=False, **inputs)
    assert decided.index.item() > 0
    close = torch.testing.assert_close
    close(decided.logits, their.pred_masks[:, 0, 0], rtol=0, atol=oracle.LOGITS)
    close(decided.iou_score, their.iou_scores[:, 0, 0], rtol=0, atol=oracle.SCORES)


def test_objects_in_one_batch(make_twin: Callable[..., Any], oracle: Any) -> None:
    twin = make_twin("small 2.1", 256)
    ours, features, theirs = embed(twin, oracle.draw_movie(256, 1)[0], oracle)
    xy = torch.tensor([[[70.0, 90.0], [30.0, 200.0]], [[128.0, 40.0], [90.0, 90.0]]])
    kinds = torch.tensor([[1, 0], [1, -1]])
    mine = twin.ours.decode(features.expand(2, -1, -1, -1), ours.high_res, xy, kinds)
    their = twin.image_model(
        image_embeddings=theirs, input_points=xy[None], input_labels=kinds[None]
    )
    close = torch.testing.assert_close
    close(mine.logits[None, :, 1:], their.pred_masks, rtol=0, atol=oracle.LOGITS)
    close(mine.iou_score[None, :, 1:], their.iou_scores, rtol=0, atol=oracle.SCORES)
    close(mine.object_score[None], their.object_score_logits[..., 0], rtol=0, atol=oracle.SCORES)
