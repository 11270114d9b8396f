"""Stopping, going on, and changing the prompts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import Result

from napari_sam2 import Session, load_model, open_stack
from napari_sam2.cli.following import StopRequest
from napari_sam2.cli.resuming import Keeper
from napari_sam2.errors import SessionError
from napari_sam2.session import storage
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from pathlib import Path

Call = Callable[..., Result]
LONG = 120


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Where the session of ``segment`` is saved."""
    return tmp_path / "labels.sam2session"


def masks(folder: Path) -> dict[tuple[int, int], tuple[object, bytes]]:
    """All masks of a saved session by object and frame, those that are settled."""
    objects = storage.read(folder).objects
    return {
        (i, f): (r.mask.window, r.mask.inside(r.mask.window).tobytes())
        for i, state in objects.items()
        for f, r in state.records.items()
    }


def versions(folder: Path) -> dict[tuple[int, int], int]:
    objects = storage.read(folder).objects
    return {(i, f): r.version for i, s in objects.items() for f, r in s.records.items()}


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if condition() or process.poll() is not None:
            return
        time.sleep(0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_stopped_midway_the_same_command_goes_on(
    call: Call,
    command: list[str],
    environment: dict[str, str],
    segment_arguments: list[object],
    stack_image: np.ndarray,
    stack_file: Path,
    saved: Path,
    tmp_path: Path,
) -> None:
    save_labels(stack_file, np.concatenate([stack_image] * (LONG // len(stack_image))), "ZYX")
    arguments = [*map(str, segment_arguments), "--save-every", "0"]
    process = subprocess.Popen(
        [*command, *arguments], stderr=subprocess.PIPE, text=True, env=environment
    )

    def some_frames_are_saved() -> bool:
        try:
            return len(masks(saved)) > 2
        except (SessionError, OSError):  # not there yet, or just being replaced
            return False

    wait_for(some_frames_are_saved, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert f"stopped and saved in {saved}; the same command goes on." in told
    assert "Traceback" not in told
    assert not (tmp_path / "labels.tif").exists()
    before, before_versions = masks(saved), versions(saved)
    assert 2 < len(before) < 2 * LONG
    assert any(box[1] for box in before.values())

    near = max(frame for _, frame in before) + 3  # a few frames more, not all of them
    arguments = [*arguments, "--frames", f"0:{near}"]
    changed = json.loads((saved / "command.json").read_text())
    changed["frames"] = [0, near]
    (saved / "command.json").write_text(json.dumps(changed))
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    assert f"going on with {saved}: 2 object(s)" in result.stderr
    after, after_versions = masks(saved), versions(saved)
    assert {key: after[key] for key in before} == before
    assert {key: after_versions[key] for key in before} == before_versions
    assert {key for key in after if key[1] < near} == {(i, f) for i in (1, 2) for f in range(near)}
    assert (tmp_path / "labels.tif").exists()


def test_a_finished_command_repeated_computes_nothing(
    call: Call, segment_arguments: list[object], saved: Path, tmp_path: Path
) -> None:
    assert call(*segment_arguments).exit_code == 0
    before, out = versions(saved), (tmp_path / "labels.tif").read_bytes()
    (tmp_path / "labels.tif").unlink()
    result = call(*segment_arguments)
    assert result.exit_code == 0
    assert "2 object(s), 16 of 16 masks done." in result.stderr
    assert versions(saved) == before
    assert (tmp_path / "labels.tif").read_bytes() == out


@pytest.fixture
def save_at_every_mask(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that save after every single mask, however long that takes."""
    monkeypatch.setattr("napari_sam2.cli.resuming.SAVING_SHARE", float("inf"))
    return ["--restart", "--save-every", "0"]


def test_saving_on_the_way_changes_nothing(
    call: Call, segment_arguments: list[object], save_at_every_mask: list[str], saved: Path
) -> None:
    call(*segment_arguments)
    at_once = masks(saved)
    assert call(*segment_arguments, *save_at_every_mask).exit_code == 0
    assert masks(saved) == at_once


def test_an_object_that_has_ended_stays_so_after_a_saving(
    call: Call,
    segment_arguments: list[object],
    weights: Path,
    absent_weights: Path,
    save_at_every_mask: list[str],
    saved: Path,
) -> None:
    arguments = [absent_weights if a == weights else a for a in segment_arguments]
    assert call(*arguments).exit_code == 0
    at_once = set(masks(saved))
    assert at_once == {(1, f) for f in range(1, 6)} | {(2, f) for f in range(2, 7)}
    assert call(*arguments, *save_at_every_mask).exit_code == 0
    assert set(masks(saved)) == at_once


def test_a_new_prompt_is_a_correction_and_only_what_depends_on_it_is_redone(
    call: Call, segment_arguments: list[object], prompts_file: Path, saved: Path
) -> None:
    call(*segment_arguments)
    before = versions(saved)
    prompts_file.write_text(prompts_file.read_text() + "1,6,point,20,44,,,no\n")
    result = call(*segment_arguments)
    assert result.exit_code == 0, result.stderr
    assert "1 new prompt(s), 0 removed." in result.stderr
    changed = {key for key, version in versions(saved).items() if before[key] != version}
    assert changed == {(1, 4), (1, 5), (1, 6), (1, 7)}


def test_prompts_that_were_taken_out_of_the_file_are_taken_back(
    call: Call, segment_arguments: list[object], prompts_file: Path, saved: Path
) -> None:
    header, first, *others = prompts_file.read_text().splitlines()
    prompts_file.write_text("\n".join([header, first]))
    call(*segment_arguments)
    alone = masks(saved)
    prompts_file.write_text("\n".join([header, first, "1,6,point,50,9,,,", *others]))
    call(*segment_arguments)
    assert {i for i, _ in masks(saved)} == {1, 2}
    prompts_file.write_text("\n".join([header, first]))
    result = call(*segment_arguments)
    assert "0 new prompt(s), 3 removed." in result.stderr
    state = storage.read(saved).objects
    assert list(state) == [1]
    assert list(state[1].prompts) == [3]
    assert set(masks(saved)) == set(alone)


def test_other_options_are_refused(
    call: Call, segment_arguments: list[object], saved: Path
) -> None:
    call(*segment_arguments, "--frames", "3:5")
    before = versions(saved)
    for more, message in (
        (["--window", "32"], "was begun with window none, now 32"),
        (["--direction", "forward"], "direction both, now forward"),
        (["--frames", "2:5"], "frames [3, 5], now [2, 5]. Repeat the command as it was to go on"),
        (["--no-stop-rule"], "stop_rule true, now false"),
        (["--intensity", "1,2"], "intensity auto, now [1.0, 2.0]"),
    ):
        result = call(*segment_arguments, "--frames", "3:5", *more)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "--restart" in result.stderr
        assert versions(saved) == before
    assert call(*segment_arguments, "--frames", "2:5", "--restart").exit_code == 0


def test_another_image_of_the_same_shape_is_refused(
    call: Call, segment_arguments: list[object], stack_file: Path, stack_image: np.ndarray
) -> None:
    call(*segment_arguments)
    save_labels(stack_file, stack_image[:, ::-1], "ZYX")
    result = call(*segment_arguments)
    assert result.exit_code == 2
    assert "was begun with stack" in result.stderr


def test_the_same_image_elsewhere_is_the_same(
    call: Call, segment_arguments: list[object], stack_file: Path, saved: Path
) -> None:
    call(*segment_arguments)
    before, moved = versions(saved), stack_file.with_name("moved.tif")
    stack_file.rename(moved)
    result = call(*[moved if a == stack_file else a for a in segment_arguments])
    assert result.exit_code == 0, result.stderr
    assert versions(saved) == before


def test_session_made_by_hand_is_not_emptied(
    call: Call, segment_arguments: list[object], stack_file: Path, weights: Path, saved: Path
) -> None:
    from napari_sam2 import Point

    session = Session(open_stack(stack_file), load_model(checkpoint=weights, device="cpu"))
    session.add_prompt(9, Point(0, (5, 5)))
    session.save(saved)
    result = call(*segment_arguments)
    assert result.exit_code == 2
    assert "was made by hand and has 1 prompt(s) that --prompts lacks" in result.stderr
    assert list(storage.read(saved).objects) == [9]


def test_damaged_session_folder(call: Call, segment_arguments: list[object], saved: Path) -> None:
    call(*segment_arguments)
    (saved / "objects" / "1.json").write_text("{")
    result = call(*segment_arguments)
    assert result.exit_code == 2
    assert "is damaged" in result.stderr
    assert "--restart begins anew." in result.stderr
    assert call(*segment_arguments, "--restart").exit_code == 0


def test_what_was_done_before_a_failure_is_saved(
    call: Call,
    segment_arguments: list[object],
    stack_file: Path,
    stack_image: np.ndarray,
    saved: Path,
    tmp_path: Path,
) -> None:
    save_labels(tmp_path / "nuclei.zarr", stack_image, "ZYX")
    damaged = tmp_path / "nuclei.zarr" / "0" / "6" / "0" / "0"  # no other frame is touched
    whole = damaged.read_bytes()
    damaged.write_bytes(b"garbage")
    arguments = [tmp_path / "nuclei.zarr" if a == stack_file else a for a in segment_arguments]
    arguments += ["--intensity", "100,4000"]  # auto would look at that frame, too, and early
    result = call(*arguments)
    assert result.exit_code == 2
    assert "frame 6 of" in result.stderr
    assert f"What was done is saved in {saved}; the same command goes on." in result.stderr
    before = masks(saved)
    assert {(1, 4), (1, 5), (2, 5)} <= set(before)
    assert not (tmp_path / "labels.tif").exists()
    damaged.write_bytes(whole)
    assert call(*arguments).exit_code == 0
    after = masks(saved)
    assert len(after) == 2 * len(stack_image)
    assert {key: after[key] for key in before} == before


def test_keeper_never_spends_much_time_on_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("napari_sam2.cli.resuming.time.monotonic", lambda: now[0])

    class SlowSession:
        def save(self, folder: Path) -> None:
            folder.mkdir(exist_ok=True)
            now[0] += 3.0

    keeper = Keeper(tmp_path / "s", {"window": 5}, every=10.0)
    keeper.start()
    now[0] = 109.0
    assert not keeper.is_due
    now[0] = 110.0
    assert keeper.is_due
    keeper.save(SlowSession())  # type: ignore[arg-type]
    assert json.loads((tmp_path / "s" / "command.json").read_text()) == {"window": 5}
    now[0] = 113.0 + 59.0
    assert not keeper.is_due
    now[0] = 113.0 + 60.0
    assert keeper.is_due


def test_full_disk_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    class Full:
        def save(self, folder: Path) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(SessionError, match=r"No space left on device.*; free some space"):
        Keeper(tmp_path / "s", {}, 1.0).save(Full())  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_noted(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = StopRequest()
    with stop.listening():
        assert not stop
        signal.raise_signal(number)
        assert stop
        assert stop.signal_number == number
    assert signal.getsignal(number) is before


def test_a_second_interruption_ends_at_once() -> None:
    with StopRequest().listening():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
