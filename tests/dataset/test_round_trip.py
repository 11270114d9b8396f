"""Session to set to session: the same masks, ids, names and frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_sam2 import Point, Session, Stack, open_stack
from napari_sam2.dataset import (
    decode_rle,
    open_original,
    read_dataset,
    session_from,
    source_of,
    source_of_saved,
    write_dataset,
)
from napari_sam2.dataset.coco import read_pages
from napari_sam2.errors import DatasetError
from napari_sam2.stack import save_labels

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.model.network import SAM2

Annotate = Callable[[Stack], Session]
Make = Callable[..., Stack]


def test_a_session_comes_back_on_the_images_of_the_set(
    annotate: Annotate, stack: Make, model: SAM2, tmp_path: Path
) -> None:
    before = annotate(stack())
    write_dataset(tmp_path / "set", [source_of(before)])
    (read,) = read_dataset(tmp_path / "set")
    assert (read.frames, read.split, read.name) == ((1, 4), "train", "stack")
    assert read.names == {3: "mother", 70000: ""}
    after = session_from(read, model)
    assert after.object_ids == (3, 70000)
    assert (after.name(3), after.name(70000)) == ("mother", "")
    for page, frame in enumerate(read.frames):
        assert np.array_equal(after.labels[page], before.labels[frame])
        assert np.array_equal(read.plane(page), before.stack.plane(frame))
        for i in after.object_ids:
            assert np.array_equal(after.mask(i, page), before.mask(i, frame))
    assert after.accepted_frames(3) == {0, 1}
    assert after.accepted_frames(70000) == {1}
    assert after.pending(3) == []
    assert after.pending(70000) == [0]  # nobody said that it is not there
    assert after.intensity == before.intensity


def test_a_session_comes_back_on_the_original_image(
    annotate: Annotate, stack: Make, model: SAM2, tmp_path: Path
) -> None:
    before = annotate(stack())
    write_dataset(tmp_path / "set", [source_of(before, "cells")])
    (read,) = read_dataset(tmp_path / "set")
    after = session_from(read, model, before.stack, window_side=32)
    assert after.window_side == 32
    assert np.array_equal(after.labels, before.labels)
    for i in before.object_ids:
        assert after.prompts(i).keys() == before.prompts(i).keys()
        assert after.pending(i) == before.pending(i)
    assert len(list(after.propagate())) == sum(len(before.pending(i)) for i in (3, 70000))


def test_a_set_of_a_session_of_a_set_is_the_same(
    annotate: Annotate, stack: Make, model: SAM2, tmp_path: Path
) -> None:
    session = annotate(stack())
    write_dataset(tmp_path / "first", [source_of(session)])
    (read,) = read_dataset(tmp_path / "first")
    write_dataset(tmp_path / "second", [source_of(session_from(read, model, session.stack))])
    (again,) = read_dataset(tmp_path / "second")
    assert again.frames == read.frames
    assert [o.known for o in again.sheet.objects] == [o.known for o in read.sheet.objects]
    assert read_pages(tmp_path / "second/train.json") == read_pages(tmp_path / "first/train.json")


def test_all_frames_of_a_saved_session(
    annotate: Annotate, stack: Make, image: Callable[..., np.ndarray], model: SAM2, tmp_path: Path
) -> None:
    save_labels(tmp_path / "cells.tif", image(), "ZYX", {"Z": 2.0, "Y": 0.5, "X": 0.25})
    before = annotate(open_stack(tmp_path / "cells.tif"))
    list(before.propagate())
    before.save(tmp_path / "session")
    source = source_of_saved(tmp_path / "session", open_stack(tmp_path / "cells.tif"))
    write_dataset(tmp_path / "set", [source], frames="all")
    (read,) = read_dataset(tmp_path / "set")
    there = np.flatnonzero(np.asarray(before.labels).any(axis=(1, 2)))
    assert set(there) <= set(read.frames)
    after = session_from(read, model, open_original(read.sheet, tmp_path / "cells.tif"))
    assert np.array_equal(after.labels, before.labels)
    assert after.name(3) == "mother"
    after.save(tmp_path / "after")
    loaded = Session.load(tmp_path / "after", before.stack, model)
    assert np.array_equal(loaded.labels, before.labels)


def test_masks_in_coco_are_the_labels(
    annotate: Annotate, stack: Make, disk: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    write_dataset(tmp_path / "set", [source_of(annotate(stack()))])
    first, second = read_pages(tmp_path / "set/train.json")["stack"]
    assert (first.frame, first.not_annotated) == (1, (70000,))
    assert (second.frame, second.not_annotated) == (4, ())
    assert [mask.object_id for mask in second.masks] == [3, 70000]
    assert np.array_equal(decode_rle(second.masks[0].rle), disk(14, 13))
    assert second.masks[0].box == (7, 6, 22, 21)


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int16, np.float32, np.float64, np.float16, np.int64, bool]
)
def test_every_number_type_comes_back(
    annotate: Annotate, stack: Make, dtype: type, tmp_path: Path
) -> None:
    session = annotate(stack(1, dtype))
    write_dataset(tmp_path / "set", [source_of(session)])
    (read,) = read_dataset(tmp_path / "set")
    assert read.plane(0).dtype == dtype
    assert np.array_equal(read.plane(1), session.stack.plane(4))


@pytest.mark.parametrize(
    ("axes", "size", "channels"),
    [
        ("ZYXS", 3, None),
        ("ZYXC", 2, (0, 1)),
        ("ZYXC", 4, (2, 0, 3)),
        ("ZYXC", 3, (1,)),
        ("ZYXS", 4, (3, 1)),
    ],
)
def test_channels_come_back_in_the_order_in_which_they_were_shown(
    annotate: Annotate,
    image: Callable[..., np.ndarray],
    model: SAM2,
    axes: str,
    size: int,
    channels: tuple[int, ...] | None,
    tmp_path: Path,
) -> None:
    original = Stack.from_array(image(2, np.uint8, (size,)), axes, channels=channels)
    session = annotate(original)
    write_dataset(tmp_path / "set", [source_of(session)])
    (read,) = read_dataset(tmp_path / "set")
    assert read.sheet.channels == original.channels
    for page, frame in enumerate(read.frames):
        assert np.array_equal(read.plane(page), original.plane(frame))
    assert session_from(read, model).stack.n_channels == original.n_channels
    assert np.array_equal(session_from(read, model, original).labels, session.labels)


def test_a_time_lapse(annotate: Annotate, stack: Make, model: SAM2, tmp_path: Path) -> None:
    session = annotate(stack(axes="TYX"))
    write_dataset(tmp_path / "set", [source_of(session)])
    (read,) = read_dataset(tmp_path / "set")
    assert (read.image.propagation_axis, read.label_stack.propagation_axis) == ("T", "T")
    assert read.image.scale == pytest.approx({"T": 90.0, "Y": 0.5, "X": 0.25})  # frames 1 and 4
    assert np.array_equal(session_from(read, model).labels[1], session.labels[4])


def test_frames_along_the_channels(
    annotate: Annotate, image: Callable[..., np.ndarray], model: SAM2, tmp_path: Path
) -> None:
    save_labels(tmp_path / "spectrum.tif", image(), "CYX")
    session = annotate(open_stack(tmp_path / "spectrum.tif", propagation_axis="C"))
    (read,) = _read(session, tmp_path / "set")
    original = open_original(read.sheet, tmp_path / "spectrum.tif")
    assert np.array_equal(session_from(read, model, original).labels, session.labels)


def test_one_frame_of_one_plane(model: SAM2, tmp_path: Path) -> None:
    plane = np.random.default_rng(0).integers(0, 255, (40, 48)).astype(np.uint8)
    session = Session(Stack.from_array(plane, "YX"), model)
    session.import_labels(np.eye(40, 48, dtype=int), 0)
    write_dataset(tmp_path / "set", [source_of(session)])
    (read,) = read_dataset(tmp_path / "set")
    assert np.array_equal(read.labels(0), np.eye(40, 48))
    assert np.array_equal(session_from(read, model).labels, session.labels)


def test_an_accepted_absence_comes_back(
    annotate: Annotate, stack: Make, model: SAM2, tmp_path: Path
) -> None:
    session = annotate(stack())
    first = session_from(*_read(session, tmp_path / "first"), model, session.stack)
    labels = np.where(np.asarray(first.labels) == 3, 1, 0)
    other = Session(session.stack, model)
    other.import_labels(labels)
    other.accept(1, 0)  # nothing is there
    (read,) = _read(other, tmp_path / "second")
    assert read.frames == (0, 1)
    after = session_from(read, model, session.stack)
    assert after.is_accepted(1, 0)
    assert not after.mask(1, 0).any()
    assert after.pending(1) == [2, 3, 4, 5]


def _read(session: Session, folder: Path) -> tuple:
    write_dataset(folder, [source_of(session)])
    return tuple(read_dataset(folder))


def test_another_image_is_refused(
    annotate: Annotate, stack: Make, model: SAM2, tmp_path: Path
) -> None:
    (read,) = _read(annotate(stack()), tmp_path / "set")
    with pytest.raises(DatasetError, match="frame 1 of the array is not that of train/stack"):
        session_from(read, model, stack(seed=1))
    with pytest.raises(DatasetError, match=r"has shape \(3, 40, 48\), train/stack was made on"):
        session_from(read, model, Stack.from_array(np.zeros((3, 40, 48)), "ZYX"))


def test_clicks_are_counted(model: SAM2, disk: Callable[..., np.ndarray], tmp_path: Path) -> None:
    planes = np.stack([np.where(disk(20, 20), 200, 20)] * 4).astype(np.uint8)
    session = Session(planes, model)
    session.add_prompt(1, Point(2, (20, 20)), Point(2, (3, 40), positive=False))
    (read,) = _read(session, tmp_path / "set")
    assert read.sheet.objects[0].prompts == {2: {"Point": 2}}
    (annotation,) = json.loads((tmp_path / "set/train.json").read_text())["annotations"]
    assert (annotation["prompts"], annotation["accepted"]) == ({"Point": 2}, False)
