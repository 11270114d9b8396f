"""Every real file opens, is segmented from a click and saved by the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imread

from napari_sam2 import open_stack
from napari_sam2.model.hub import find_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

# name, labels: axes and shape, more options
FILES: list[tuple[str, str, tuple[int, ...], list[str]]] = [
    ("c2c12_phase_timelapse/image.tif", "TYX", (10, 234, 234), []),
    ("c2c12_phase_timelapse/labels.tif", "TYX", (10, 234, 234), []),
    ("cancer_cell_migration_timelapse_nogt/image.tif", "TYX", (48, 130, 130), []),
    ("cell_migration_nuclei_tracking/image.tif", "TYX", (6, 200, 200), []),
    ("cell_migration_nuclei_tracking/labels.tif", "TYX", (6, 200, 200), []),
    ("cell_migration_nuclei_tracking/markers.tif", "TYX", (6, 200, 200), []),
    ("dna_confocal_widefield_zcyx_nogt/image.tif", "ZYX", (45, 130, 133), ["--channels", "0,1"]),
    ("dsb2018_nuclei_2d/image_brightfield1024.tif", "YX", (1024, 1024), []),
    ("dsb2018_nuclei_2d/image_fluo256.tif", "YX", (256, 256), []),
    ("dsb2018_nuclei_2d/image_fluo520.tif", "YX", (520, 696), []),
    ("dsb2018_nuclei_2d/image_histo256.tif", "YX", (256, 320), ["--intensity", "none"]),
    ("dsb2018_nuclei_2d/labels_brightfield1024.tif", "YX", (1024, 1024), []),
    ("dsb2018_nuclei_2d/labels_fluo256.tif", "YX", (256, 256), []),
    ("dsb2018_nuclei_2d/labels_fluo520.tif", "YX", (520, 696), []),
    ("dsb2018_nuclei_2d/labels_histo256.tif", "YX", (256, 320), []),
    ("fib25_neurites_3d/image.tif", "ZYX", (224, 224, 224), []),
    ("fib25_neurites_3d/labels.tif", "ZYX", (224, 224, 224), []),
    ("mitocheck_hela_timelapse/image.tif", "TYX", (30, 190, 211), []),
    ("mitocheck_hela_timelapse/labels.tif", "TYX", (30, 190, 211), []),
    ("mouse_embryo_nuclei_3d/image_8cell.tif", "ZYX", (51, 120, 122), []),
    ("mouse_embryo_nuclei_3d/labels_8cell.tif", "ZYX", (51, 120, 122), []),
    ("ovule_cells_3d/image.tif", "ZYX", (32, 128, 128), []),
    ("ovule_cells_3d/labels.tif", "ZYX", (32, 128, 128), []),
    ("t98g_phase_2d/image_set18.tif", "YX", (1022, 1024), []),
    ("t98g_phase_2d/image_set26.tif", "YX", (1022, 1024), []),
    ("t98g_phase_2d/labels_set18.tif", "YX", (1022, 1024), []),
    ("t98g_phase_2d/labels_set26.tif", "YX", (1022, 1024), []),
]


def test_no_file_is_forgotten(data_dir: Path) -> None:
    found = {path.relative_to(data_dir).as_posix() for path in data_dir.rglob("*.tif")}
    assert found == {name for name, *_ in FILES}


@pytest.mark.parametrize(("name", "axes", "shape", "more"), FILES, ids=[f[0] for f in FILES])
def test_a_click_segments_it(
    call: Callable[..., Result],
    data_dir: Path,
    tmp_path: Path,
    weights: Path,
    name: str,
    axes: str,
    shape: tuple[int, ...],
    more: list[str],
) -> None:
    *frames, height, width = shape
    frame = frames[0] // 2 if frames else 0
    prompts, out = tmp_path / "prompts.csv", tmp_path / "labels.tif"
    prompts.write_text(f"object_id,frame,y,x\n3,{frame},{height // 2},{width // 2}\n")
    overlay = tmp_path / "overlay.png"
    with_overlay = ["--overlay", overlay] if more else []
    if find_weights("nano") is None:
        more = [*more, "--checkpoint", str(weights)]
    if frames:
        more = [*more, "--frames", f"{frame - 1}:{frame + 2}"]
    result = call(
        *("segment", data_dir / name, "-p", prompts, "-o", out, "--window", 64),
        *(*more, *with_overlay),
    )
    assert result.exit_code == 0, result.stderr
    stack = open_stack(out)
    assert (stack.axes, stack.array.shape) == (axes, shape)
    labels = np.stack([stack.plane(f) for f in range(stack.n_frames)])
    assert set(np.unique(labels)) <= {0, 3}
    here = [f for f in range(stack.n_frames) if abs(f - frame) <= 1]
    assert not np.delete(labels, here, axis=0).any()
    assert not with_overlay or imread(overlay).shape[2] == 3
