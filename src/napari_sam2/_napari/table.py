"""The table of objects: colour, id, name, frames, lowest confidence and lock, with a menu and keys."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QItemSelectionModel, QPoint, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QVBoxLayout, QWidget

from napari_sam2._napari.lock_mark import LockDelegate
from napari_sam2._napari.table_model import SORT_ROLE, Column, ObjectModel, ObjectRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["ObjectRow", "ObjectTable"]

_WIDTHS = {Column.ID: 62, Column.FRAMES: 56, Column.LOWEST: 62, Column.LOCK: 44}
_ROW_HEIGHT = 24


class ObjectTable(QWidget):
    """Show the objects, and ask for what the user wants with them.

    Nothing is changed here: every wish is a signal, and the rows show what they are told.

    Attributes
    ----------
    selected : Signal(int)
        The user went to the row of this object.
    activated : Signal(int)
        Double click or Enter: go to this object.
    rename_asked : Signal(int, str)
        This object shall have this name.
    delete_asked, merge_asked : Signal(object)
        These objects (a tuple of int) shall go, or become one.
    lock_asked : Signal(int, bool)
        This object shall be locked, or not any more.
    split_asked : Signal(int)
        This object shall be split at the place that is looked at.
    """

    selected = Signal(int)
    activated = Signal(int)
    rename_asked = Signal(int, str)
    delete_asked = Signal(object)
    merge_asked = Signal(object)
    lock_asked = Signal(int, bool)
    split_asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self._build()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self._connect()
        self._allow()

    # build, lay out, connect

    def _build(self) -> None:
        self._model = ObjectModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(SORT_ROLE)
        self.view = _make_view(self._sorted, self)
        self._selection: Any = self.view.selectionModel()
        self._viewport: Any = self.view.viewport()
        self.go_to = self._action("Go to", "Return", "Show the middle of this object.")
        self.rename = self._action("Rename", "F2", "Give this object a name.")
        self.lock = self._action("Lock", "L", "A locked object is not changed by anything.")
        self.split = self._action(
            "Split here", "S", "The part at the place you look at becomes an object of its own."
        )
        self.merge = self._action("Merge", "M", "The selected objects become one.")
        self.delete = self._action("Delete", "Del", "Take the selected objects away.")
        self.view.addActions(self._actions)

    @property
    def _actions(self) -> list[QAction]:
        return [self.go_to, self.rename, self.lock, self.split, self.merge, self.delete]

    def _action(self, text: str, key: str, tip: str) -> QAction:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(key))
        # of the view alone: in the editor of a name, Enter and letters belong to the name
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.setToolTip(tip)
        return action

    def _connect(self) -> None:
        selection = self._selection
        selection.currentRowChanged.connect(self._on_current)
        selection.selectionChanged.connect(self._allow)
        self._model.rename_asked.connect(self.rename_asked)
        self._model.lock_asked.connect(self.lock_asked)
        self.view.doubleClicked.connect(self._on_double_click)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.go_to.triggered.connect(lambda: self._with_current(self.activated.emit))
        self.rename.triggered.connect(self._edit_name)
        self.lock.triggered.connect(self._ask_lock)
        self.split.triggered.connect(lambda: self._with_current(self.split_asked.emit))
        self.merge.triggered.connect(lambda: self.merge_asked.emit(self.selected_ids))
        self.delete.triggered.connect(lambda: self.delete_asked.emit(self.selected_ids))

    # what others set and read

    def show_rows(self, rows: Sequence[ObjectRow]) -> None:
        """Show these objects and no others; the selection stays where it can."""
        chosen, current = set(self.selected_ids), self.current_id
        with self._quietly():
            self._model.set_rows(rows)
            selection = self._selection
            flags = QItemSelectionModel.SelectionFlag
            for object_id in chosen:
                if (index := self._index(object_id)) is not None:
                    selection.select(index, flags.Select | flags.Rows)
            if current is not None and (index := self._index(current)) is not None:
                selection.setCurrentIndex(index, flags.NoUpdate)
        self._allow()

    def update_rows(self, *rows: ObjectRow) -> None:
        """Show some objects anew, or add them; the other rows stay untouched."""
        for row in rows:
            self._model.update_row(row)
        self._allow()

    def remove_row(self, object_id: int) -> None:
        """Show an object no more."""
        with self._quietly():
            self._model.remove_row(object_id)
        self._allow()

    def select(self, object_id: int) -> None:
        """Go to the row of an object, without saying so."""
        index = self._index(object_id)
        if index is None or (object_id == self.current_id and object_id in self.selected_ids):
            return
        with self._quietly():
            self.view.selectRow(index.row())
            self.view.scrollTo(index)

    @property
    def current_id(self) -> int | None:
        """The object whose row has the focus."""
        index = self.view.currentIndex()
        return self._id_at(index) if index.isValid() else None

    @property
    def selected_ids(self) -> tuple[int, ...]:
        """The selected objects, ascending."""
        rows = self._selection.selectedRows()
        return tuple(sorted(self._id_at(index) for index in rows))

    # slots

    def _on_current(self, index: Any, _before: Any = None) -> None:
        if index.isValid() and not self._quiet:
            self.selected.emit(self._id_at(index))

    def _on_double_click(self, index: Any) -> None:
        if index.column() not in (Column.NAME, Column.LOCK):
            self.activated.emit(self._id_at(index))

    def _edit_name(self) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            self.view.edit(index.siblingAtColumn(Column.NAME))

    def _ask_lock(self) -> None:
        on = not self._all_locked
        for object_id in self.selected_ids:
            if self._model.row_of(object_id).locked != on:
                self.lock_asked.emit(object_id, on)

    def _with_current(self, wish: Callable[[int], object]) -> None:
        object_id = self.current_id
        if object_id is not None:
            wish(object_id)

    def _open_menu(self, place: QPoint) -> None:
        self.make_menu().popup(self._viewport.mapToGlobal(place))

    def make_menu(self) -> QMenu:
        """Make the menu that the right button opens."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addActions(self._actions[:-1])
        menu.addSeparator()
        menu.addAction(self.delete)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _allow(self, *_: Any) -> None:
        """Enable what makes sense with the selection."""
        ids = self.selected_ids
        free = [i for i in ids if not self._model.row_of(i).locked]
        one = len(ids) == 1
        self.go_to.setEnabled(one)
        self.rename.setEnabled(one)
        self.lock.setEnabled(bool(ids))
        self.lock.setText("Unlock" if self._all_locked else "Lock")
        self.split.setEnabled(one and bool(free))
        self.merge.setEnabled(len(ids) > 1 and len(free) == len(ids))
        self.merge.setText(f"Merge {len(ids)} objects" if len(ids) > 1 else "Merge")
        self.delete.setEnabled(bool(ids) and len(free) == len(ids))
        self.delete.setText(f"Delete {len(ids)} objects" if len(ids) > 1 else "Delete")

    # inside

    @property
    def _all_locked(self) -> bool:
        ids = self.selected_ids
        return bool(ids) and all(self._model.row_of(i).locked for i in ids)

    def _id_at(self, index: Any) -> int:
        return self._model.row_at(self._sorted.mapToSource(index).row()).object_id

    def _index(self, object_id: int) -> Any:
        index = self._model.index_of(object_id)
        return None if index is None else self._sorted.mapFromSource(index)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Move the selection without saying so."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before


def _make_view(model: Any, parent: QWidget) -> QTableView:
    view = QTableView(parent)
    view.setModel(model)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    view.setSortingEnabled(True)
    view.sortByColumn(Column.ID, Qt.SortOrder.AscendingOrder)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setToolTip("One row per object. Enter goes there; the right button opens a menu.")
    rows: Any = view.verticalHeader()
    columns: Any = view.horizontalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    rows.setDefaultSectionSize(_ROW_HEIGHT)
    rows.setMinimumSectionSize(_ROW_HEIGHT)
    columns.setMinimumSectionSize(30)
    columns.setHighlightSections(False)
    for column in Column:
        columns.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        if column in _WIDTHS:
            view.setColumnWidth(column, _WIDTHS[column])
    columns.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
    columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    view.setItemDelegateForColumn(Column.LOCK, LockDelegate(view))
    return view
