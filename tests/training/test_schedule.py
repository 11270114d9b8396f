from __future__ import annotations

import numpy as np
import pytest

from napari_sam2.training.schedule import Schedule


def test_the_rate_rises_and_falls() -> None:
    schedule = Schedule(peak_rate=1.0, warm_up=0.1)
    rates = np.array([schedule.rate(p) for p in np.linspace(0, 1, 101)])
    assert 0 < rates[0] < 0.05
    assert rates.argmax() == 10
    assert rates[10] == pytest.approx(1.0)
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[-1] == pytest.approx(0.01)
    assert schedule.rate(1.3) == pytest.approx(0.01)  # a last step may come late


def test_cross_entropy_fades_into_focal_loss() -> None:
    schedule = Schedule(focal_from=0.2, focal_to=0.6)
    shares = [schedule.weights(p).focal_share for p in (0, 0.2, 0.4, 0.6, 1)]
    assert shares == pytest.approx([0, 0, 0.5, 1, 1])


def test_clips_come_later() -> None:
    schedule = Schedule(clips_from=0.5, clip_share=0.4)
    assert [schedule.clips(p) for p in (0, 0.49, 0.5, 1)] == [0, 0, 0.4, 0.4]
