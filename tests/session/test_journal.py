"""Nothing that was shown is lost in a crash."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import napari_sam2
from napari_sam2 import MaskPrompt, Point, Scribble, load_model
from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.errors import SessionError
from napari_sam2.session import Session

CRASHING = Path(__file__).with_name("crashing.py")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "autosave" / "cells"


@pytest.fixture
def journalled(session, folder, disk):
    """Two objects that overlap, one of them tracked in part."""
    session.start_journal(folder, image="cells.tif")
    session.add_prompt(1, Point(4, (30, 25)), Point(4, (10, 70), positive=False))
    session.add_prompt(2, disk(4, (30, 30)))
    list(session.propagate(frames=range(3, 6)))
    return session


def die(session):
    """End as a killed process ends: the system gives the lock free, and nothing else happens."""
    session._ledger.journal._lock.release()


def lines(folder):
    return (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)


def test_a_killed_process_loses_nothing_that_was_shown(tmp_path):
    folder = tmp_path / "journal"
    command = [sys.executable, str(CRASHING), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        shown = [json.loads(process.stdout.readline()) for _ in range(21)]
        process.send_signal(signal.SIGKILL)
        shown += [json.loads(line) for line in process.stdout if line.endswith(b"\n")]
        process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert len(shown) < 2 * 199, "it was killed in the middle"
    info = napari_sam2.has_journal(folder)
    assert (info.image, info.model, info.object_ids) == ("blobs.tif", "nano", (1, 2))
    assert not info.in_use
    spec = importlib.util.spec_from_file_location("crashing", CRASHING)
    crashing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(crashing)
    session = Session.recover(folder, crashing.stack(), load_model("nano", device="cpu"))
    assert session.name(1) == "blob"
    assert sorted(session.prompts(1)) == sorted(session.prompts(2)) == [100]
    for i, f, mask, labels, iou_score in shown:
        assert zlib.crc32(session.mask(i, f).tobytes()) == mask
        assert zlib.crc32(session.labels[f].tobytes()) == labels
        assert session.scores(i).iou_score[session.scores(i).frame == f] == iou_score
    assert len(session.pending(1)) <= 199 - len(shown) // 2
    assert len(list(session.propagate([1], frames=range(80, 120)))) > 0, "it goes on"


def test_recovered_is_as_it_was(journalled, folder, stack, model, everything):
    die(journalled)
    recovered = Session.recover(folder, stack, model)
    assert everything(recovered) == everything(journalled)
    assert recovered.stop_rule == journalled.stop_rule
    assert recovered.journal_folder == folder
    recovered.add_prompt(3, Scribble(4, ((10, 10), (20, 20))))
    die(recovered)
    assert everything(Session.recover(folder, stack, model)) == everything(recovered)


def test_undo_and_redo_are_journalled(journalled, folder, stack, model, everything):
    for act in (journalled.undo, journalled.undo, journalled.redo):
        act()
        die(journalled)
        recovered = Session.recover(folder, stack, model)
        assert everything(recovered) == everything(journalled)
        recovered.stop_journal()
        journalled._ledger.journal.step_aside()
        journalled._ledger.journal.step_back()
    journalled.stop_journal()


def test_settings_and_soft_masks_are_kept(stack, model, folder, everything):
    soft = np.linspace(0, 1, 64 * 80, dtype=np.float32).reshape(64, 80).round(4)
    options = {"window_side": 40, "overlap": "newest", "stop_rule": StopRule(growth=9)}
    session = Session(stack, model, **options)
    session.start_journal(folder)
    session.add_prompt(1, MaskPrompt(2, soft, refine=True))
    session.lock(1)
    session.stop_journal()
    recovered = Session.recover(folder, stack, model)
    assert {k: getattr(recovered, k) for k in options} == options
    assert everything(recovered) == everything(session)


def test_what_is_there_to_go_on_with(journalled, folder, tmp_path):
    assert napari_sam2.has_journal(tmp_path / "nowhere") is None
    assert napari_sam2.has_journal(tmp_path) is None
    journalled.remove_object(2)
    info = napari_sam2.has_journal(folder)
    assert (info.image, info.shape, info.model) == ("cells.tif", (10, 64, 80), "nano")
    assert info.object_ids == (1,)
    assert info.in_use
    assert abs((datetime.now().astimezone() - info.changed).total_seconds()) < 60
    journalled.stop_journal()
    assert journalled.journal_folder is None
    assert not napari_sam2.has_journal(folder).in_use


def test_a_torn_last_line_is_left_out(journalled, folder, stack, model, everything):
    before = everything(journalled)
    written = sum(len(line) for line in lines(folder))
    journalled.add_prompt(3, Point(8, (30, 25)))
    after = everything(journalled)
    die(journalled)
    whole = b"".join(lines(folder))
    for cut in (written + 1, written + 12, (written + len(whole)) // 2, len(whole) - 1):
        (folder / "journal.jsonl").write_bytes(whole[:cut])
        recovered = Session.recover(folder, stack, model)
        assert everything(recovered) == before
        recovered.stop_journal()
    (folder / "journal.jsonl").write_bytes(whole)
    assert everything(Session.recover(folder, stack, model)) == after


def test_damage_in_the_middle_is_said_and_the_rest_is_recovered(journalled, folder, stack, model):
    die(journalled)
    written = lines(folder)
    written[3] = written[3].replace(b"frame", b"farme")
    (folder / "journal.jsonl").write_bytes(b"".join(written))
    with pytest.warns(RuntimeWarning, match="damaged in the middle"):
        recovered = Session.recover(folder, stack, model)
    assert recovered.object_ids == (1, 2)
    assert recovered.scores(1).frame.tolist() == [4]


def test_what_cannot_be_recovered_is_said(journalled, folder, stack, model, tmp_path):
    with pytest.raises(SessionError, match="has no journal to recover"):
        Session.recover(tmp_path, stack, model)
    with pytest.raises(SessionError, match="is in use by another session"):
        Session.recover(folder, stack, model)
    journalled.stop_journal()
    with pytest.raises(SessionError, match=r"made on a stack of shape \(10, 64, 80\), this one is"):
        Session.recover(folder, stack[:9], model)
    whole = b"".join(lines(folder))
    (folder / "journal.jsonl").write_bytes(b"nonsense\n" + whole)
    with (
        pytest.warns(RuntimeWarning, match="damaged"),
        pytest.raises(SessionError, match="is damaged or not a journal"),
    ):
        napari_sam2.has_journal(folder)
    (folder / "journal.jsonl").write_bytes(whole)
    assert Session.recover(folder, stack, model).object_ids == (1, 2)


def test_a_journal_never_takes_the_place_of_something_else(
    journalled, folder, stack, model, tmp_path
):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(SessionError, match="is not a session; choose another folder"):
        journalled.start_journal(tmp_path / "thesis")
    assert journalled.journal_folder == folder
    other = Session(stack, model)
    with pytest.raises(SessionError, match="is in use by another session"):
        other.start_journal(folder)
    journalled.stop_journal()
    with pytest.raises(SessionError, match="holds the journal of another session; open it with"):
        other.start_journal(folder)
    with pytest.raises(SessionError, match="holds the journal of another session; recover it"):
        other.save(folder)
    assert napari_sam2.has_journal(folder).object_ids == (1, 2)


def test_saving_shortens_the_journal(journalled, folder, stack, model, everything, tmp_path):
    for _ in range(5):
        journalled.undo()
        journalled.redo()
    long = len(lines(folder))
    journalled.save(tmp_path / "saved")
    assert len(lines(folder)) < long
    journalled.rename(1, "after")
    die(journalled)
    assert everything(Session.recover(folder, stack, model)) == everything(journalled)


def test_a_session_can_be_saved_into_the_folder_of_its_journal(
    journalled, folder, stack, model, everything, monkeypatch
):
    journalled.save(folder)
    assert everything(Session.load(folder, stack, model)) == everything(journalled)
    journalled.rename(1, "after")
    journalled.save(folder)
    journalled.rename(1, "later")
    with monkeypatch.context() as patch:
        patch.setattr("napari_sam2.session.storage._write_labels", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            journalled.save(folder)
    journalled.rename(2, "goes on")
    die(journalled)
    assert Session.load(folder, stack, model).name(1) == "after"
    assert everything(Session.recover(folder, stack, model)) == everything(journalled)


def test_a_journal_can_be_begun_late_and_moved(
    journalled, folder, stack, model, everything, tmp_path
):
    journalled.start_journal(tmp_path / "elsewhere")
    journalled.rename(1, "moved")
    assert not napari_sam2.has_journal(folder).in_use
    journalled.start_journal(tmp_path / "elsewhere")
    journalled.rename(2, "again")
    die(journalled)
    recovered = Session.recover(tmp_path / "elsewhere", stack, model)
    assert everything(recovered) == everything(journalled)


def test_a_full_disk_is_said_and_work_goes_on(journalled, folder, stack, model, monkeypatch):
    def no_room(_):
        raise OSError("no space left on device")

    kept = journalled._ledger.journal._file
    monkeypatch.setattr(
        journalled._ledger.journal,
        "_file",
        type("Full", (), {"write": no_room, "close": kept.close}),
    )
    with pytest.warns(RuntimeWarning, match="could not be written .no space left"):
        journalled.rename(1, "unsaved")
    assert journalled.name(1) == "unsaved"
    assert journalled.journal_folder is None
    journalled.save(folder)
    assert Session.load(folder, stack, model).name(1) == "unsaved"
    journalled.start_journal(folder)
    journalled.rename(2, "saved")
    die(journalled)
    recovered = Session.recover(folder, stack, model)
    assert (recovered.name(1), recovered.name(2)) == ("unsaved", "saved")


def test_a_tracked_frame_costs_a_few_milliseconds(model, folder):
    """512 x 512 pixels, eight objects that overlap, and still far less than tracking takes."""
    y, x = np.mgrid[:512, :512]
    session = Session(np.zeros((3, 512, 512), np.uint8), model, stop_rule=None)
    masks = [(y - 250) ** 2 + (x - 180 - 20 * i) ** 2 < 60**2 for i in range(8)]
    session.start_journal(folder)
    for mask in masks:
        session.import_labels(mask, 0)
    ledger, seconds, append = session._ledger, [], session._ledger.journal.append

    def timed(*args):
        start = time.perf_counter()
        append(*args)
        seconds.append(time.perf_counter() - start)

    ledger.journal.append = timed
    for _ in range(4):
        session.undo()
        session.redo()
    assert min(seconds) < 0.01
    session.stop_journal()
