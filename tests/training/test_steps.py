from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from napari_sam2.training import steps
from napari_sam2.training.losses import LossWeights
from napari_sam2.training.pool import Draw, Pool
from napari_sam2.training.prompting import Objects, ask
from napari_sam2.training.samples import Batch, make_batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_sam2.model.network import SAM2, MemoryBatch
    from napari_sam2.training.losses import PromptLoss
    from napari_sam2.training.prompting import PromptKind

    Track = Callable[[PromptKind, list[int], int], tuple[list[PromptLoss], list[MemoryBatch]]]

NEVER_USED = {"no_mem_pos_enc"}


def _batch(folder: Path, draw: Draw, side: int = 64) -> Batch:
    pool = Pool(folder, draw, workers=0)
    return make_batch(
        pool, 6, np.random.default_rng(0), crops=2, objects=4, side=side, empty_share=0.2
    )


def _objects(net: SAM2, batch: Batch) -> Objects:
    embedding = net.encode_image(batch.images[0])
    at = batch.crop_of_row
    fine, middle = embedding.high_res
    features = net.without_memory(embedding.features)[at]
    return Objects(features, (fine[at], middle[at]), batch.truth[0], batch.background)


def test_every_weight_is_taught_by_images_and_clips(
    tmp_path: Path, small_net: SAM2, discs: Draw, disc_clips: Draw
) -> None:
    images = _batch(tmp_path / "image", discs)
    clips = _batch(tmp_path / "clip", disc_clips)
    with torch.no_grad():  # one object is lost on the way, for the weights of absent objects
        small_net.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(0.0)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        steps.image_loss(small_net, images, rng, LossWeights()).total.backward()
        steps.clip_loss(small_net, clips, rng, LossWeights()).total.backward()
    untaught = {
        name
        for name, p in small_net.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    }
    assert untaught == NEVER_USED
    assert all(torch.isfinite(p.grad).all() for p in small_net.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", ["click", "box", "mask"])
def test_corrections_are_decodings(tmp_path: Path, small_net: SAM2, discs: Draw, kind: str) -> None:
    batch = _batch(tmp_path, discs)
    calls: list[tuple[int, bool]] = []
    decode = small_net.decode

    def watched(*args: object) -> object:
        calls.append((args[3].shape[1], args[4] is not None))
        return decode(*args)

    small_net.decode = watched  # type: ignore[method-assign]
    answer = ask(
        small_net, _objects(small_net, batch), kind, 2, np.random.default_rng(0), LossWeights()
    )
    first = {"click": 1, "box": 2, "mask": 0}[kind]
    assert calls == [(first, kind == "mask"), (first + 1, True), (first + 2, True)]
    assert len(answer.losses) == 3
    assert answer.logits.shape == (8, 1, 16, 16)


@pytest.fixture
def track(
    tmp_path: Path, small_net: SAM2, disc_clips: Draw, monkeypatch: pytest.MonkeyPatch
) -> Track:
    """Track a batch of clips; returns the losses and the memories that each frame saw."""
    batch = _batch(tmp_path, disc_clips)
    seen: list[MemoryBatch] = []
    attend = small_net.attend_memory
    monkeypatch.setattr(small_net, "attend_memory", lambda f, m: (seen.append(m), attend(f, m))[1])

    def _track(
        kind: PromptKind, times: list[int], corrected: int
    ) -> tuple[list[PromptLoss], list[MemoryBatch]]:
        rng = np.random.default_rng(0)
        at = np.array(times)
        return steps.track(small_net, batch, kind, at, corrected, rng, LossWeights()), seen

    return _track


def test_tracking_sees_memories_and_pointers_in_order(track: Track) -> None:
    losses, seen = track("box", [0, 9, 10, 13], 1)
    ages = [m.map_age[0].tolist() for m in seen]
    assert ages == [[0], [0, 0], [0, 0, 3]]  # the corrected frame 1 is a prompted frame, too
    assert [m.pointer_distance[0].tolist() for m in seen] == [[9], [1, 10], [4, 13, 3]]
    assert 5 <= len(losses) <= 6  # box (and sometimes a correction), three tracked, one corrected


def test_a_corrected_frame_is_known_to_those_before_it_but_for_its_pointer(track: Track) -> None:
    _, seen = track("box", [0, 9, 10, 13], 3)
    assert [m.map_age[0].tolist() for m in seen] == [[0], [0, 0], [0, 0, 1]]
    assert [m.pointer_distance[0].tolist() for m in seen] == [[13], [9], [10, 1]]


def test_far_memories_are_dropped_but_not_prompted_ones(track: Track) -> None:
    _, seen = track("mask", [0, 1, 2, 9], -1)
    assert [m.map_age[0].tolist() for m in seen] == [[0], [0, 1], [0]]
    assert seen[-1].pointers.shape[1] == 3
