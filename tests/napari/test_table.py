"""The table of objects: rows, selection, wishes, keys and speed, in a real Qt window."""

from __future__ import annotations

import math
import time

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLineEdit

from napari_sam2._napari.table import ObjectRow, ObjectTable
from napari_sam2._napari.table_model import Column

pytestmark = pytest.mark.gui

ROWS = (
    ObjectRow(1, "", (1.0, 0.0, 0.0, 1.0), 12, 0.75, 3),
    ObjectRow(2, "daughter", (0.0, 1.0, 0.0, 1.0), 7, 0.25, 6, locked=True),
    ObjectRow(5, "Anna", (0.0, 0.0, 1.0, 1.0)),
)


@pytest.fixture
def table(qtbot):
    table = ObjectTable()
    qtbot.addWidget(table)
    table.resize(360, 240)
    table.show()
    qtbot.waitExposed(table)
    table.show_rows(ROWS)
    return table


def cell(table, row, column):
    """Where a cell is on the screen."""
    index = table.view.model().index(row, column)
    return table.view.visualRect(index).center()


def texts(table, column=Column.ID):
    model = table.view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def click(qtbot, table, row, column, modifier=Qt.KeyboardModifier.NoModifier):
    place = cell(table, row, column)
    qtbot.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def focus(table, qtbot):
    table.activateWindow()
    table.view.setFocus()
    qtbot.waitUntil(table.view.hasFocus)


def test_rows_show_id_name_frames_and_lowest_confidence(table) -> None:
    assert texts(table) == ["1", "2", "5"]
    assert texts(table, Column.NAME) == ["", "daughter", "Anna"]
    assert texts(table, Column.FRAMES) == ["12", "7", "0"]
    assert texts(table, Column.LOWEST) == ["0.75", "0.25", ""]
    tip = table.view.model().index(1, Column.NAME).data(Qt.ItemDataRole.ToolTipRole)
    assert "Object 2, daughter: found on 7 frames." in tip
    assert "0.25, on frame 6" in tip
    assert "Locked" in tip


def test_color_of_the_object_is_drawn_in_its_row(table) -> None:
    icon = table.view.model().index(2, Column.ID).data(Qt.ItemDataRole.DecorationRole)
    assert icon.pixmap(14, 14).toImage().pixelColor(7, 7).getRgb() == (0, 0, 255, 255)


def test_click_selects_and_says_so_once(table, qtbot) -> None:
    said = []
    table.selected.connect(said.append)
    click(qtbot, table, 1, Column.FRAMES)
    assert said == [2]
    assert table.selected_ids == (2,)
    table.select(5)  # from outside: nothing is said
    assert (said, table.selected_ids, table.current_id) == ([2], (5,), 5)


def test_selection_stays_when_rows_are_shown_anew(table) -> None:
    table.select(2)
    table.show_rows([ROWS[1], ObjectRow(9)])
    assert (table.selected_ids, table.current_id) == ((2,), 2)
    table.show_rows([ObjectRow(9)])
    assert table.selected_ids == ()


def test_one_row_is_shown_anew_without_a_reset(table, qtbot) -> None:
    model = table.view.model()
    resets, changes = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.dataChanged.connect(lambda top, bottom, *_: changes.append((top.row(), bottom.row())))
    table.update_rows(ObjectRow(2, "mother", ROWS[1].color, 8, 0.5, 1))
    assert texts(table, Column.NAME) == ["", "mother", "Anna"]
    assert changes == [(1, 1)]
    table.update_rows(ObjectRow(7, "new"))
    table.remove_row(1)
    assert (texts(table), resets) == (["2", "5", "7"], [])


def test_sorting_by_confidence_puts_the_worst_first(table, qtbot) -> None:
    table.view.sortByColumn(Column.LOWEST, Qt.SortOrder.AscendingOrder)
    assert texts(table) == ["2", "1", "5"]  # without a mask: last
    table.select(1)
    assert table.selected_ids == (1,)
    table.update_rows(ObjectRow(1, lowest=0.1, lowest_frame=4))
    assert (texts(table), table.selected_ids) == (["1", "2", "5"], (1,))


def test_name_is_edited_in_place_and_asked_for(table, qtbot) -> None:
    table.select(1)
    focus(table, qtbot)
    with qtbot.waitSignal(table.rename_asked) as asked:
        qtbot.keyClick(table.view, Qt.Key.Key_F2)
        editor = table.view.findChild(QLineEdit)
        assert editor is not None
        qtbot.keyClicks(editor, "  cell A ")
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert asked.args == [1, "cell A"]
    assert texts(table, Column.NAME)[0] == ""  # it changes when it is told to


def test_click_on_the_padlock_asks_for_the_lock(table, qtbot) -> None:
    with qtbot.waitSignal(table.lock_asked) as asked:
        click(qtbot, table, 0, Column.LOCK)
    assert asked.args == [1, True]
    with qtbot.waitSignal(table.lock_asked) as asked:
        click(qtbot, table, 1, Column.LOCK)
    assert asked.args == [2, False]


def test_keys_delete_lock_split_and_go(table, qtbot) -> None:
    said = []
    table.delete_asked.connect(lambda ids: said.append(("delete", ids)))
    table.lock_asked.connect(lambda i, on: said.append(("lock", i, on)))
    table.split_asked.connect(lambda i: said.append(("split", i)))
    table.activated.connect(lambda i: said.append(("go", i)))
    table.select(1)
    focus(table, qtbot)
    for key in (Qt.Key.Key_Delete, Qt.Key.Key_L, Qt.Key.Key_S, Qt.Key.Key_Return):
        qtbot.keyClick(table.view, key)
    assert said == [("delete", (1,)), ("lock", 1, True), ("split", 1), ("go", 1)]


def test_several_objects_are_merged_unless_one_is_locked(table, qtbot) -> None:
    click(qtbot, table, 0, Column.FRAMES)
    click(qtbot, table, 2, Column.FRAMES, Qt.KeyboardModifier.ControlModifier)
    assert table.selected_ids == (1, 5)
    assert table.merge.text() == "Merge 2 objects"
    with qtbot.waitSignal(table.merge_asked) as asked:
        table.merge.trigger()
    assert asked.args == [(1, 5)]
    click(qtbot, table, 1, Column.FRAMES, Qt.KeyboardModifier.ControlModifier)
    assert not table.merge.isEnabled()
    assert not table.delete.isEnabled()
    assert table.lock.text() == "Lock"  # not all of them are


def test_menu_offers_what_makes_sense(table) -> None:
    table.select(2)
    menu = table.make_menu()
    offered = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
    assert offered == {
        "Go to": True,
        "Rename": True,
        "Unlock": True,
        "Split here": False,
        "Merge": False,
        "Delete": False,
    }
    menu.deleteLater()


def test_nothing_can_be_asked_without_a_selection(qtbot) -> None:
    table = ObjectTable()
    qtbot.addWidget(table)
    assert not any(action.isEnabled() for action in table._actions)


def test_double_click_goes_to_the_object(table, qtbot) -> None:
    with qtbot.waitSignal(table.activated) as asked:
        place = cell(table, 2, Column.FRAMES)
        viewport = table.view.viewport()
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == [5]


def test_a_thousand_objects_stay_fast(table, qtbot) -> None:
    rows = [
        ObjectRow(i, f"cell {i}", (0.1, 0.5, 0.9, 1.0), i, (i % 90) / 100, 1)
        for i in range(1, 1001)
    ]
    table.view.sortByColumn(Column.LOWEST, Qt.SortOrder.AscendingOrder)
    begin = time.perf_counter()
    table.show_rows(rows)
    table.view.viewport().repaint()
    shown = time.perf_counter() - begin
    begin = time.perf_counter()
    for i in range(1, 51):
        table.update_rows(ObjectRow(i, "x", (0.1, 0.5, 0.9, 1.0), i, math.nan))
    updated = (time.perf_counter() - begin) / 50
    assert shown < 1.0
    assert updated < 0.02
    assert table.view.indexAt(QPoint(5, 5)).isValid()
