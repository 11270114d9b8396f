"""Labels that would not fit in memory, in a real window."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_sam2._napari.pixels import new_pixels

FOLDERS = "napari-sam2-l*"


def test_pixels_on_disk_go_when_nobody_holds_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pixels = new_pixels((2, 3, 700, 600), on_disk=True)
    pixels[1, 2, 600:, :] = 70_000
    assert (pixels.dtype, pixels.chunks) == (np.uint32, (1, 1, 512, 512))
    (folder,) = tmp_path.glob(FOLDERS)
    assert len([each for each in Path(folder).rglob("c/*/*/*/*") if each.is_file()]) == 2
    del pixels
    gc.collect()
    assert not list(tmp_path.glob(FOLDERS))


@pytest.mark.gui
def test_window_works_on_labels_that_do_not_fit(
    open_window, stack, tmp_path, monkeypatch, caught, notices
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("napari_sam2.session.label_store.available_memory", lambda: 1000)
    window = open_window(stack).start().go_to(2)
    assert isinstance(window.labels, zarr.Array)
    window.click((20, 24))
    clicked = window.labels[2]
    assert clicked.any()
    window.widget.propagate.click()
    window.wait(lambda: window.state.text == "All frames are done.")
    window.settle()
    assert all(window.labels[frame].any() for frame in range(5))

    window.viewer.layers.selection.active = window.layer  # napari's own brush
    window.layer.selected_label = 2
    window.layer.brush_size = 6
    window.layer.mode = "paint"
    window.drag((4, 4), (6, 10))
    assert set(np.unique(window.labels[2])) == {0, 1, 2}
    for _ in range(3):
        window.widget.undo.click()
        window.settle()
    assert not window.labels[:].any()
    assert notices == []
