"""Fine-tuning as a whole: it learns, judges honestly, leaves the parent alone, and can be stopped."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_sam2.errors import LearningError
from napari_sam2.learning import (
    EnoughLearned,
    LearningSettings,
    Lineage,
    Showing,
    fine_tune,
    keep,
)
from napari_sam2.learning.examples import examples_of
from napari_sam2.learning.fitting import _Training
from napari_sam2.learning.lineage import hash_of_weights
from napari_sam2.learning.scoring import score
from napari_sam2.model.load import load_model
from napari_sam2.model.own import LINEAGE_KEY, own_model, own_models, own_models_folder


@pytest.fixture(scope="module")
def learned(nano, ring_plane):
    settings = LearningSettings(steps=24, showing=Showing(64, 3.0), crops=3)
    before = hash_of_weights(nano)
    result = fine_tune(nano, [ring_plane(0), ring_plane(1, source="more")], settings)
    assert hash_of_weights(nano) == before, "the parent changed"
    return result


def test_a_new_kind_of_object_is_learned_for_planes_never_seen(nano, learned, ring_plane) -> None:
    unseen = examples_of([ring_plane(7)])
    showing = learned.lineage.settings["showing"]
    before = score(nano, unseen, Showing(**showing))
    after = score(learned.model, unseen, Showing(**showing))
    assert before.one_click < 0.7, "the kind is no challenge"
    assert 1 - after.one_click < 0.67 * (1 - before.one_click)


def test_result_is_an_ordinary_network(nano, learned) -> None:
    assert learned.model.state_dict().keys() == nano.state_dict().keys()
    assert not learned.model.training
    assert not any(p.requires_grad for p in learned.model.parameters())


def test_lineage_tells_what_was_done_and_is_read_back(learned, nano) -> None:
    lineage = learned.lineage
    assert (lineage.parent, lineage.network) == ("nano", "nano")
    assert lineage.parent_hash == hash_of_weights(nano)
    assert (lineage.planes, lineage.objects) == (2, 18)
    assert lineage.after.value > lineage.before.value
    assert lineage.data == ("more", "rings")
    assert Lineage.from_json(lineage.to_json()) == lineage


def test_kept_model_is_loaded_by_its_name_and_says_where_it_comes_from(learned) -> None:
    path = keep(learned, "my-rings")
    assert path == own_models_folder() / "my-rings.safetensors"
    loaded = load_model("my-rings", device="cpu")
    assert loaded.name == "my-rings"
    for name, tensor in learned.model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=2e-3, atol=2e-3)
    kept = own_model("my-rings")
    assert kept is not None
    assert kept.network == "nano"
    assert Lineage.from_json(_metadata(path)[LINEAGE_KEY]) == learned.lineage
    assert "Fine-tuned from nano" in kept.note
    with pytest.raises(ValueError, match="no model is overwritten"):
        keep(learned, "my-rings")


def _metadata(path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as content:
        return content.metadata()


def test_result_that_is_not_better_is_refused(nano, quick, ring_plane) -> None:
    worse = dataclasses.replace(quick, rate=1.0, steps=4)
    with pytest.raises(LearningError, match=r"worth keeping|diverged"):
        fine_tune(nano, [ring_plane(0)], worse)
    assert own_models() == []


class Cancelled(Exception):
    pass


def test_cancel_in_the_middle_leaves_nothing_behind(nano, quick, ring_plane) -> None:
    before, mode = hash_of_weights(nano), nano.training

    def report(point) -> None:
        if point.step == 3:
            assert torch.is_grad_enabled() is grad
            raise Cancelled

    grad = torch.is_grad_enabled()
    with pytest.raises(Cancelled):
        fine_tune(nano, [ring_plane(0)], quick, report)
    assert hash_of_weights(nano) == before
    assert nano.training is mode
    assert not own_models_folder().exists()


def test_enough_takes_the_best_so_far_or_refuses(nano, quick, ring_plane) -> None:
    def at_once(point) -> None:
        raise EnoughLearned

    with pytest.raises(LearningError, match="stopped before"):
        fine_tune(nano, [ring_plane(0)], quick, at_once)

    def later(point) -> None:
        if point.round == 1 and point.share >= 1:
            raise EnoughLearned

    steps = dataclasses.replace(quick, steps=20)
    result = fine_tune(nano, [ring_plane(0), ring_plane(1, source="more")], steps, later)
    assert result.lineage.held_out == len(result.curve[-1].held_out.ious)


def test_one_object_is_refused(nano, quick, ring_plane) -> None:
    with pytest.raises(LearningError, match="mark five or more"):
        fine_tune(nano, [ring_plane(0, count=1)], quick)


def test_same_steps_give_the_same_model(nano, quick, ring_plane) -> None:
    few = dataclasses.replace(quick, steps=6)
    planes = [ring_plane(0), ring_plane(1, source="more")]
    hashes = {hash_of_weights(fine_tune(nano, planes, few).model) for _ in range(2)}
    assert len(hashes) == 1


def test_few_objects_are_held_out_in_turn_and_progress_only_grows(nano, quick, ring_plane) -> None:
    seen = []
    few = dataclasses.replace(quick, steps=8)
    result = fine_tune(nano, [ring_plane(0, 4)], few, seen.append)
    assert (result.lineage.held_out, result.lineage.rounds) == (4, 3)
    shares = [(p.round, p.share) for p in seen]
    assert shares == sorted(shares)
    assert seen[-1].rounds == seen[-1].round == 4
    assert seen[-1].share == 1
    assert np.isfinite([p.loss for p in seen if p.step]).all()


def test_few_objects_draw_the_model_less_far_from_its_parent(nano, ring_plane) -> None:
    objects = examples_of([ring_plane(0)])
    settings = LearningSettings(steps=2)

    def moved(learned) -> float:
        """Which part of the way from the parent to what was learned the result goes."""
        training = _Training(nano, learned, settings, "everything", 60.0)
        training.take_step(0.5)
        result, name = training.averaged().state_dict(), "no_mem_embed"
        before, after = nano.state_dict()[name], training.average.weights[name]
        return float((result[name] - before).norm() / (after - before).norm())

    few, many = moved(objects[:2]), moved(objects)
    assert 0.3 < few < many < 1
