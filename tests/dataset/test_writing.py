"""What a set looks like, where it may be written, and what it says of itself."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_sam2 import MaskPrompt, Session, Stack, open_stack
from napari_sam2.dataset import (
    Credits,
    Shares,
    read_dataset,
    source_of,
    source_of_saved,
    write_dataset,
)
from napari_sam2.dataset import writing as writing_module
from napari_sam2.errors import DatasetError, SessionError
from napari_sam2.evaluation import (
    BaselineMethod,
    Options,
    evaluate_scene,
    find_sets,
    read_scene,
)
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.model.network import SAM2

Annotate = Callable[[Stack], Session]
Make = Callable[..., Stack]


@pytest.fixture(scope="module")
def sources(annotate: Annotate, stack: Make) -> list:
    """Six stacks of different images."""
    return [source_of(annotate(stack(seed)), f"cells {seed}") for seed in range(6)]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_layout(sources: list, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", sources[:2])
    assert sorted(contents(tmp_path / "set")) == sorted(
        [
            "README.md",
            "dataset.json",
            "sets.toml",
            "train/cells-0/image.tif",
            "train/cells-0/labels.tif",
            "train.json",
            "validation/cells-1/image.tif",
            "validation/cells-1/labels.tif",
            "validation.json",
        ]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_files_can_be_read_by_other_programs(sources: list, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", sources[:1])
    place = tmp_path / "set/train/cells-0"
    image, labels = tifffile.imread(place / "image.tif"), tifffile.imread(place / "labels.tif")
    assert (image.dtype, labels.dtype) == (np.uint16, np.uint32)  # 70000 needs 32 bits
    assert np.array_equal(image[1], sources[0].stack.plane(4))
    assert set(np.unique(labels[1])) == {0, 3, 70000}
    with tifffile.TiffFile(place / "image.tif") as tif:
        assert tif.pages.first.compression.name == "ADOBE_DEFLATE"
        assert 'PhysicalSizeX="0.25"' in tif.ome_metadata


def test_a_coco_file_has_what_others_look_for(sources: list, tmp_path: Path) -> None:
    credit = Credits("CC-BY-4.0", "A lab", "doi:10.1/2")
    write_dataset(tmp_path / "set", sources[:2], shares=Shares(0, 0), credit=credit)
    coco = json.loads((tmp_path / "set/train.json").read_text())
    assert coco["categories"] == [
        {"id": 1, "name": "mother", "supercategory": "object"},
        {"id": 2, "name": "object", "supercategory": "object"},
    ]
    assert [one["id"] for one in coco["images"]] == [1, 2, 3, 4]
    assert [(one["stack"], one["page"], one["frame"]) for one in coco["images"]] == [
        ("cells-0", 0, 1),
        ("cells-0", 1, 4),
        ("cells-1", 0, 1),
        ("cells-1", 1, 4),
    ]
    assert coco["licenses"] == [{"id": 1, "name": "CC-BY-4.0", "url": ""}]
    assert {one["license"] for one in coco["images"]} == {1}
    assert coco["info"]["contributor"] == "A lab"
    last = coco["annotations"][-1]
    assert (last["id"], last["image_id"], last["category_id"], last["iscrowd"]) == (6, 4, 2, 0)
    assert last["bbox"] == [29, 23, 11, 11]  # x, y, width, height of a disk of radius 5 at (28, 34)
    assert last["area"] == 81
    assert last["segmentation"]["size"] == [40, 48]


def test_the_data_sheet(
    annotate: Annotate, image: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    save_labels(tmp_path / "my cells.tif", image(), "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.25})
    session = annotate(open_stack(tmp_path / "my cells.tif"))
    sheet = write_dataset(
        tmp_path / "set", [source_of(session)], credit=Credits("CC0-1.0", "A | B", "here")
    )
    content = json.loads((tmp_path / "set/dataset.json").read_text())
    assert content["made_by"].startswith("napari-sam2 ")
    assert content["counts"]["all"] == content["counts"]["train"]
    assert content["counts"]["all"] == {
        "stacks": 1,
        "frames": 2,
        "objects": 2,
        "masks": 3,
        "prompts": 3,
    }
    (one,) = content["stacks"]
    told = {
        key: one[key] for key in ("name", "file", "shape", "axes", "n_frames", "model", "count")
    }
    assert told == {
        "name": "my-cells",
        "file": "my cells.tif",
        "shape": [6, 40, 48],
        "axes": "ZYX",
        "n_frames": 6,
        "model": "nano",
        "count": "trusted",
    }
    assert one["scale"] == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    assert one["intensity"] == [[session.intensity.low[0], session.intensity.high[0]]]
    assert one["objects"][0]["prompts"] == {"1": {"MaskPrompt": 1}, "4": {"MaskPrompt": 1}}
    assert str(tmp_path) not in json.dumps(content)  # no folders of the user
    assert next(iter(read_dataset(tmp_path / "set"))).sheet == sheet.stacks[0]
    text = (tmp_path / "set/README.md").read_text(encoding="utf-8")
    for phrase in ("| licence | CC0-1.0 |", r"| author | A \| B |", "Z 2 µm", "1, 4 of 6, along Z"):
        assert phrase in text


def test_no_stack_is_in_two_splits_and_the_same_call_gives_the_same(
    sources: list, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "set", sources, shares=Shares(0.3, 0.3))
    write_dataset(tmp_path / "again", sources[::-1], shares=Shares(0.3, 0.3))
    split_of = {read.name: read.split for read in read_dataset(tmp_path / "set")}
    assert len(split_of) == 6
    assert split_of == {read.name: read.split for read in read_dataset(tmp_path / "again")}
    stacks = {
        split: {
            one["stack"]
            for one in json.loads((tmp_path / f"set/{split}.json").read_text())["images"]
        }
        for split in ("train", "validation", "test")
    }
    assert [len(names) for names in stacks.values()] == [2, 2, 2]
    assert len(set.union(*stacks.values())) == 6
    assert {read.name for read in read_dataset(tmp_path / "set", "test")} == stacks["test"]


def test_stacks_of_one_image_go_the_same_way(
    annotate: Annotate, image: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    volume = np.stack([image(seed) for seed in range(5)])  # (t, z, y, x)
    views = [
        Stack.from_array(volume, "TZYX", propagation_axis="Z", position={"T": t}) for t in range(5)
    ]
    others = [Stack.from_array(image(9), "ZYX")]
    sources = [source_of(annotate(view)) for view in [*views, *others]]
    for seed in range(3):
        folder = tmp_path / f"set {seed}"
        write_dataset(folder, sources, shares=Shares(0.5, seed=seed))
        splits = {read.name: read.split for read in read_dataset(folder)}
        assert len({splits[f"stack{end}"] for end in ("", "-2", "-3", "-4", "-5")}) == 1
        assert set(splits.values()) == {"train", "validation"}


def test_a_set_is_extended_on_request_only(sources: list, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", sources[:3], credit=Credits("CC0-1.0"))
    before = contents(tmp_path / "set")
    with pytest.raises(DatasetError, match="is a training set already; extend it"):
        write_dataset(tmp_path / "set", sources[3:])
    assert contents(tmp_path / "set") == before
    sheet = write_dataset(tmp_path / "set", sources[3:], extend=True, shares=Shares(0.2, 0.2))
    after = contents(tmp_path / "set")
    assert {k: v for k, v in after.items() if k in before and k.endswith(".tif")} == {
        k: v for k, v in before.items() if k.endswith(".tif")
    }
    reads = list(read_dataset(tmp_path / "set"))
    assert [read.sheet for read in reads] == list(sheet.stacks)
    assert [read.sheet.credit.licence for read in reads] == ["CC0-1.0"] * 3 + [""] * 3
    assert sheet.counts().masks == 18
    assert sheet.counts("test").stacks == 1
    ids = [one["id"] for one in json.loads(after["train.json"])["annotations"]]
    assert ids == list(range(1, len(ids) + 1))


def test_a_stack_is_not_added_twice(sources: list, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", sources[:1])
    before = contents(tmp_path / "set")
    with pytest.raises(DatasetError, match="cells 0 is in the set already, as train/cells-0"):
        write_dataset(tmp_path / "set", sources[:2], extend=True)
    assert contents(tmp_path / "set") == before


@pytest.mark.parametrize("extend", [False, True])
def test_nothing_else_is_written_over(sources: list, extend: bool, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("all of it")
    with pytest.raises(DatasetError, match="exists and is not a training set"):
        write_dataset(tmp_path / "mine", sources, extend=extend)
    assert list(contents(tmp_path / "mine")) == ["thesis.txt"]


@pytest.mark.parametrize("extend", [False, True])
def test_a_failure_leaves_what_was_there(
    sources: list, extend: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if extend:
        write_dataset(tmp_path / "set", sources[:1])
    before = contents(tmp_path)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing_module, "readme_of", full)
    with pytest.raises(DatasetError, match=r"could not be written .*No space left"):
        write_dataset(tmp_path / "set", sources[1:2], extend=extend)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"] * extend


def test_nothing_to_export_is_an_error(stack: Make, model: SAM2, tmp_path: Path) -> None:
    session = Session(stack(), model)
    with pytest.raises(DatasetError, match="has nothing annotated; add a prompt first"):
        write_dataset(tmp_path / "set", [source_of(session)])
    session.add_prompt(1, MaskPrompt(0, np.zeros((40, 48), bool)))
    with pytest.raises(DatasetError, match="has no trusted mask with a pixel"):
        write_dataset(tmp_path / "set", [source_of(session)])
    with pytest.raises(DatasetError, match="no session was given"):
        write_dataset(tmp_path / "set", [])
    with pytest.raises(DatasetError, match="frames 'some' is unknown"):
        write_dataset(tmp_path / "set", [source_of(session)], frames="some")
    assert not list(tmp_path.iterdir())


def test_a_session_of_another_image_is_refused(
    annotate: Annotate, stack: Make, tmp_path: Path
) -> None:
    annotate(stack()).save(tmp_path / "session")
    with pytest.raises(SessionError, match="give the image that it was made on"):
        source_of_saved(tmp_path / "session", Stack.from_array(np.zeros((6, 40, 40)), "ZYX"))


def test_what_is_evaluated(sources: list, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", sources[:2])
    sets = find_sets(tmp_path / "set")
    assert [one.name for one in sets] == ["validation/cells-1", "train/cells-0"]  # held back first
    assert [(one.follow, one.planes) for one in sets] == [("no", (0, 1))] * 2
    scene = read_scene(sets[0])
    assert np.array_equal(scene.truth[1], np.asarray(sources[1].labels[4]))
    result = evaluate_scene(scene, [BaselineMethod("flood")], Options(most_clicks=5))
    assert len(result.results[0].clicks) == 3
    assert result.results[0].carried == ()


@pytest.mark.parametrize(("axes", "follow"), [("ZYX", "z"), ("TYX", "t")])
def test_frames_that_are_whole_are_followed(
    model: SAM2,
    stack: Make,
    disk: Callable[..., np.ndarray],
    axes: str,
    follow: str,
    tmp_path: Path,
) -> None:
    session = Session(stack(axes=axes), model)
    labels = np.stack([disk(12, 12 + f) + 2 * disk(28, 34, f) for f in range(6)])
    session.import_labels(labels)
    write_dataset(tmp_path / "set", [source_of(session)], frames="all")
    (one,) = find_sets(tmp_path / "set")
    assert (one.follow, one.planes) == (follow, (0,))
    assert read_scene(one).follow == follow


def test_channels_are_evaluated_as_they_were_shown(
    annotate: Annotate, image: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    original = Stack.from_array(image(0, np.uint8, (4,)), "ZYXC", channels=(2, 0))
    write_dataset(tmp_path / "set", [source_of(annotate(original))])
    table = tomllib.loads((tmp_path / "set/sets.toml").read_text())
    assert table["set"][0]["channels"] == [0, 1]
    (one,) = find_sets(tmp_path / "set")
    assert np.array_equal(read_scene(one).stack.plane(1), original.plane(4))


def test_names_become_folders(annotate: Annotate, stack: Make, tmp_path: Path) -> None:
    names = ["../../etc", "Zellen 1/2", "zellen-1-2", "...", "naïve"]
    sources = [source_of(annotate(stack(seed)), name) for seed, name in enumerate(names)]
    write_dataset(tmp_path / "a/set", sources, shares=Shares(0))
    found = {path.name for path in (tmp_path / "a/set/train").iterdir()}
    assert found == {"etc", "Zellen-1-2", "zellen-1-2-2", "stack", "naïve"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
