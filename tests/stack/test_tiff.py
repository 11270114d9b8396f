"""Opening real TIFF files of many makes."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_sam2.errors import AxisError, StackError
from napari_sam2.stack import Stack, open_stack

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"T": 2, "Z": 3, "C": 2, "Y": 16, "X": 24}


def image(axes: str, dtype: str = "uint16") -> np.ndarray:
    shape = tuple(SIZES[axis] for axis in axes)
    return np.random.default_rng(0).integers(0, 250, shape).astype(dtype)


def frames(stack: Stack) -> np.ndarray:
    return np.stack([stack.plane(frame) for frame in range(stack.n_frames)])


def is_mapped(stack: Stack) -> bool:
    return isinstance(stack.array, np.memmap)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX", "ZCYX", "TZCYX"])
def test_imagej_files(tmp_path: Path, axes: str, compression: str | None, dtype: str) -> None:
    array = image(axes, dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, imagej=True, metadata={"axes": axes}, compression=compression)
    stack = open_stack(path)
    assert stack.axes == axes
    assert stack.dtype == dtype
    assert is_mapped(stack) == (compression is None)
    np.testing.assert_array_equal(frames(stack), frames(Stack.from_array(array, axes)))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "uint32", "float64"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}], ids=str)
@pytest.mark.parametrize("axes", ["ZYX", "TZYX", "TCYX", "TZCYX"])
def test_ome_files(tmp_path: Path, axes: str, options: dict[str, Any], dtype: str) -> None:
    array = image(axes, dtype)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, array, metadata={"axes": axes}, **options)
    stack = open_stack(path)
    assert stack.axes == axes
    assert stack.dtype == dtype
    assert is_mapped(stack) == (not options and dtype != "bool")
    np.testing.assert_array_equal(frames(stack), frames(Stack.from_array(array, axes)))


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_both_byte_orders_and_both_sizes_of_offsets(
    tmp_path: Path, byteorder: Any, bigtiff: bool
) -> None:
    array = image("TYX")
    for options in ({}, {"compression": "zlib"}):
        path = tmp_path / "a.tif"
        tifffile.imwrite(
            path, array, byteorder=byteorder, bigtiff=bigtiff, metadata={"axes": "TYX"}, **options
        )
        stack = open_stack(path)
        assert stack.plane(0).dtype.isnative
        np.testing.assert_array_equal(frames(stack), array)


def test_an_uncompressed_file_is_mapped_and_not_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", image("ZYX"), imagej=True, metadata={"axes": "ZYX"})
    stack = open_stack(tmp_path / "a.tif")
    assert isinstance(stack.array, np.memmap)
    assert stack.array.mode == "r"
    assert not isinstance(stack.plane(0), np.memmap)


def test_a_compressed_file_is_decoded_one_page_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = image("TZYX")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, imagej=True, metadata={"axes": "TZYX"}, compression="zlib")
    stack = open_stack(path, propagation_axis="Z", position={"T": 1})
    assert isinstance(stack.array, zarr.Array)
    assert stack.array.chunks == (1, 1, 16, 24)
    reads = []
    read = tifffile.FileHandle.read_segments

    def counting(self: Any, offsets: Any, *arguments: Any, **keywords: Any) -> Any:
        reads.append(offsets)
        return read(self, offsets, *arguments, **keywords)

    monkeypatch.setattr(tifffile.FileHandle, "read_segments", counting)
    np.testing.assert_array_equal(stack.plane(1), array[1, 1])
    with tifffile.TiffFile(path) as tif:
        assert reads == [tif.pages[4].dataoffsets]


def test_the_file_is_closed_with_the_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("TYX"), compression="zlib", metadata={"axes": "TYX"})
    stack = open_stack(path)
    store = stack.array.store
    handle = store._data[0].keyframe.parent.filehandle
    stack.plane(0)
    assert not handle.closed
    del stack, store
    gc.collect()
    assert handle.closed


def test_pages_without_any_metadata_are_frames_along_an_unknown_axis(tmp_path: Path) -> None:
    array = image("ZYX")
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for plane in array:
            writer.write(plane, metadata=None, contiguous=False)
    stack = open_stack(tmp_path / "a.tif")
    assert (stack.axes, stack.propagation_axis, stack.n_frames) == ("IYX", "I", 3)
    np.testing.assert_array_equal(frames(stack), array)
    assert open_stack(tmp_path / "a.tif", axes="tyx").axes == "TYX"


def test_two_axes_without_names_must_be_named(tmp_path: Path) -> None:
    array = np.zeros((5, 6, 16, 24), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack")
    with pytest.raises(AxisError, match=r"a\.tif: axis Q appears 2 times .* with axes="):
        open_stack(tmp_path / "a.tif")
    stack = open_stack(tmp_path / "a.tif", axes="TZYX")
    assert (stack.n_frames, stack.position) == (5, {"Z": 3})


def test_axes_that_do_not_fit_the_file_name_it(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", image("ZYX"), imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(AxisError, match=r"a\.tif: axes 'TZYX' name 4 axes, but .* has 3"):
        open_stack(tmp_path / "a.tif", "TZYX")
    with pytest.raises(AxisError, match=r"a\.tif: position 'C': 9 .*there is no such axis"):
        open_stack(tmp_path / "a.tif", "TYX", propagation_axis="T", position={"C": 9})


@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours(tmp_path: Path, planarconfig: str, compression: str | None) -> None:
    array = np.random.default_rng(0).integers(0, 255, (16, 24, 4), np.uint8)
    stored = array if planarconfig == "contig" else array.transpose(2, 0, 1)
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig=planarconfig,
        extrasamples=["unassalpha"],
        compression=compression,
    )
    stack = open_stack(tmp_path / "a.tif")
    assert (stack.channel_axis, stack.n_channels, stack.n_frames) == ("S", 3, 1)
    np.testing.assert_array_equal(stack.plane(0), array[..., :3])


def test_a_stack_of_colours_from_imagej_is_a_stack(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (5, 16, 24, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, photometric="rgb")
    stack = open_stack(tmp_path / "a.tif")
    assert (stack.axes, stack.n_frames, stack.n_channels) == ("ZYXS", 5, 3)
    np.testing.assert_array_equal(frames(stack), array)


@pytest.mark.parametrize(("count", "axes"), [(7, "CYX"), (8, "ZYX")])
def test_imagej_has_at_most_seven_channels(tmp_path: Path, count: int, axes: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((count, 16, 24), np.uint16), imagej=True)
    assert open_stack(tmp_path / "a.tif").axes == axes


@pytest.mark.filterwarnings("ignore:.*stored as RGB:DeprecationWarning")
@pytest.mark.parametrize("count", [3, 4])
def test_a_few_deep_planes_that_were_saved_as_colours_are_frames(
    tmp_path: Path, count: int
) -> None:
    array = np.random.default_rng(0).integers(0, 999, (count, 16, 24)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array)  # tifffile guesses colours here
    stack = open_stack(tmp_path / "a.tif")
    assert stack.n_frames == count
    np.testing.assert_array_equal(frames(stack), array)


def test_a_pyramid_gives_its_full_resolution(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (3, 64, 64)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(array, subifds=1, metadata={"axes": "ZYX"}, tile=(16, 16))
        writer.write(array[:, ::2, ::2], subfiletype=1, tile=(16, 16))
    np.testing.assert_array_equal(frames(open_stack(tmp_path / "a.ome.tif")), array)


def test_one_of_several_series_can_be_chosen(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(image("ZYX"), metadata={"axes": "ZYX", "PhysicalSizeX": 1.0})
        writer.write(image("TYX"), metadata={"axes": "TYX", "PhysicalSizeX": 2.0})
    first, second = (open_stack(tmp_path / "a.ome.tif", series=index) for index in range(2))
    assert (first.axes, first.scale["X"]) == ("ZYX", 1.0)
    assert (second.axes, second.scale["X"]) == ("TYX", 2.0)
    np.testing.assert_array_equal(frames(second), image("TYX"))
    with pytest.raises(StackError, match=r"series 2 is not in .*a\.ome\.tif, which has 2 image"):
        open_stack(tmp_path / "a.ome.tif", series=2)


@pytest.mark.parametrize("unit", ["um", "micron", "µm", "\\u00B5m", "Microns"])
def test_the_scale_of_imagej(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "a.tif"
    metadata = {"axes": "TZYX", "spacing": 2.5, "finterval": 30.0}
    text = unit.encode("ascii", "backslashreplace").decode().replace("\\xb5", "\\u00B5")
    tifffile.imwrite(
        path, image("TZYX"), imagej=True, resolution=(4, 2), metadata={**metadata, "unit": text}
    )
    assert open_stack(path).scale == {"T": 30.0, "Z": 2.5, "Y": 0.5, "X": 0.25}


@pytest.mark.parametrize("metadata", [{}, {"unit": "pixel", "spacing": 1.0}, {"unit": "inch"}])
def test_a_scale_without_a_length_is_unknown(tmp_path: Path, metadata: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("ZYX"), imagej=True, metadata={"axes": "ZYX", **metadata})
    assert open_stack(path).scale == {"Z": None, "Y": None, "X": None}


def test_the_scale_of_ome_in_its_units(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "TZYX",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.5,
        "TimeIncrement": 2.0,
        "TimeIncrementUnit": "min",
    }
    tifffile.imwrite(path, image("TZYX"), metadata=metadata)
    assert open_stack(path).scale == {"T": 120.0, "Z": None, "Y": 0.5, "X": 0.25}


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"none\.tif does not exist; check the name"):
        open_stack(tmp_path / "none.tif")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    with pytest.raises(StackError, match=r"a\.tif is empty \(0 bytes\)"):
        open_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"hello, world\n" * 9, b"\0", bytes(range(256)) * 9])
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(StackError, match=r"a\.tif is not an image that we know .*TIFF, OME-Zarr"):
        open_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("head", [b"II*\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b"II*\0" * 99])
def test_a_tiff_header_with_nothing_behind_it(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(head)
    with pytest.raises(StackError, match=r"a\.tif ends (within its header|before its page 1)"):
        open_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])
@pytest.mark.parametrize(
    "options",
    [
        {"imagej": True},
        {"imagej": True, "compression": "zlib"},
        {"ome": True},
        {"ome": True, "compression": "zlib"},
        {"ome": True, "bigtiff": True},
        {"compression": "zlib", "byteorder": ">"},
    ],
    ids=str,
)
def test_a_truncated_file_is_noticed_when_it_is_opened(
    tmp_path: Path, options: dict[str, Any], fraction: float
) -> None:
    array = np.random.default_rng(0).integers(0, 4000, (6, 200, 240)).astype(np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, metadata={"axes": "ZYX"}, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(StackError, match=r"a\.tif (ends|holds|lacks|is damaged)"):
        open_stack(path)


@pytest.mark.parametrize("imagej", [True, False])
def test_a_truncated_single_plane_is_noticed_when_it_is_opened(
    tmp_path: Path, imagej: bool
) -> None:
    path = tmp_path / "a.tif"
    for compression in (None, "zlib"):
        tifffile.imwrite(path, image("YX"), imagej=imagej, compression=compression)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(StackError, match=r"a\.tif ends before its last plane"):
            open_stack(path)


def test_an_imagej_file_of_one_page_with_too_little_data_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    description = "ImageJ=1.53t\nimages=50\nslices=50\n"  # as ImageJ writes more than 4 GB
    tifffile.imwrite(path, image("YX"), description=description, metadata=None)
    with pytest.raises(StackError, match=r"a\.tif holds fewer than its 50 images"):
        open_stack(path)


def test_a_damaged_page_says_which_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("ZYX"), imagej=True, metadata={"axes": "ZYX"}, compression="zlib")
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[2].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 40)
    stack = open_stack(path)
    stack.plane(1)
    with pytest.raises(StackError, match=r"frame 2 of .*a\.tif cannot be read .*damaged"):
        stack.plane(2)


def test_a_decoder_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image("YX"), compression="zlib")

    def missing(self: Any) -> Any:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", missing)
    with pytest.raises(StackError, match=r"is not installed .*LZW.*; pip install imagecodecs"):
        open_stack(path)


def test_lzw_is_read_or_asks_for_its_decoder(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    array = image("YX", "uint8")
    pillow.fromarray(array).save(tmp_path / "a.tif", compression="tiff_lzw")
    with contextlib.suppress(StackError):
        np.testing.assert_array_equal(open_stack(tmp_path / "a.tif").plane(0), array)
        return
    with pytest.raises(StackError, match="pip install imagecodecs"):
        open_stack(tmp_path / "a.tif")


def test_missing_planes_of_an_ome_file_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, image("ZYX"), metadata={"axes": "ZYX"}, compression="zlib")
    xml = tifffile.tiffcomment(path)
    assert xml.count('SizeZ="3"') == 1
    tifffile.tiffcomment(path, xml.replace('SizeZ="3"', 'SizeZ="5"').encode())
    with pytest.warns(UserWarning, match=r"a\.ome\.tif lacks 2 of its planes") as told:
        stack = open_stack(path)
    assert told[0].filename == __file__
    assert stack.n_frames == 5
    np.testing.assert_array_equal(stack.plane(2), image("ZYX")[2])
    assert not stack.plane(4).any()
