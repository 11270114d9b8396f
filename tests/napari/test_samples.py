"""Sample data, as napari opens them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer

from napari_sam2._napari import dividing_cells, nuclei_stack


@pytest.mark.parametrize(
    ("sample", "name", "axes"),
    [
        (nuclei_stack, "nuclei", ("z", "y", "x")),
        (dividing_cells, "dividing cells", ("t", "y", "x")),
    ],
)
def test_sample_is_one_image_with_names_and_scale(sample, name, axes) -> None:
    (data,) = sample()
    layer = Layer.create(*data)
    assert (type(layer).__name__, layer.name, tuple(layer.axis_labels)) == ("Image", name, axes)
    assert layer.data.dtype == np.uint16
    assert layer.data.ndim == 3
    assert layer.data.max() > 4 * np.median(layer.data)
    assert layer.scale[1] == layer.scale[2] == pytest.approx(0.3)
    assert np.array_equal(sample()[0][0], data[0])  # the same every time


def test_slices_are_apart_as_they_were_drawn() -> None:
    (_, options, _), *_ = nuclei_stack()
    assert options["scale"][0] / options["scale"][1] == pytest.approx(2.2)
