"""A device that runs out of memory: smaller batches, then the processor, and the same masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_sam2 import Point, Session
from napari_sam2.engine import inference
from napari_sam2.session.recall import Recall

PLACES = ((20, 20), (40, 44), (12, 70))


def segment(stack, model) -> tuple[Session, np.ndarray]:
    session = Session(stack, model, stop_rule=None)
    for i, place in enumerate(PLACES):
        session.add_prompt(i + 1, Point(1, place))
    for _ in session.propagate():
        pass
    return session, np.asarray(session.labels)


@pytest.fixture
def device(model, monkeypatch):
    """A device with little memory: `limit` objects fit; the network itself counts as being there."""

    class Device:
        def __init__(self) -> None:
            self.limit = 64
            self.batches: list[int] = []

    device = Device()
    carry, predict = inference.carry, inference.predict

    def checked(work, name: str):
        def run(used, features, *arguments):
            if used is model:
                device.batches.append(len(features))
                if len(features) > device.limit:
                    raise torch.OutOfMemoryError(f"CUDA out of memory in {name}")
            return work(used, features, *arguments)

        return run

    monkeypatch.setattr(inference, "carry", checked(carry, "carry"))
    monkeypatch.setattr(inference, "predict", checked(predict, "predict"))
    monkeypatch.setattr(Recall, "is_on_processor", property(lambda self: self.model is not model))
    return device


def test_smaller_batches_give_the_same_masks(model, stack, device) -> None:
    whole = segment(stack, model)[1]
    assert max(device.batches) == 3
    device.limit = 2
    smaller, labels = segment(stack, model)
    assert smaller.model is model
    np.testing.assert_array_equal(labels, whole)


def test_tracking_goes_on_on_the_processor(model, stack, device, recwarn) -> None:
    whole = segment(stack, model)[1]
    session = Session(stack, model, stop_rule=None)
    for i, place in enumerate(PLACES):
        session.add_prompt(i + 1, Point(1, place))
    device.limit = 0
    with pytest.warns(UserWarning, match=r"too little memory for one object .* on the processor"):
        updates = list(session.propagate())
    assert len(updates) == 27
    assert session.model is not model
    assert session.model.device.type == "cpu"
    assert all(
        torch.equal(a, b)
        for a, b in zip(session.model.parameters(), model.parameters(), strict=True)
    )
    np.testing.assert_array_equal(np.asarray(session.labels), whole)


def test_click_goes_on_on_the_processor_and_is_said_once(model, stack, device) -> None:
    device.limit = 0
    session = Session(stack, model, stop_rule=None)
    with pytest.warns(UserWarning, match="slower"):
        update = session.add_prompt(1, Point(1, (20, 20)))
    assert update.mask.any()
    session.add_prompt(2, Point(1, (40, 44)))
    assert len(session.candidates(2, 1)) == 3


def test_processor_itself_cannot_fall_back(model, stack, monkeypatch) -> None:
    def full(*_arguments):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(inference, "carry", full)
    session = Session(stack, model, stop_rule=None)
    session.add_prompt(1, Point(1, (20, 20)))
    with pytest.raises(torch.OutOfMemoryError):
        list(session.propagate())
    assert session.labels[1].any()
