"""PNG, JPEG, GIF, BMP and WebP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage import io

from napari_sam2.errors import StackError
from napari_sam2.stack import open_stack

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "dtype", "axes", "n_channels"),
    [
        ((30, 40), "uint8", "YX", 1),
        ((30, 40), "uint16", "YX", 1),
        ((30, 40, 3), "uint8", "YXS", 3),
        ((30, 40, 4), "uint8", "YXS", 3),
        ((30, 40, 2), "uint8", "YXS", 1),
        ((3, 40), "uint8", "YX", 1),
    ],
)
def test_png(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, axes: str, n_channels: int
) -> None:
    array = RANDOM.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    io.imsave(tmp_path / "a.png", array, check_contrast=False)
    stack = open_stack(tmp_path / "a.png")
    assert (stack.axes, stack.n_channels, stack.n_frames) == (axes, n_channels, 1)
    expected = array if len(shape) == 2 else array[..., :n_channels].squeeze()
    np.testing.assert_array_equal(stack.plane(0), expected)


@pytest.mark.parametrize(("name", "options"), [("a.bmp", {}), ("a.webp", {"lossless": True})])
def test_other_exact_pictures(tmp_path: Path, name: str, options: dict[str, bool]) -> None:
    pillow = pytest.importorskip("PIL.Image")
    array = RANDOM.integers(0, 255, (30, 40, 3)).astype(np.uint8)
    pillow.fromarray(array).save(tmp_path / name, **options)
    np.testing.assert_array_equal(open_stack(tmp_path / name).plane(0), array)


def test_jpeg(tmp_path: Path) -> None:
    array = np.zeros((32, 48, 3), np.uint8)
    array[:16] = 200, 100, 50
    io.imsave(tmp_path / "a.jpg", array, check_contrast=False)
    stack = open_stack(tmp_path / "a.jpg")
    assert (stack.axes, stack.plane_shape) == ("YXS", (32, 48))
    assert np.abs(stack.plane(0).astype(int) - array)[[4, 28]].max() < 8


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    array = RANDOM.integers(0, 255, (30, 40)).astype(np.uint8)
    io.imsave(tmp_path / "a.png", array, check_contrast=False)
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    np.testing.assert_array_equal(open_stack(tmp_path / "a.tif").plane(0), array)


def test_a_truncated_picture(tmp_path: Path) -> None:
    array = RANDOM.integers(0, 255, (30, 40)).astype(np.uint8)
    io.imsave(tmp_path / "a.png", array, check_contrast=False)
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(StackError, match=r"a\.png is damaged"):
        open_stack(tmp_path / "a.png")


def test_a_moving_picture_is_a_stack(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    planes = [pillow.fromarray(np.full((20, 30), value, np.uint8)) for value in (0, 100, 200)]
    planes[0].save(tmp_path / "a.gif", save_all=True, append_images=planes[1:])
    stack = open_stack(tmp_path / "a.gif", channels=0)
    assert (stack.n_frames, stack.plane_shape) == (3, (20, 30))
    assert [int(stack.plane(frame)[0, 0]) for frame in range(3)] == [0, 100, 200]


def test_a_picture_has_one_series(tmp_path: Path) -> None:
    io.imsave(tmp_path / "a.png", np.eye(9, dtype=np.uint8), check_contrast=False)
    with pytest.raises(StackError, match=r"series 1 is not in .*, which has 1 image"):
        open_stack(tmp_path / "a.png", series=1)
