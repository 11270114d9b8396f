"""Unsaved work: where it is kept, how it is found, gone on with, saved and thrown away; and the notice about it."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_sam2 import Point, Session
from napari_sam2._napari import recovery
from napari_sam2._napari.autosave import (
    ImageKey,
    begin_autosave,
    discard,
    end_autosave,
    fingerprint,
    open_session,
    save_session,
    unsaved_work,
)
from napari_sam2._napari.recovery import RecoveryNotice, describe, when
from napari_sam2.errors import SessionError
from napari_sam2.places import data_folder
from napari_sam2.session import JournalInfo

NOW = datetime(2026, 11, 21, 15, 30).astimezone()


@pytest.fixture
def key(stack) -> ImageKey:
    return ImageKey("my nuclei", stack.shape, "uint8", "z", fingerprint(stack))


@pytest.fixture
def session(stack, net) -> Session:
    return Session(stack, net)


def masks(session) -> dict:
    return {i: session.labels[2].tolist() for i in session.object_ids}


# folders


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "HOME/.local/share/napari-sam2"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/napari-sam2"),
        ("darwin", {}, "HOME/Library/Application Support/napari-sam2"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/napari-sam2"),
        ("linux", {"NAPARI_SAM2_HOME": "/mine"}, "/mine"),
    ],
)
def test_data_folder_is_where_the_system_wants_it(
    monkeypatch, tmp_path, platform, variables, folder
) -> None:
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "NAPARI_SAM2_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr("napari_sam2.places.sys.platform", platform)
    assert data_folder().as_posix() == folder.replace("HOME", tmp_path.as_posix())


def test_fingerprint_knows_the_content_and_reads_three_planes(stack) -> None:
    class Counting:
        shape, reads = stack.shape, 0

        def __getitem__(self, index):
            self.reads += 1
            return stack[index]

    counting = Counting()
    assert fingerprint(counting) == fingerprint(stack)
    assert counting.reads == 3
    other = stack.copy()
    other[-1, 0, 0] += 1
    assert fingerprint(other) != fingerprint(stack)
    assert fingerprint(stack[0]) != fingerprint(stack[1])
    assert len(fingerprint(np.zeros((2, 3, 8, 8, 3), np.uint8), n_plane_axes=3)) == 16


def test_image_is_known_by_content_and_way_not_by_name(tmp_path, key) -> None:
    from dataclasses import replace

    folder = key.folder_in(tmp_path)
    assert folder.name.startswith("my-nuclei-")
    folder.mkdir()
    assert replace(key, name="renamed").folder_in(tmp_path) == folder
    for change in ({"content": "0"}, {"way": "t"}, {"shape": (5, 40, 49)}, {"dtype": "uint16"}):
        assert replace(key, **change).folder_in(tmp_path) != folder


@pytest.mark.parametrize("name", ["../../etc", "", "a/b\\c:d", "." * 300])
def test_name_of_an_image_cannot_lead_out_of_the_folder(tmp_path, key, name) -> None:
    from dataclasses import replace

    folder = replace(key, name=name).folder_in(tmp_path)
    assert folder.parent == tmp_path
    assert len(folder.name) < 60


# the life of unsaved work


def test_work_is_found_and_gone_on_with(tmp_path, key, session, stack, net) -> None:
    folder = begin_autosave(session, key, tmp_path)
    session.add_prompt(1, Point(2, (20, 24)))
    session.add_prompt(4, Point(0, (8, 8)))
    assert unsaved_work(key, tmp_path) == []  # in use
    before = masks(session)
    session.stop_journal()
    (info,) = unsaved_work(key, tmp_path)
    assert (info.folder, info.image, info.object_ids) == (folder, "my nuclei", (1, 4))
    again = open_session(info.folder, stack, net)
    assert masks(again) == before
    again.stop_journal()


def test_two_windows_on_one_image_do_not_meet(tmp_path, key, stack, net) -> None:
    sessions = [Session(stack, net) for _ in range(2)]
    folders = [begin_autosave(each, key, tmp_path) for each in sessions]
    assert folders[0] != folders[1]
    for each in sessions:
        each.add_prompt(1, Point(2, (20, 24)))
        each.stop_journal()
    assert {info.folder for info in unsaved_work(key, tmp_path)} == set(folders)


def test_session_without_objects_leaves_nothing(tmp_path, key, session) -> None:
    begin_autosave(session, key, tmp_path)
    end_autosave(session, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ended_session_with_objects_stays(tmp_path, key, session) -> None:
    begin_autosave(session, key, tmp_path)
    session.add_prompt(1, Point(2, (20, 24)))
    end_autosave(session, tmp_path)
    assert len(unsaved_work(key, tmp_path)) == 1


def test_discarded_work_is_gone_and_nothing_else(tmp_path, key, session) -> None:
    base = tmp_path / "autosave"
    folder = begin_autosave(session, key, base)
    session.add_prompt(1, Point(2, (20, 24)))
    session.stop_journal()
    for wrong in (tmp_path, base, tmp_path / "elsewhere"):
        with pytest.raises(SessionError, match="not unsaved work of ours"):
            discard(wrong, base)
    discard(folder, base)
    assert unsaved_work(key, base) == []
    assert list(base.iterdir()) == []


def test_unreadable_work_is_passed_over_and_kept(tmp_path, key) -> None:
    folder = key.folder_in(tmp_path) / "20260101-000000"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text("nonsense\n")
    with pytest.warns(RuntimeWarning, match="passed over"):
        assert unsaved_work(key, tmp_path) == []
    assert folder.exists()


def test_place_that_cannot_be_written_is_a_clear_error(tmp_path, key, session) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="NAPARI_SAM2_HOME"):
        begin_autosave(session, key, tmp_path / "file")


def test_saving_moves_the_journal_beside_the_session(tmp_path, key, session, stack, net) -> None:
    base = tmp_path / "autosave"
    begin_autosave(session, key, base)
    session.add_prompt(1, Point(2, (20, 24)))
    target = tmp_path / "a.sam2session"
    assert save_session(session, target, "nuclei", base) == f"1 object saved in {target}."
    assert session.journal_folder == target
    assert not base.exists() or unsaved_work(key, base) == []
    session.add_prompt(2, Point(0, (8, 8)))  # after saving
    before = masks(session)
    session.stop_journal()
    again = open_session(target, stack, net)
    assert (again.object_ids, masks(again)) == ((1, 2), before)
    assert save_session(again, target, "nuclei", base).startswith("2 objects")
    again.stop_journal()


def test_session_saved_by_a_script_is_opened_and_kept_up(tmp_path, session, stack, net) -> None:
    session.add_prompt(1, Point(2, (20, 24)))
    session.save(tmp_path / "s")
    again = open_session(tmp_path / "s", stack, net)
    assert again.object_ids == (1,)
    assert again.journal_folder == tmp_path / "s"
    again.stop_journal()
    with pytest.raises(SessionError, match="is not a saved session"):
        open_session(tmp_path / "nothing", stack, net)


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from napari_sam2 import Point, Session, load_model
from napari_sam2._napari.autosave import ImageKey, begin_autosave, fingerprint

stack = np.load(sys.argv[1])
session = Session(stack, load_model("nano", device="cpu"))
key = ImageKey("n", stack.shape, "uint8", "z", fingerprint(stack))
begin_autosave(session, key, Path(sys.argv[2]))
session.add_prompt(1, Point(2, (20, 24)))
np.save(sys.argv[3], session.labels)
for update in session.propagate():
    np.save(sys.argv[3], session.labels)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_in_the_middle_nothing_shown_is_missing(tmp_path, stack, net) -> None:
    np.save(tmp_path / "stack.npy", stack)
    files = [tmp_path / name for name in ("stack.npy", "base", "shown.npy")]
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, files)], check=False)
    assert done.returncode == -9
    key = ImageKey("n", stack.shape, "uint8", "z", fingerprint(stack))
    (info,) = unsaved_work(key, tmp_path / "base")
    again = open_session(info.folder, stack, net)
    assert (again.labels == np.load(tmp_path / "shown.npy")).all()
    again.stop_journal()


# the notice


@pytest.fixture
def notice(qtbot):
    questions = []
    notice = RecoveryNotice(ask=lambda question: bool(questions.append(question)) or True)
    notice.questions = questions
    qtbot.addWidget(notice)
    return notice


def info(n: int = 3, ago: float = 0.0) -> JournalInfo:
    changed = datetime.now().astimezone() - timedelta(hours=ago)
    return JournalInfo(
        Path(f"/j{n}"), "nuclei", (5, 40, 48), "nano", changed, tuple(range(1, n + 1)), False
    )


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0.5, "today 15:00"), (20, "yesterday 19:30"), (24 * 18, "3 November 2026, 15:30")],
)
def test_time_is_said_as_people_do(hours, said) -> None:
    assert when(NOW - timedelta(hours=hours), NOW) == said


def test_description_counts_objects_and_older_work() -> None:
    assert "1 object, made with nano." in describe(info(1))
    assert describe(info(3), 2).endswith("3 objects, made with nano. And 2 older.")


@pytest.mark.gui
def test_nothing_left_behind_shows_nothing(notice) -> None:
    notice.show_found([])
    assert not notice.isVisibleTo(None)


@pytest.mark.gui
def test_go_on_opens_the_newest(notice, qtbot) -> None:
    newest = info(3)
    notice.show_found([newest, info(1, 30)])
    notice.show()
    with qtbot.waitSignal(notice.go_on) as asked:
        qtbot.mouseClick(notice.go_on_button, Qt.MouseButton.LeftButton)
    assert asked.args == [newest]
    assert not notice.isVisible()


@pytest.mark.gui
def test_discard_asks_again_and_goes_to_the_older(notice, qtbot) -> None:
    newest, older = info(3), info(1, 30)
    notice.show_found([newest, older])
    with qtbot.waitSignal(notice.discard) as asked:
        notice.discard_button.click()
    assert asked.args == [newest]
    assert "Throw away 3 objects" in notice.questions[0]
    assert notice.isVisible()
    assert "1 object," in notice.text.text()


@pytest.mark.gui
def test_discard_without_consent_keeps_everything(qtbot) -> None:
    notice = RecoveryNotice(ask=lambda _question: False)
    qtbot.addWidget(notice)
    notice.show_found([info()])
    with qtbot.assertNotEmitted(notice.discard):
        notice.discard_button.click()
    assert notice.isVisible()


@pytest.mark.gui
def test_later_hides_the_notice(notice, qtbot) -> None:
    notice.show_found([info()])
    with qtbot.waitSignal(notice.later):
        notice.later_button.click()
    assert not notice.isVisible()


# dialogs


@pytest.fixture
def answers(monkeypatch):
    """What the user types into dialogs, and what the boxes said."""
    said: list[str] = []
    typed: list[str] = []

    def file(*_args, **_options):
        return typed.pop(0), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", file)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: typed.pop(0))
    monkeypatch.setattr(QMessageBox, "warning", lambda _p, _t, text: said.append(text))
    monkeypatch.setattr(
        QMessageBox,
        "question",
        lambda _p, _t, text, *_: said.append(text) or QMessageBox.StandardButton.Yes,
    )
    return typed, said


@pytest.mark.gui
def test_save_refuses_what_is_not_a_session(qapp, answers, tmp_path) -> None:
    typed, said = answers
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("")
    typed += [str(tmp_path / "photos"), str(tmp_path / "new")]
    chosen = recovery.ask_folder_to_save(None, tmp_path / "x")
    assert chosen == tmp_path / "new.sam2session"
    assert "holds something else" in said[0]
    typed.append("")
    assert recovery.ask_folder_to_save(None, tmp_path / "x") is None


@pytest.mark.gui
def test_save_asks_before_it_replaces_another_session(qapp, answers, tmp_path) -> None:
    typed, said = answers
    there = tmp_path / "there"
    there.mkdir()
    (there / "session.json").write_text("{}")
    typed += [str(there), str(there)]
    assert recovery.ask_folder_to_save(None, tmp_path / "x") == there
    assert said == ["there is a saved session. Replace it?"]
    assert recovery.ask_folder_to_save(None, there) == there  # its own place: no question
    assert len(said) == 1


@pytest.mark.gui
def test_open_takes_sessions_only(qapp, answers, tmp_path) -> None:
    typed, said = answers
    (tmp_path / "session.json").write_text("{}")
    typed += [str(tmp_path.parent), str(tmp_path), ""]
    assert recovery.ask_folder_to_open(None, tmp_path) == tmp_path
    assert "is not a saved session" in said[0]
    assert recovery.ask_folder_to_open(None, tmp_path) is None


def test_suggested_folder_lies_beside_the_image(tmp_path) -> None:
    beside = recovery.suggest_folder("nuclei: c1", str(tmp_path / "a.tif"))
    assert beside == tmp_path / "nuclei- c1.sam2session"
    assert recovery.suggest_folder("", None) == Path.home() / "image.sam2session"
