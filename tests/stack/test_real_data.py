"""Every real stack opens with the axes, shape and visible objects that its description promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_sam2.stack import IntensityMap, Stack, open_stack, save_labels

if TYPE_CHECKING:
    from pathlib import Path

# file: axes, propagation axis, frames, plane, channels, dtype, micrometres along x
EXPECTED = {
    "c2c12_phase_timelapse/image": ("TYX", "T", 10, (234, 234), 1, "uint8", None),
    "cancer_cell_migration_timelapse_nogt/image": ("TYX", "T", 48, (130, 130), 1, "uint16", None),
    "cell_migration_nuclei_tracking/image": ("TYX", "T", 6, (200, 200), 1, "uint16", 0.63375),
    "dna_confocal_widefield_zcyx_nogt/image": ("ZCYX", "Z", 45, (130, 133), 1, "uint16", 0.51188),
    "dsb2018_nuclei_2d/image_brightfield1024": ("YX", None, 1, (1024, 1024), 1, "uint8", None),
    "dsb2018_nuclei_2d/image_fluo256": ("YX", None, 1, (256, 256), 1, "uint8", None),
    "dsb2018_nuclei_2d/image_fluo520": ("YX", None, 1, (520, 696), 1, "uint8", None),
    "dsb2018_nuclei_2d/image_histo256": ("YXS", None, 1, (256, 320), 3, "uint8", None),
    "fib25_neurites_3d/image": ("ZYX", "Z", 224, (224, 224), 1, "uint8", 0.01),
    "mitocheck_hela_timelapse/image": ("TYX", "T", 30, (190, 211), 1, "uint8", None),
    "mouse_embryo_nuclei_3d/image_8cell": ("ZYX", "Z", 51, (120, 122), 1, "uint16", 0.8),
    "ovule_cells_3d/image": ("ZYX", "Z", 32, (128, 128), 1, "uint8", 0.15),
    "t98g_phase_2d/image_set18": ("YX", None, 1, (1022, 1024), 1, "uint16", 0.87),
    "t98g_phase_2d/image_set26": ("YX", None, 1, (1022, 1024), 1, "uint16", 0.87),
}  # fmt: skip

LABELLED = [name for name in EXPECTED if "nogt" not in name]


def labels_of(name: str) -> str:
    return name.replace("image", "labels") + ".tif"


def test_every_image_in_the_folder_is_expected(data_dir: Path) -> None:
    found = {
        path.relative_to(data_dir).with_suffix("").as_posix()
        for path in data_dir.glob("*/image*.tif")
    }
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_image(data_dir: Path, name: str) -> None:
    axes, along, n_frames, plane_shape, n_channels, dtype, step = EXPECTED[name]
    stack = open_stack(data_dir / f"{name}.tif")
    assert (stack.axes, stack.propagation_axis, stack.n_frames) == (axes, along, n_frames)
    assert (stack.plane_shape, stack.n_channels, stack.dtype) == (plane_shape, n_channels, dtype)
    assert stack.scale["X"] == (None if step is None else pytest.approx(step, rel=1e-4))
    whole = tifffile.imread(data_dir / f"{name}.tif")
    whole = whole[:, 0] if axes == "ZCYX" else whole
    whole = whole[np.newaxis] if along is None else whole
    for frame in {0, n_frames // 2, n_frames - 1}:
        np.testing.assert_array_equal(stack.plane(frame), whole[frame])


@pytest.mark.parametrize("name", EXPECTED)
def test_auto_intensity_uses_the_range_and_saturates_little(data_dir: Path, name: str) -> None:
    stack = open_stack(data_dir / f"{name}.tif")
    mapping = IntensityMap.from_stack(stack)
    values = np.stack([mapping(stack.plane(frame)) for frame in range(0, stack.n_frames, 3)])
    assert values.dtype == np.float32
    assert values.min() == 0
    assert values.max() == 1
    raw = np.stack([stack.plane(frame) for frame in range(0, stack.n_frames, 3)])
    assert (raw > max(mapping.high)).mean() < 0.003
    assert (raw < min(mapping.low)).mean() < 0.003


@pytest.mark.parametrize(
    "name", [n for n in LABELLED if "embryo" in n or "fluo" in n or "mito" in n]
)
def test_fluorescent_objects_stand_out_and_keep_their_texture(data_dir: Path, name: str) -> None:
    image, truth = open_stack(data_dir / f"{name}.tif"), open_stack(data_dir / labels_of(name))
    mapping = IntensityMap.from_stack(image)
    mapped = np.stack([mapping(image.plane(f))[..., 0] for f in range(image.n_frames)])
    inside = np.stack([truth.plane(f) for f in range(truth.n_frames)]) > 0
    assert np.median(mapped[inside]) > np.median(mapped[~inside]) + 0.15
    assert (mapped[inside] == 1).mean() < 0.05


@pytest.mark.parametrize("name", LABELLED)
def test_truth_opens_and_survives_both_formats(data_dir: Path, tmp_path: Path, name: str) -> None:
    truth, image = open_stack(data_dir / labels_of(name)), open_stack(data_dir / f"{name}.tif")
    assert (truth.n_frames, truth.plane_shape) == (image.n_frames, image.plane_shape)
    for saved in (tmp_path / "a.tif", tmp_path / "a.zarr"):
        save_labels(saved, truth.array, truth.axes, truth.scale)
        again = open_stack(saved)
        assert again.axes == truth.axes
        for axis, step in truth.scale.items():
            assert again.scale[axis] == (None if step is None else pytest.approx(step, rel=1e-5))
        for frame in {0, truth.n_frames - 1}:
            np.testing.assert_array_equal(again.plane(frame), truth.plane(frame))


def test_the_second_channel_can_be_shown_with_the_first(data_dir: Path) -> None:
    path = data_dir / "dna_confocal_widefield_zcyx_nogt" / "image.tif"
    whole = tifffile.imread(path)
    stack = open_stack(path, channels=(1, 0))
    np.testing.assert_array_equal(stack.plane(20), whole[20, ::-1].transpose(1, 2, 0))
    assert IntensityMap.from_stack(stack)(stack.plane(20)).shape == (130, 133, 3)


def test_axes_can_be_corrected(data_dir: Path) -> None:
    stack = open_stack(data_dir / "c2c12_phase_timelapse" / "image.tif", axes="ZYX")
    assert (stack.propagation_axis, stack.n_frames) == ("Z", 10)


def test_real_colours_as_they_are(data_dir: Path) -> None:
    stack = open_stack(data_dir / "dsb2018_nuclei_2d" / "image_histo256.tif")
    mapped = IntensityMap.from_stack(stack, None)(stack.plane(0))
    np.testing.assert_array_equal(mapped, stack.plane(0).astype(np.float32) / np.float32(255))


def test_a_real_stack_uncompressed_is_mapped(data_dir: Path, tmp_path: Path) -> None:
    whole = tifffile.imread(data_dir / "mouse_embryo_nuclei_3d" / "image_8cell.tif")
    tifffile.imwrite(tmp_path / "a.tif", whole, imagej=True, metadata={"axes": "ZYX"})
    stack = open_stack(tmp_path / "a.tif")
    assert isinstance(stack.array, np.memmap)
    np.testing.assert_array_equal(stack.plane(25), whole[25])
    assert isinstance(Stack.from_array(stack.array, "ZYX").plane(25), np.ndarray)
