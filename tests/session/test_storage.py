"""A saved session opens with all that was shown, and never half of it."""

import json
import os

import numpy as np
import pytest
import zarr

from napari_sam2 import Box, MaskPrompt, Point, Scribble
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import SessionError
from napari_sam2.session import Session, json_format, storage


@pytest.fixture
def full(stack, model):
    """Objects with every kind of prompt, half propagated."""
    session = Session(stack, model, stop_rule=StopRule(growth=9), overlap="first", window_side=48)
    mask = np.zeros((64, 80), bool)
    mask[20:40, 15:35] = True
    session.add_prompt(1, Point(4, (30, 25)), Point(4, (10, 70), positive=False))
    session.add_prompt(2, Box(3, (30, 50), (50, 70)))
    session.add_prompt(4, MaskPrompt(5, mask))
    soft = np.linspace(0, 1, 64 * 80, dtype=np.float32).reshape(64, 80)
    session.add_prompt(5, MaskPrompt(0, soft, refine=True))
    session.add_prompt(6, Scribble(9, ((10, 10), (20, 20)), positive=True))
    session.remove_object(6)
    list(session.propagate(frames=range(2, 8)))
    return session


def test_round_trip(full, stack, model, tmp_path):
    full.save(tmp_path / "cells")
    opened = Session.load(tmp_path / "cells", stack, model)
    assert opened.object_ids == full.object_ids == (1, 2, 4, 5)
    assert opened.new_object_id() == 7
    assert np.array_equal(opened.labels, full.labels)
    assert (opened.overlap, opened.window_side, opened.stop_rule) == (
        "first",
        48,
        StopRule(growth=9),
    )
    for i in full.object_ids:
        assert opened.pending(i) == full.pending(i)
        assert opened.prompts(i).keys() == full.prompts(i).keys()
        for name in ("frame", "iou_score", "object_score", "area", "overlap", "prompted"):
            np.testing.assert_array_equal(
                getattr(opened.scores(i), name), getattr(full.scores(i), name)
            )
        for f in range(10):
            assert np.array_equal(opened.mask(i, f), full.mask(i, f))
    assert opened.prompts(1) == full.prompts(1)
    np.testing.assert_allclose(opened.prompts(5)[0][0].mask, full.prompts(5)[0][0].mask, atol=1e-4)


def test_an_opened_session_goes_on(full, stack, model, tmp_path):
    full.save(tmp_path / "cells")
    opened = Session.load(tmp_path / "cells", stack, model)
    assert list(opened.propagate([1]))
    assert opened.pending(1) == []
    opened.add_prompt(1, Point(6, (33, 30)))
    opened.save(tmp_path / "cells")
    again = Session.load(tmp_path / "cells", stack, model)
    assert np.array_equal(again.labels, opened.labels)


def test_it_can_be_read_without_us(full, tmp_path):
    full.save(tmp_path / "cells")
    head = json.loads((tmp_path / "cells" / "session.json").read_text())
    assert head["objects"] == [1, 2, 4, 5]
    labels = zarr.open_array(tmp_path / "cells" / "labels.zarr", mode="r")
    assert np.array_equal(labels[:], full.labels)
    entry = json.loads((tmp_path / "cells" / "objects" / "4.json").read_text())["masks"][0]
    y0, x0, y1, x1 = entry["window"]
    flat = np.repeat(np.arange(len(entry["runs"])) % 2, entry["runs"])
    expected = full.mask(4, entry["frame"])[y0:y1, x0:x1]
    assert np.array_equal(flat.reshape(y1 - y0, x1 - x0), expected)


@pytest.mark.parametrize(
    "mask", [[[0, 0, 1], [1, 1, 0]], [[1, 1], [0, 1]], [[0, 0]], [[1, 1]], [[1]]]
)
def test_runs(mask):
    mask = np.array(mask, dtype=bool)
    runs = json_format.runs_of(mask)
    assert sum(runs) == mask.size
    assert sum(runs[1::2]) == mask.sum()
    assert np.array_equal(json_format.mask_of(runs, mask.shape), mask)


def test_other_folders_are_never_replaced(full, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(SessionError, match="is not a saved session; choose another folder"):
        full.save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def test_a_failure_while_saving_keeps_the_old_session(full, stack, model, tmp_path, monkeypatch):
    full.save(tmp_path / "cells")
    before = full.labels.copy()
    full.add_prompt(9, Point(0, (5, 5)))

    def no_room(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_write_labels", no_room)
        with pytest.raises(OSError, match="no space left"):
            full.save(tmp_path / "cells")
    assert np.array_equal(Session.load(tmp_path / "cells", stack, model).labels, before)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cells"], "nothing is left lying about"


def test_a_crash_between_the_two_renames_is_mended(full, stack, model, tmp_path):
    full.save(tmp_path / "cells")
    os.replace(tmp_path / "cells", tmp_path / ".cells-previous")
    opened = Session.load(tmp_path / "cells", stack, model)
    assert np.array_equal(opened.labels, full.labels)


def test_what_cannot_be_read_is_said(full, stack, model, tmp_path):
    with pytest.raises(SessionError, match=r"nowhere is not a saved session"):
        Session.load(tmp_path / "nowhere", stack, model)
    full.save(tmp_path / "cells")
    with pytest.raises(
        SessionError, match=r"made on a stack of shape \(10, 64, 80\), this one is \(9"
    ):
        Session.load(tmp_path / "cells", stack[:9], model)
    (tmp_path / "cells" / "objects" / "1.json").write_text("{")
    with pytest.raises(SessionError, match=r"cells is damaged \(JSONDecodeError"):
        Session.load(tmp_path / "cells", stack, model)
    head = json.loads((tmp_path / "cells" / "session.json").read_text())
    (tmp_path / "cells" / "session.json").write_text(json.dumps({**head, "format_version": 99}))
    with pytest.raises(SessionError, match="update napari-sam2"):
        Session.load(tmp_path / "cells", stack, model)
