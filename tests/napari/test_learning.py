"""The window learns from a session; with a stand-in for what takes minutes."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt

from napari_sam2._napari.learning_jobs import Learn, LearningJobs, Look, NewModel
from napari_sam2._napari.messages import ModelChoice
from napari_sam2.errors import LearningError
from napari_sam2.learning import EnoughLearned
from napari_sam2.model.network import SAM2

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_sam2._napari.model_facts import ModelPick
    from napari_sam2.learning import CurvePoint

pytestmark = pytest.mark.gui


def point(share: float, iou: float | None = None) -> Any:
    """A `CurvePoint`, as far as the window looks at it."""
    held = None if iou is None else SimpleNamespace(value=iou)
    return SimpleNamespace(round=1, rounds=1, share=share, held_out=held)


class School:
    """Learns in steps that a test lets through."""

    def __init__(self) -> None:
        self.asked: list[Learn] = []
        self.may_go_on = threading.Semaphore(0)
        self.error: Exception | None = None
        self.stopped_at: float | None = None

    def learn(self, request: Learn, report: Callable[[CurvePoint], object]) -> Any:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        try:
            for share in (0.0, 0.25, 0.5, 0.75):
                report(point(share, 0.5 + share / 5))
                assert self.may_go_on.acquire(timeout=30)
        except EnoughLearned:
            self.stopped_at = share
        before, after = SimpleNamespace(value=0.5), SimpleNamespace(value=0.65)
        return SimpleNamespace(lineage=SimpleNamespace(before=before, after=after, held_out=6))


@pytest.fixture
def school() -> School:
    return School()


@pytest.fixture
def other_net(net) -> SAM2:
    return SAM2(net.config).eval()


@pytest.fixture
def window(open_window, stack, backend, net, other_net, school):
    """A session with one corrected object, whose backend knows a second model once it was learned."""
    loaded: list[ModelPick] = []

    def load(pick: ModelPick, _report: Any) -> SAM2:
        loaded.append(pick)
        return other_net if pick.name == "mine" else net

    models = (*backend.list_models(), ModelChoice("mine", "mine (yours)"))
    window = open_window(
        stack, replace(backend, load_model=load, list_models=lambda: models)
    ).go_to(2)
    window.loaded = loaded
    window.widget.learning._jobs = LearningJobs(school.learn)
    window.start()
    return window


def corrected(window) -> Any:
    """Correct an object, and open the dialog on it."""
    window.click((20, 24))
    window.click((24, 28))
    window.widget.learning.click()
    dialog = window.widget.learning.dialog
    window.wait(lambda: "1 masks" in dialog.has.text())
    return dialog


def session_of(window) -> Any:
    from concurrent.futures import Future

    outcome: Future = Future()
    window.controller.call(lambda session: session, outcome, False)
    window.settle()
    return outcome.result(10)


def test_a_lone_click_is_nothing_to_learn_from(window) -> None:
    window.click((20, 24))
    window.widget.learning.click()
    dialog = window.widget.learning.dialog
    window.wait(lambda: "corrected" in dialog.text.text())
    assert not dialog.begin.isEnabled()
    window.click((24, 28))
    window.widget.learning.click()
    window.wait(dialog.begin.isEnabled)
    assert dialog.has.text() == "1 masks of 1 objects"


def test_what_was_learned_is_used_and_listed_and_masks_stay(window, school, net, other_net) -> None:
    dialog = corrected(window)
    before = window.labels.copy()
    dialog.name.setText("mine")
    dialog.minutes.setValue(2)
    dialog.begin.click()
    window.wait(lambda: len(dialog.curve.looks) == 1)
    assert dialog.is_learning
    assert not dialog.begin.isEnabled()
    assert not window.controller.is_waiting, "the session can be used"
    school.may_go_on.release(4)
    window.wait(lambda: not dialog.is_learning)
    assert [look.done for look in dialog.curve.looks] == [0, 0.25, 0.5, 0.75]
    assert "0.65 instead of 0.50 on 6 objects" in dialog.text.text()
    (asked,) = school.asked
    assert (asked.name, asked.minutes, asked.experience.model) == ("mine", 2, net)
    assert asked.experience.counts == (1, 1)
    window.settle()
    session = session_of(window)
    assert session.model is other_net
    assert window.loaded[-1].name == "mine"
    assert (window.labels == before).all()
    window.click((12, 10))
    assert len(session.prompts(1)[2]) == 3


def test_a_stop_takes_the_best_so_far_and_esc_only_hides(window, school) -> None:
    dialog = corrected(window)
    dialog.begin.click()
    window.wait(lambda: len(dialog.curve.looks) == 1)
    window.qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert dialog.is_learning
    window.widget.learning.click()
    assert dialog.isVisible()
    dialog.stop.click()
    school.may_go_on.release()
    window.wait(dialog.begin.isEnabled)
    assert school.stopped_at == 0.25


def test_what_is_refused_is_said_and_changes_nothing(window, school, net) -> None:
    school.error = LearningError("nothing was learned that is worth keeping.")
    dialog = corrected(window)
    dialog.begin.click()
    window.wait(lambda: "worth keeping" in dialog.text.text())
    window.wait(dialog.begin.isEnabled)
    assert session_of(window).model is net


def test_a_closed_window_ends_the_learning(window, school) -> None:
    dialog = corrected(window)
    dialog.begin.click()
    window.wait(lambda: len(dialog.curve.looks) == 1)
    worker = dialog._worker
    window.widget.learning.end()
    school.may_go_on.release()
    assert worker.wait(20)
    assert school.stopped_at == 0.25


def test_looks_are_drawn(qtbot) -> None:
    from napari_sam2._napari.learning_curve import LearningCurve

    curve = LearningCurve()
    qtbot.addWidget(curve)
    curve.resize(300, 120)
    empty = curve.grab().toImage()
    curve.show_looks([Look(0.1, 0.2), Look(0.9, 0.8)])
    drawn = curve.grab().toImage()
    assert drawn != empty
    assert NewModel("a", 0.1, 0.2, 3).after == 0.2
