from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_sam2.cli.following import group, stages
from napari_sam2.cli.prompt_file import check_requests, key_of, read_prompts
from napari_sam2.errors import PromptError, SessionError
from napari_sam2.prompts import Box, MaskPrompt, Point

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "object_id,frame,type,y,x,y2,x2,positive\n"


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "prompts.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_points_and_boxes(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEADER + "1,3,point,140.0,88.5,,,true\n\n1,3,point,10,20,,,No\n2,0,box,9,8,3,4,\n",
    )
    requests = read_prompts(path)
    assert [r.object_id for r in requests] == [1, 1, 2]
    assert [r.prompt for r in requests] == [
        Point(3, (140.0, 88.5)),
        Point(3, (10.0, 20.0), positive=False),
        Box(0, (3.0, 4.0), (9.0, 8.0)),
    ]
    assert requests[1].where == f"{path} line 4"


def test_few_columns_in_any_order_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path, "x, y, Frame, object_id, note\n1, 2, 3.0, 4, dim\n")
    [request] = read_prompts(path)
    assert (request.object_id, request.prompt) == (4, Point(3, (2.0, 1.0)))


def test_type_is_seen_from_the_second_corner(tmp_path: Path) -> None:
    path = write(tmp_path, "object_id,frame,y,x,y2,x2\n1,0,1,2,5,6\n1,1,3,4,,\n")
    assert [type(r.prompt) for r in read_prompts(path)] == [Box, Point]


def test_a_european_spreadsheet(tmp_path: Path) -> None:
    path = write(tmp_path, "object_id;frame;y;x\r\n1;0;140,5;88\r\n", "utf-8-sig")
    assert read_prompts(path)[0].prompt == Point(0, (140.5, 88.0))


def test_tabs(tmp_path: Path) -> None:
    path = write(tmp_path, "object_id\tframe\ty\tx\n1\t0\t5\t6\n")
    assert read_prompts(path)[0].prompt == Point(0, (5.0, 6.0))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,3,point,abc,88,,,", "line 2, column y: 'abc' is not a number; write the row in data"),
        ("1,3,point,5,,,,", "line 2, column x: the empty value is not a number; write the column"),
        ("1,3,point,5,nan,,,", "line 2, column x: 'nan' is not a number"),
        ("1,3,point,inf,5,,,", "line 2, column y: 'inf' is not a number"),
        ("one,3,point,5,5,,,", "line 2, column object_id: 'one' is not an object; write a whole"),
        ("1.5,3,point,5,5,,,", "line 2, column object_id: '1.5' is not an object"),
        ("1,3.5,point,5,5,,,", "line 2, column frame: '3.5' is not a frame; write a whole number"),
        ("1,-1,point,5,5,,,", "line 2: frame -1 is not a frame; frames are whole numbers from 0"),
        ("1,3,circle,5,5,,,", "line 2, column type: 'circle' is not a kind of prompt; write point"),
        ("1,3,point,5,5,9,,", "line 2, column y2: '9' belongs to a box; write type box"),
        ("1,3,box,5,5,9,,", "line 2, column x2: the empty value is not a number"),
        ("1,3,box,5,5,9,5,", "line 2: box from .* has no extent"),
        ("1,3,box,5,5,9,9,no", "line 2, column positive: 'no' does not fit a box"),
        ("1,3,point,5,5,,,maybe", "line 2, column positive: 'maybe' is neither true nor false"),
        ("1,3,point,5,5,,,true,7", "line 2: 9 values in 8 columns"),
        ("1,3", "line 2, column y: the empty value is not a number"),
    ],
)
def test_bad_rows_name_line_column_value_and_remedy(tmp_path: Path, row: str, message: str) -> None:
    path = write(tmp_path, HEADER + row + "\n")
    with pytest.raises(PromptError, match=message) as caught:
        read_prompts(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).count(str(path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: column.s. object_id, frame, y, x are missing"),
        ("object_id,frame,y\n", "line 1: column.s. x are missing; the first line must name"),
        ("1,3,140,88\n", "line 1: column '1' is unknown"),
        ("object_id,framee,y,x\n", "'framee' is unknown; did you mean 'frame'"),
        ("object_id,frame,y,x,x\n", "line 1: column 'x' appears twice; remove one"),
        ("object_id,frame,y,x\n", "holds no prompt; write one row per click or box"),
    ],
)
def test_bad_headers(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        read_prompts(write(tmp_path, text))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"nowhere.csv does not exist; check the name"):
        read_prompts(tmp_path / "nowhere.csv")
    path = write(tmp_path, "object_id,frame,y,x,note\n1,0,5,5,Kern groß\n", "latin-1")
    with pytest.raises(PromptError, match="save the table as 'CSV UTF-8'"):
        read_prompts(path)
    with pytest.raises(SessionError, match="is not a saved session"):
        read_prompts(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,8,point,5,5,,,", "line 2: frame 8 is outside the stack .0 to 7."),
        ("0,0,point,5,5,,,", "line 2: object_id 0 is not an object; ids are whole numbers from 1"),
        ("1,0,point,5,5,,,\n1,0,point,64,5,,,", "line 3: point at .64.0, 5.0. lies outside"),
        ("1,0,box,5,5,9,9,\n1,0,box,5,5,8,8,", "line 3: two boxes for one object on one frame"),
        ("1,0,point,5,5,,,\n2,0,point,5,5,,,no", "line 3: object 2 has negative points only"),
    ],
)
def test_prompts_that_do_not_fit_the_stack(tmp_path: Path, rows: str, message: str) -> None:
    requests = read_prompts(write(tmp_path, HEADER + rows + "\n"))
    with pytest.raises(PromptError, match=message):
        check_requests(requests, 8, (64, 64))


def test_prompts_of_one_object_on_one_frame_go_together(tmp_path: Path) -> None:
    rows = "1,3,,5,5,,,\n2,3,,6,6,,,\n1,3,,7,7,,,no\n1,0,,8,8,,,\n"
    groups = group(read_prompts(write(tmp_path, HEADER + rows)))
    assert groups == {
        (1, 3): (Point(3, (5.0, 5.0)), Point(3, (7.0, 7.0), positive=False)),
        (2, 3): (Point(3, (6.0, 6.0)),),
        (1, 0): (Point(0, (8.0, 8.0)),),
    }


def test_frames_with_negative_points_alone_are_corrections() -> None:
    shown = {
        (1, 3): (Point(3, (5, 5)), Point(3, (7, 7), positive=False)),
        (2, 0): (Box(0, (1, 1), (2, 2)),),
    }
    corrections = {(1, 5): (Point(5, (7, 7), positive=False),)}
    assert stages(shown) == [shown]
    assert stages({**corrections, **shown}) == [shown, corrections]


def test_equal_masks_have_equal_keys() -> None:
    mask = np.eye(3, dtype=bool)
    assert key_of(MaskPrompt(1, mask)) == key_of(MaskPrompt(1, mask.copy()))
    assert key_of(MaskPrompt(1, mask)) != key_of(MaskPrompt(1, ~mask))
    assert key_of(MaskPrompt(1, mask)) != key_of(MaskPrompt(1, mask, refine=True))
    assert key_of(Point(0, (1, 2))) == key_of(Point(0, (1.0, 2.0)))
