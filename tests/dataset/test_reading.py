"""A damaged set says what is wrong with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_sam2.dataset import read_dataset, source_of, write_dataset
from napari_sam2.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def whole(annotate: Callable, stack: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "set"
    write_dataset(folder, [source_of(annotate(stack()))])
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A set of one stack, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "set"))


def change(path: Path, what: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text())
    what(content)
    path.write_text(json.dumps(content))


def read_all(folder: Path) -> None:
    list(read_dataset(folder))


def test_another_folder_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is no training set \(it has no dataset.json\)"):
        read_dataset(tmp_path)


def test_an_unknown_split(folder: Path) -> None:
    with pytest.raises(DatasetError, match="split 'dev' is unknown"):
        read_dataset(folder, "dev")
    assert list(read_dataset(folder, "validation")) == []


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda c: c.update(format="COCO"), "has format 'COCO' version 1, this package reads"),
        (lambda c: c.update(format_version=2), "version 2, this package reads .* update"),
        (lambda c: c.update(format_version=None), "is damaged"),
        (lambda c: c.pop("stacks"), "is damaged .*KeyError: 'stacks'"),
        (lambda c: c["stacks"][0].update(split="dev"), "is damaged .*in split 'dev'"),
        (lambda c: c["stacks"][0].update(name="../.."), r"is damaged .*stack '\.\./\.\.'"),
        (lambda c: c["stacks"][0].update(extra=1), "is damaged .*extra"),
        (lambda c: c["stacks"].clear(), "says that there are .* but its stacks make"),
        (lambda c: c["stacks"][0]["objects"][0].update(masks=7), "but its stacks make"),
    ],
)
def test_a_damaged_sheet(folder: Path, what: Callable[[dict], object], message: str) -> None:
    change(folder / "dataset.json", what)
    with pytest.raises(DatasetError, match=message):
        read_dataset(folder)


@pytest.mark.parametrize("name", ["dataset.json", "train.json"])
@pytest.mark.parametrize("text", ["", "[]", '{"format": ', "null", '"text"'])
def test_a_file_that_is_cut_or_something_else(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DatasetError, match=name):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda c: c["annotations"].pop(), "of labels.tif has pixels by object .* train.json says"),
        (lambda c: c["images"].pop(), "KeyError|has frames"),
        (
            lambda c: c["images"][0].update(frame=2),
            r"train.json has frames \[2, 4\], the data sheet",
        ),
        (lambda c: c["annotations"][0].update(area=1), "has other run lengths than its area"),
        (lambda c: c["annotations"][0]["segmentation"].update(counts="~~"), "is none of COCO's"),
        (lambda c: c["annotations"][0].update(object_id=9), "train.json says {9: "),
    ],
)
def test_a_damaged_coco_file(folder: Path, what: Callable[[dict], object], message: str) -> None:
    change(folder / "train.json", what)
    with pytest.raises(DatasetError, match=message):
        read_all(folder)


def test_missing_files(folder: Path) -> None:
    (folder / "train/stack/labels.tif").unlink()
    with pytest.raises(DatasetError, match=r"stack is damaged: .*labels.tif does not exist"):
        read_all(folder)
    (folder / "train.json").unlink()
    with pytest.raises(DatasetError, match=r"train.json is damaged .*FileNotFoundError"):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("image.tif", np.zeros((5, 40, 48), np.uint16), "image.tif has shape"),
        ("image.tif", np.zeros((2, 40, 48), np.uint8), "image.tif holds uint8 numbers, .* uint16"),
        ("labels.tif", np.zeros((2, 40, 47), np.uint16), "labels.tif has shape"),
        ("labels.tif", np.zeros((2, 40, 48), np.int32), "labels.tif holds int32"),
        ("labels.tif", np.zeros((2, 40, 48), np.uint16), r"has pixels by object {}, .* {3: 149}"),
    ],
)
def test_other_images(folder: Path, name: str, array: np.ndarray, message: str) -> None:
    tifffile.imwrite(folder / "train/stack" / name, array, metadata={"axes": "ZYX"})
    with pytest.raises(DatasetError, match=message):
        read_all(folder)


def test_a_cut_image(folder: Path) -> None:
    path = folder / "train/stack/image.tif"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DatasetError, match=r"image.tif"):
        read_all(folder)


def test_stacks_are_opened_one_by_one(annotate: Callable, stack: Callable, tmp_path: Path) -> None:
    sources = [source_of(annotate(stack(seed)), str(seed)) for seed in range(2)]
    write_dataset(tmp_path / "set", sources)
    stacks = read_dataset(tmp_path / "set")
    assert next(stacks).name == "0"
    for path in (tmp_path / "set").glob("*/1/labels.tif"):
        path.unlink()
    with pytest.raises(DatasetError, match="1 is damaged"):
        next(stacks)
