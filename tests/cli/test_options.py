from __future__ import annotations

import pytest
import typer

from napari_sam2.cli.options import (
    check_window,
    parse_channels,
    parse_frames,
    parse_intensity,
    parse_position,
)


def test_position() -> None:
    assert parse_position([]) == {}
    assert parse_position(["T=3", "c=1, Q=0"]) == {"T": 3, "C": 1, "Q": 0}


@pytest.mark.parametrize("text", ["T", "T=", "=3", "T=x", "T=-1", "", "T=1,,C=2"])
def test_bad_position(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not AXIS=INDEX; write for example T=3"):
        parse_position([text])


def test_position_twice() -> None:
    with pytest.raises(typer.BadParameter, match="'t=2' sets an axis for the second time"):
        parse_position(["T=1", "t=2"])


def test_channels() -> None:
    assert parse_channels(None) is None
    assert parse_channels("2, 0") == (2, 0)
    with pytest.raises(typer.BadParameter, match="'0;1' is not a list of channel numbers"):
        parse_channels("0;1")


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (None, None),
        ("3:6", range(3, 6)),
        ("3:", range(3, 10)),
        (":6", range(6)),
        (":", range(10)),
        ("7", range(7, 8)),
    ],
)
def test_frames(text: str | None, frames: range | None) -> None:
    assert parse_frames(text, 10) == frames


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:b", "is not a range of frames; write for example 10:20 for 10 to 19"),
        ("1:2:3", "is not a range of frames"),
        ("", "is not a range of frames"),
        ("-2:4", "is not a range of frames"),
        ("5:5", "is empty or outside the stack of 10 frames"),
        ("6:3", "is empty or outside"),
        ("4:11", "they count from 0 to 9, and the end is not included"),
        ("10", "is empty or outside"),
    ],
)
def test_bad_frames(text: str, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        parse_frames(text, 10)


def test_intensity() -> None:
    assert parse_intensity("Auto") == "auto"
    assert parse_intensity("none") is None
    assert parse_intensity("-1.5,4e3") == (-1.5, 4000.0)
    for text in ("bright", "1", "1,2,3"):
        with pytest.raises(typer.BadParameter, match="is not auto, none or LOW,HIGH"):
            parse_intensity(text)


def test_window() -> None:
    assert check_window(0) is None
    assert check_window(16) == 16
    for side in (15, 1, -20):
        with pytest.raises(typer.BadParameter, match="is too small to show an object"):
            check_window(side)
