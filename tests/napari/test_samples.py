"""Sample data, as napari opens them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtWidgets import QMessageBox

from napari_sam2 import _napari
from napari_sam2._napari import (
    cells3d,
    dividing_cells,
    em_stack,
    nuclei_stack,
    nuclei_with_truth,
    samples,
    two_channels,
)
from napari_sam2.errors import DownloadError


@pytest.mark.parametrize(
    ("sample", "name", "axes", "pixel"),
    [
        (nuclei_stack, "nuclei", ("z", "y", "x"), 0.3),
        (dividing_cells, "dividing cells", ("t", "y", "x"), 0.3),
        (em_stack, "EM", ("z", "y", "x"), 0.01),
    ],
)
def test_sample_is_one_image_with_names_and_scale(sample, name, axes, pixel) -> None:
    (data,) = sample()
    layer = Layer.create(*data)
    assert (type(layer).__name__, layer.name, tuple(layer.axis_labels)) == ("Image", name, axes)
    assert layer.data.dtype == np.uint16
    assert layer.data.ndim == 3
    assert layer.scale[1] == layer.scale[2] == pytest.approx(pixel)
    assert np.array_equal(sample()[0][0], data[0])  # the same every time


@pytest.mark.parametrize("sample", [nuclei_stack, dividing_cells])
def test_bright_objects_stand_out(sample) -> None:
    image = sample()[0][0]
    assert image.max() > 4 * np.median(image)


def test_slices_are_apart_as_they_were_drawn() -> None:
    (_, options, _), *_ = nuclei_stack()
    assert options["scale"][0] / options["scale"][1] == pytest.approx(2.2)


def test_truth_lies_hidden_under_the_image_that_is_selected() -> None:
    truth, image = (Layer.create(*data) for data in nuclei_with_truth())
    assert (type(truth).__name__, type(image).__name__) == ("Labels", "Image")
    assert truth.data.shape == image.data.shape
    assert not truth.visible
    assert np.array_equal(truth.scale, image.scale)
    inside = image.data[truth.data > 0].mean()
    assert inside > 2 * image.data[truth.data == 0].mean()


def test_two_channels_are_4_d_and_differ() -> None:
    surroundings, nuclei = (Layer.create(*data) for data in two_channels())
    assert nuclei.data.shape == surroundings.data.shape == (6, 10, 128, 128)
    assert nuclei.axis_labels == surroundings.axis_labels == ("t", "z", "y", "x")
    assert nuclei.data.dtype == surroundings.data.dtype == np.uint16
    bright = nuclei.data > np.percentile(nuclei.data, 95)
    assert surroundings.data[bright].mean() < np.percentile(surroundings.data, 60)


def test_two_channels_drift_without_a_seam() -> None:
    nuclei = two_channels()[1][0]
    assert np.array_equal(nuclei[1, :, :-2, :-1], nuclei[0, :, 2:, 1:])


@pytest.fixture
def absent(monkeypatch, tmp_path):
    """scikit-image has nothing here, and no connection."""
    calls = []

    def fail():
        calls.append(1)
        raise ConnectionError("no internet connection is available")

    monkeypatch.setattr("skimage.data.data_dir", str(tmp_path))
    monkeypatch.setattr("skimage.data.cells3d", fail)
    return calls


def test_cells3d_that_cannot_be_fetched_is_a_clear_error(absent, monkeypatch) -> None:
    monkeypatch.setattr(samples, "_agrees", lambda _question: True)
    with pytest.raises(DownloadError, match=r"could not be fetched .*try again with a connection"):
        cells3d()


@pytest.mark.gui
def test_cells3d_is_not_fetched_without_consent(qapp, absent, monkeypatch) -> None:
    asked = []

    def answer(_parent, _title, question, *_buttons):
        asked.append(question)
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", answer)
    with pytest.raises(DownloadError, match="was not fetched, as you wished"):
        cells3d()
    assert absent == []
    assert "16 MB" in asked[0] and "gitlab.com/scikit-image" in asked[0]


def test_cells3d_is_two_images(monkeypatch, tmp_path) -> None:
    (tmp_path / "cells3d.tif").write_text("")
    stack = np.zeros((4, 2, 8, 8), dtype=np.uint16)
    stack[:, 1] = 7
    monkeypatch.setattr("skimage.data.data_dir", str(tmp_path))
    monkeypatch.setattr("skimage.data.cells3d", lambda: stack)
    membranes, nuclei = (Layer.create(*data) for data in cells3d())
    assert (membranes.name, nuclei.name) == ("membranes", "nuclei")
    assert membranes.data.shape == nuclei.data.shape == (4, 8, 8)
    assert (membranes.data.max(), nuclei.data.min()) == (0, 7)
    assert tuple(nuclei.scale) == (0.29, 0.26, 0.26)


@pytest.mark.gui
@pytest.mark.parametrize("key", ["nuclei_with_truth", "two_channels"])
def test_image_is_the_active_layer_when_napari_opens_a_sample(make_napari_viewer, key) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-sam2", key)
    assert viewer.layers.selection.active.name == "nuclei"
    assert type(viewer.layers.selection.active).__name__ == "Image"


def test_unknown_name_of_the_plugin_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'mitochondria'"):
        _ = _napari.mitochondria
