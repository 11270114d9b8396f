"""The windows of a frame are encoded together, and it makes no difference but time."""

import numpy as np
import torch

from napari_sam2 import Point
from napari_sam2.engine.inference import encode_views
from napari_sam2.engine.transforms import View
from napari_sam2.model.network import SAM2
from napari_sam2.session import Session

WINDOWS = ((0, 0, 32, 32), (20, 40, 52, 72), (32, 48, 64, 80))


def plane() -> np.ndarray:
    return np.random.default_rng(0).random((64, 80, 3), dtype=np.float32)


def count_batches(monkeypatch) -> list[int]:
    """Return a list that gets the batch size of every encoding."""
    sizes, encode = [], SAM2.encode_image

    def counted(self, image):
        sizes.append(len(image))
        return encode(self, image)

    monkeypatch.setattr(SAM2, "encode_image", counted)
    return sizes


def test_together_is_as_one_by_one(model) -> None:
    views = [View(window, 128) for window in WINDOWS]
    together = encode_views(model, views, plane())
    for view, made in zip(views, together, strict=True):
        (alone,) = encode_views(model, [view], plane())
        torch.testing.assert_close(made.features, alone.features, rtol=1e-4, atol=1e-4)
        for a, b in zip(made.high_res, alone.high_res, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_each_has_memory_of_its_own(model) -> None:
    """What is forgotten of a batch must give its memory back."""
    made = encode_views(model, [View(window, 128) for window in WINDOWS], plane())
    for embedding in made:
        for tensor in (embedding.features, *embedding.high_res):
            assert tensor.untyped_storage().nbytes() == tensor.nbytes


def test_large_inputs_are_encoded_one_by_one(model, monkeypatch) -> None:
    sizes = count_batches(monkeypatch)
    encode_views(model, [View(window, 512) for window in WINDOWS], plane())
    assert sizes == [1, 1, 1]


def test_a_frame_is_encoded_once_for_all_its_objects(stack, model, monkeypatch) -> None:
    session = Session(stack, model, window_side=32, stop_rule=None)
    session.add_prompt(1, Point(4, (30, 25)))
    session.add_prompt(2, Point(4, (40, 60)))
    session.add_prompt(3, Point(4, (20, 50)))
    sizes = count_batches(monkeypatch)
    list(session.propagate(frames=[5]))
    assert len(sizes) == 1
    assert 1 <= sizes[0] <= 3  # windows that are the same are encoded once
