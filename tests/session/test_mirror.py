"""A small network is asked about the mirror image too, and the answers are averaged."""

from dataclasses import replace

import numpy as np
import pytest

from napari_sam2 import Box, MaskPrompt, Point
from napari_sam2.engine import inference
from napari_sam2.session import Session

CLICK = Point(4, (30, 25))
BOX = Box(4, (22, 15), (40, 37))


def mirrored(prompt, width):
    """The same prompt on the mirrored stack."""
    match prompt:
        case Point():
            return replace(prompt, yx=(prompt.yx[0], width - 1 - prompt.yx[1]))
        case Box():
            (y0, x0), (y1, x1) = prompt.yx_min, prompt.yx_max
            return Box(prompt.frame, (y0, width - 1 - x1), (y1, width - 1 - x0))
        case MaskPrompt():
            return replace(prompt, mask=np.ascontiguousarray(prompt.mask[:, ::-1]))


def rough_mask(shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return MaskPrompt(4, ((y - 30) ** 2 + (x - 28) ** 2 < 90).astype(np.float32), refine=True)


def given(name, shape):
    return {
        "click": (CLICK,),
        "box": (BOX,),
        "box and click": (BOX, Point(4, (25, 20), positive=False)),
        "mask": (rough_mask(shape),),
    }[name]


@pytest.mark.parametrize("name", ["click", "box", "box and click", "mask"])
def test_a_mirrored_stack_has_mirrored_answers(stack, model, name):
    """What no network is by itself: the answers of both views are averaged, so that left and right do not matter."""
    there = Session(stack, model)
    back = Session(np.ascontiguousarray(stack[:, :, ::-1]), model)
    prompts = given(name, there.plane_shape)
    width = there.plane_shape[1]
    correction = (Point(4, (38, 30)),)  # with the logits fed back
    for positions in (prompts, correction):
        there.add_prompt(1, *positions)
        back.add_prompt(1, *(mirrored(p, width) for p in positions))
        assert there.logits(1, 4) == pytest.approx(back.logits(1, 4)[:, ::-1], abs=2e-3)
        assert there.scores(1).iou_score == pytest.approx(back.scores(1).iou_score, abs=1e-4)
    assert not np.array_equal(there.logits(1, 4), there.logits(1, 4)[:, ::-1])


def test_one_view_alone_is_not_symmetric(stack, model, monkeypatch):
    """The test above can fail: without the mirror image it does."""
    monkeypatch.setattr(model, "config", replace(model.config, mirrored_to=0))
    there, back = Session(stack, model), Session(np.ascontiguousarray(stack[:, :, ::-1]), model)
    there.add_prompt(1, CLICK)
    back.add_prompt(1, mirrored(CLICK, there.plane_shape[1]))
    assert there.logits(1, 4) != pytest.approx(back.logits(1, 4)[:, ::-1], abs=2e-3)


def sides_encoded(monkeypatch):
    seen = []
    encode = inference.encode_views

    def recorded(model, views, plane):
        seen.extend(views)
        return encode(model, views, plane)

    monkeypatch.setattr(inference, "encode_views", recorded)
    return seen


def test_large_inputs_and_tracked_frames_are_seen_once(model, stack, monkeypatch):
    seen = sides_encoded(monkeypatch)
    large = Session(np.zeros((2, 320, 64), np.uint8), model)
    large.add_prompt(1, Point(0, (100, 30)))
    assert [view.mirrored for view in seen] == [False]
    seen.clear()
    session = Session(stack, model, stop_rule=None)
    session.add_prompt(1, CLICK)
    assert sorted(view.mirrored for view in seen) == [False, True]
    list(session.propagate())
    session.add_prompt(1, Point(7, (30, 40)))
    assert sum(view.mirrored for view in seen) == 1


def test_official_networks_never_look_twice():
    from napari_sam2.model.config import CONFIGS

    assert [name for name, config in CONFIGS.items() if config.mirrored_to] == ["nano"]
