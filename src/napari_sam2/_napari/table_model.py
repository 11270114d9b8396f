"""The rows of the table of objects, as Qt reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SORT_ROLE", "Column", "ObjectModel", "ObjectRow"]

SORT_ROLE = int(Qt.ItemDataRole.UserRole.value)
_SWATCH = 14


class Column(IntEnum):
    """What the columns show."""

    ID = 0
    NAME = 1
    FRAMES = 2
    LOWEST = 3
    LOCK = 4


_TITLES = {
    Column.ID: ("Id", "Its value in the labels, and its colour."),
    Column.NAME: ("Name", "Double click, or F2, to name an object."),
    Column.FRAMES: ("Frames", "On how many frames it was found."),
    Column.LOWEST: ("Lowest", "Its lowest confidence, 0 to 1. Click here to sort."),
    Column.LOCK: ("Lock", "A locked object is not changed by anything."),
}


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object, as the table shows it.

    Parameters
    ----------
    object_id : int
        Its value in the labels.
    name : str
        "" until it was named.
    color : tuple of float
        RGBA, 0 to 1.
    n_frames : int
        On how many frames it was found.
    lowest : float
        Its lowest confidence, 0 to 1; NaN where it has no mask.
    lowest_frame : int
        The frame of that; -1 for none.
    locked : bool
        Whether it is protected.
    """

    object_id: int
    name: str = ""
    color: tuple[float, ...] = (0.5, 0.5, 0.5, 1.0)
    n_frames: int = 0
    lowest: float = math.nan
    lowest_frame: int = -1
    locked: bool = False


class ObjectModel(QAbstractTableModel):
    """Rows of objects; wishes of the user are signals, the rows change only from outside.

    Attributes
    ----------
    rename_asked : Signal(int, str)
        A name was typed.
    lock_asked : Signal(int, bool)
        A lock was clicked.
    """

    rename_asked = Signal(int, str)
    lock_asked = Signal(int, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ObjectRow] = []
        self._place: dict[int, int] = {}
        self._icons: dict[tuple[float, ...], QIcon] = {}

    # what others set and read

    def set_rows(self, rows: Sequence[ObjectRow]) -> None:
        """Show these rows and no others."""
        self.beginResetModel()
        self._rows = list(rows)
        self._find_places()
        self.endResetModel()

    def update_row(self, row: ObjectRow) -> None:
        """Show a row anew, or add it at the end."""
        place = self._place.get(row.object_id)
        if place is None:
            place = len(self._rows)
            self.beginInsertRows(QModelIndex(), place, place)
            self._rows.append(row)
            self._place[row.object_id] = place
            self.endInsertRows()
        elif self._rows[place] != row:
            self._rows[place] = row
            self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))

    def remove_row(self, object_id: int) -> None:
        """Show an object no more."""
        place = self._place.get(object_id)
        if place is not None:
            self.beginRemoveRows(QModelIndex(), place, place)
            del self._rows[place]
            self._find_places()
            self.endRemoveRows()

    def row_at(self, place: int) -> ObjectRow:
        """Return a row by its place."""
        return self._rows[place]

    def row_of(self, object_id: int) -> ObjectRow:
        """Return the row of an object."""
        return self._rows[self._place[object_id]]

    def index_of(self, object_id: int) -> Any:
        """Return Qt's index of an object's row; None if it is not shown."""
        place = self._place.get(object_id)
        return None if place is None else self.index(place, Column.ID)

    def _find_places(self) -> None:
        self._place = {row.object_id: place for place, row in enumerate(self._rows)}

    # what Qt asks

    def rowCount(self, parent: Any = None) -> int:
        """Count the rows."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Any = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:
        """Return a column's title and tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, tip = _TITLES[Column(section)]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (Column.FRAMES, Column.LOWEST):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return tip if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Any, role: int = 0) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _text(row, column)
            case Qt.ItemDataRole.EditRole if column is Column.NAME:
                return row.name
            case Qt.ItemDataRole.DecorationRole if column is Column.ID:
                return self._icon(row.color)
            case Qt.ItemDataRole.CheckStateRole if column is Column.LOCK:
                state = Qt.CheckState
                return state.Checked if row.locked else state.Unchecked
            case Qt.ItemDataRole.TextAlignmentRole if column in (Column.FRAMES, Column.LOWEST):
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ToolTipRole:
                return _tip(row)
            case _ if role == SORT_ROLE:
                return _sort_value(row, column)
        return None

    def setData(self, index: Any, value: Any, role: int = 0) -> bool:
        """Tell what the user typed or clicked; the row changes when it is told to."""
        row, column = self._rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.EditRole and column is Column.NAME:
            name = str(value).strip()
            if name != row.name:
                self.rename_asked.emit(row.object_id, name)
            return True
        if role == Qt.ItemDataRole.CheckStateRole and column is Column.LOCK:
            self.lock_asked.emit(row.object_id, not row.locked)
            return True
        return False

    def flags(self, index: Any) -> Any:
        """Return what can be done with a cell."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == Column.NAME:
            flags |= Qt.ItemFlag.ItemIsEditable
        elif index.column() == Column.LOCK:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def _icon(self, rgba: tuple[float, ...]) -> QIcon:
        if rgba not in self._icons:
            self._icons[rgba] = _swatch(QColor.fromRgbF(*rgba))
        return self._icons[rgba]


def _text(row: ObjectRow, column: Column) -> str | None:
    match column:
        case Column.ID:
            return str(row.object_id)
        case Column.NAME:
            return row.name
        case Column.FRAMES:
            return str(row.n_frames)
        case Column.LOWEST:
            return "" if math.isnan(row.lowest) else f"{row.lowest:.2f}"
    return None


def _sort_value(row: ObjectRow, column: Column) -> Any:
    match column:
        case Column.ID:
            return row.object_id
        case Column.NAME:
            return row.name.casefold()
        case Column.FRAMES:
            return row.n_frames
        case Column.LOWEST:
            return 2.0 if math.isnan(row.lowest) else row.lowest  # without a mask: after all others
    return row.locked


def _tip(row: ObjectRow) -> str:
    name = f"Object {row.object_id}" + (f", {row.name}" if row.name else "")
    if not row.n_frames:
        text = f"{name}: no mask yet."
    else:
        text = f"{name}: found on {row.n_frames} frame{'s' if row.n_frames > 1 else ''}."
    if row.lowest_frame >= 0 and not math.isnan(row.lowest):
        text += f"\nLowest confidence: {row.lowest:.2f}, on frame {row.lowest_frame}."
    return text + ("\nLocked: nothing changes it." if row.locked else "")


def _swatch(color: QColor) -> QIcon:
    """Draw a rounded square of a colour."""
    picture = QPixmap(QSize(_SWATCH, _SWATCH))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    color.setAlpha(255)
    painter.setBrush(color)
    painter.drawRoundedRect(0, 0, _SWATCH, _SWATCH, 3, 3)
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt tints it
    return icon
