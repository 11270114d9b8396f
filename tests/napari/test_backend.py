"""What the worker takes from the rest of the package."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import dask.array as da
import numpy as np

from napari_sam2 import Point
from napari_sam2._napari.backend import BUNDLED, list_models, load_model, open_session
from napari_sam2._napari.coordinates import Placement
from napari_sam2._napari.messages import Open
from napari_sam2._napari.model_facts import ModelPick


def request(array, shape, axis, position, rgb=False, window_side=None) -> Open:
    placement = Placement(shape, axis, position, ("a",) * len(shape))
    return Open(array, placement, rgb, ModelPick("nano"), window_side)


def test_models_are_listed_with_what_must_be_known_to_choose() -> None:
    models = list_models()
    assert replace(models[0], note="") == BUNDLED
    assert (BUNDLED.name, BUNDLED.title, BUNDLED.question) == ("nano", "nano (bundled)", "")
    assert len({model.name for model in models}) == 9
    assert all(model.note for model in models)


def test_model_that_is_not_here_needs_a_yes(monkeypatch) -> None:
    monkeypatch.setattr("napari_sam2.session.is_downloaded", lambda _name: False)
    tiny = next(model for model in list_models() if model.name == "sam2.1_hiera_tiny")
    assert tiny.title == "sam2.1_hiera_tiny (needs download, 156 MB)"
    for word in ("156 MB", "huggingface.co/facebook/sam2.1-hiera-tiny", "Apache-2.0"):
        assert word in tiny.question


def test_model_that_is_here_needs_no_question(monkeypatch) -> None:
    monkeypatch.setattr("napari_sam2.session.is_downloaded", lambda _name: True)
    assert {model.question for model in list_models()} == {""}
    assert "needs download" not in "".join(model.title for model in list_models())


def test_load_downloads_first_and_reports(monkeypatch) -> None:
    order = []
    monkeypatch.setattr(
        "napari_sam2.session.download",
        lambda name, report: order.append(("download", name, report)),
    )
    monkeypatch.setattr(
        "napari_sam2.session.load_model",
        lambda name, **options: order.append(("load", name, options)),
    )

    def report(done: int, total: int) -> None:
        pass

    load_model(ModelPick("big", "cpu", "float32"), report)
    assert order == [
        ("download", "big", report),
        ("load", "big", {"device": "cpu", "precision": "float32"}),
    ]


def test_session_reads_the_frames_at_the_position(net) -> None:
    array = np.random.default_rng(0).integers(0, 900, (2, 3, 40, 48)).astype(np.uint16)
    along_t = open_session(request(array, array.shape, 0, (0, 2, 0, 0)), net)
    assert np.array_equal(along_t.stack.plane(1), array[1, 2])
    along_z = open_session(request(da.from_array(array), array.shape, 1, (1, 0, 0, 0)), net)
    assert (along_z.n_frames, along_z.plane_shape) == (3, (40, 48))
    assert np.array_equal(along_z.stack.plane(2), array[1, 2])


def test_five_axes_and_a_single_plane(net) -> None:
    array = np.random.default_rng(0).integers(0, 9, (2, 3, 4, 10, 12)).astype(np.uint8)
    session = open_session(request(array, array.shape, 2, (1, 2, 0, 0, 0)), net)
    assert np.array_equal(session.stack.plane(3), array[1, 2, 3])
    plane = open_session(request(array[0, 0, 0], (10, 12), None, (0, 0)), net)
    assert plane.n_frames == 1
    assert np.array_equal(plane.stack.plane(0), array[0, 0, 0])


def test_short_axis_of_three_is_an_axis_and_no_colour(net) -> None:
    array = np.random.default_rng(0).integers(0, 9, (40, 48, 3)).astype(np.uint8)
    session = open_session(request(array, (40, 48, 3), 0, (0, 0, 0)), net)
    assert (session.n_frames, session.plane_shape) == (40, (48, 3))


def test_uint8_colours_are_shown_as_they_are(net) -> None:
    array = np.random.default_rng(0).integers(0, 200, (2, 10, 12, 3)).astype(np.uint8)
    session = open_session(request(array, (2, 10, 12), 0, (0, 0, 0), rgb=True), net)
    assert np.allclose(session.intensity(session.stack.plane(1)), array[1] / 255)
    stretched = open_session(request(array / 255, (2, 10, 12), 0, (0, 0, 0), rgb=True), net)
    assert stretched.intensity(stretched.stack.plane(1)).max() == 1


def test_window_side_is_handed_on(net) -> None:
    array = np.zeros((2, 100, 120), dtype=np.uint8)
    array[:, 40:60, 40:60] = 200
    session = open_session(request(array, array.shape, 0, (0, 0, 0), window_side=64), net)
    assert session.window_side == 64
    session.add_prompt(1, Point(0, (50, 50)))


def test_opening_the_widget_loads_no_torch() -> None:
    module = "napari_sam2._napari"
    code = f"import sys, {module}; print({{'torch', 'zarr', 'huggingface_hub'}} & set(sys.modules) or 'light')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "light", done.stdout + done.stderr
