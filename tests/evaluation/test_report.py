from __future__ import annotations

import json

import numpy as np
import pytest

from napari_sam2.evaluation import Options, evaluate_scene
from napari_sam2.evaluation.figure import draw_figure, rows_of
from napari_sam2.evaluation.lettering import LETTERS, write
from napari_sam2.evaluation.report import as_json, as_markdown, tables


@pytest.fixture
def results(balls, family, perfect):
    """Two sets, one method."""
    return [evaluate_scene(scene, [perfect(2)], Options()) for scene in (balls, family)]


def test_tables(results) -> None:
    made = tables(results, 10)
    assert [len(table.rows) for table in made] == [2, 2, 2, 2, 1]
    for table in made:
        assert all(len(row) == len(table.columns) for row in table.rows)
    one = dict(zip(made[0].columns, made[0].rows[0], strict=True))
    ious = [r.ious[0] for r in results[0].results[0].clicks]
    assert (one["set"], one["method"], one["n"]) == ("discs", "perfect", "2")
    assert one["median"] == f"{np.median(ious):.2f}"
    assert one["best of 3"] == "1.00"
    more = dict(zip(made[1].columns, made[1].rows[0], strict=True))
    assert (more["2"], more["box"], more["to 0.8"]) == ("1.00", "1.00", "2")
    corrected = dict(zip(made[3].columns, made[3].rows[0], strict=True))
    assert (corrected["corrected"], corrected["gone"]) == ("1.00", "100 %")
    tracks = dict(zip(made[4].columns, made[4].rows[0], strict=True))
    assert tracks["n"] == "4"
    assert float(tracks["SEG"]) < float(tracks["SEG+"]) == 1


def test_tables_without_rows_are_left_out(balls, perfect) -> None:
    result = evaluate_scene(balls, [perfect()], Options(carry=False))
    assert len(tables([result], 10)) == 2


def test_markdown(results) -> None:
    made = tables(results, 10)
    text = as_markdown(made)
    assert text.count("## ") == 5
    assert f"| {' | '.join(made[0].rows[1])} |" in text


def test_json_has_everything_and_no_nan(results) -> None:
    content = as_json(results, Options(), {"model": None})
    text = json.dumps(content, allow_nan=False)
    assert json.loads(text) == content
    assert [one["name"] for one in content["sets"]] == ["discs", "discs"]
    result = content["sets"][1]["results"][0]
    assert set(result) == {*("method", "seconds", "clicks", "frames", "tracks", "tracks corrected")}
    assert len(result["frames"]["objects"]) == 4
    assert result["frames"]["objects"][0]["correction"]["positive"] is True
    assert result["clicks"]["summary"]["iou after 2"]["median"] == 1
    assert result["tracks"]["edits"]["add_node"] > 0


def test_the_figure_shows_three_cases_in_every_row(balls, results) -> None:
    rows = rows_of(balls, results[0].results[0])
    assert len(rows) == 2
    picture = draw_figure(rows)
    assert picture.dtype == np.uint8
    assert picture.shape == (2 * rows[0].shape[0], *rows[0].shape[1:])
    amber = (picture[..., 0] > 200) & (picture[..., 2] < 80)
    white = (picture > 200).all(axis=-1)
    for third in np.array_split(np.arange(picture.shape[1]), 3):
        assert amber[:, third].any()
        assert white[:, third].any()


def test_many_rows_stand_in_two_columns(balls, results) -> None:
    rows = rows_of(balls, results[0].results[0])
    height, width = rows[0].shape[:2]
    assert draw_figure(rows * 2 + rows[:1]).shape == (3 * height, 2 * width, 3)


def test_every_letter_is_drawn_and_the_rest_cut_off() -> None:
    seen = set()
    for letter in LETTERS:
        canvas = np.zeros((14, 10, 3))
        write(canvas, letter.lower(), 2, 2)
        assert canvas[2:12, 2:8].any()
        seen.add(canvas.tobytes())
    assert len(seen) == len(LETTERS)
    canvas = np.zeros((5, 5, 3))
    write(canvas, "88888", 2, 2)
    assert not canvas[:2].any()
