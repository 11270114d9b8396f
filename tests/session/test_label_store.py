"""Labels that do not fit in memory lie on disk, and look the same."""

import numpy as np
import pytest
import zarr

from napari_sam2 import Point
from napari_sam2.errors import SessionError
from napari_sam2.session import Session, label_store

SHAPE = (3, 40, 50)


def test_labels_go_to_disk_above_a_quarter_of_the_memory(monkeypatch):
    size = 2 * int(np.prod(SHAPE))
    monkeypatch.setattr(label_store, "available_memory", lambda: 4 * size)
    assert isinstance(label_store.new_store(SHAPE, "auto").view, np.ndarray)
    monkeypatch.setattr(label_store, "available_memory", lambda: 4 * size - 4)
    store = label_store.new_store(SHAPE, "auto")
    assert isinstance(store.view, zarr.Array)
    assert store.shape == store.view.shape == SHAPE
    assert isinstance(label_store.new_store(SHAPE, "memory").view, np.ndarray)


def test_the_temporary_store_goes_with_the_session(monkeypatch, tmp_path):
    monkeypatch.setattr(label_store, "available_memory", lambda: 0)
    monkeypatch.setattr(label_store.tempfile, "tempdir", str(tmp_path))
    store = label_store.new_store(SHAPE, "auto")
    assert len(list(tmp_path.iterdir())) == 1
    del store
    assert list(tmp_path.iterdir()) == []


def test_only_the_chunks_of_a_window_are_touched(tmp_path):
    store = label_store.new_store((4, 1100, 1100), tmp_path / "labels")
    store.write(2, (10, 520, 20, 530), np.full((10, 10), 7))
    store.write(1, (0, 0, 0, 0), np.zeros((0, 0), int))
    chunks = [p for p in (tmp_path / "labels").rglob("*") if p.is_file() and p.suffix != ".json"]
    assert len(chunks) == 1
    assert (store.read(2, (9, 519, 11, 522)) == [[0, 0, 0], [0, 7, 7]]).all()
    assert store.view[2, 10, 520] == 7
    with pytest.raises(ValueError, match="read-only"):
        store.view[0, 0, 0] = 1


def test_a_session_on_disk_is_as_one_in_memory(stack, model, tmp_path, disk, everything):
    kept = Session(stack, model, labels_store="memory")
    on_disk = Session(stack, model, labels_store=tmp_path / "labels")
    for session in (kept, on_disk):
        session.add_prompt(1, Point(4, (30, 25)))
        session.add_prompt(70000, disk(4, (30, 30)))
        list(session.propagate(frames=range(3, 7)))
        session.undo()
        session.redo()
        session.merge([1, 70000])
        session.lock(1)
    assert everything(on_disk) == everything(kept)
    assert np.array_equal(on_disk.labels[4], kept.labels[4])
    on_disk.save(tmp_path / "saved")
    opened = Session.load(tmp_path / "saved", stack, model, labels_store=tmp_path / "again")
    assert everything(opened) == everything(kept)


def test_live_labels_are_not_saved_over(stack, model, tmp_path):
    session = Session(stack, model, labels_store=tmp_path / "cells" / "labels.zarr")
    with pytest.raises(SessionError, match="holds the labels that are being worked on"):
        session.save(tmp_path / "cells")
    assert session.labels.shape == (10, 64, 80)
    session.save(tmp_path / "saved")


@pytest.mark.parametrize("place", ["disk", "full"])
def test_other_places_are_refused(stack, model, tmp_path, place):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    where = place if place == "disk" else tmp_path / "full"
    with pytest.raises(SessionError, match=r"is unknown; use|exists and is not empty; choose"):
        Session(stack, model, labels_store=where)
