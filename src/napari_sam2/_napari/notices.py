"""Errors and news as napari notifications, one clear sentence each; and questions."""

from __future__ import annotations

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
    show_info,
)
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_sam2.errors import Sam2Error

__all__ = ["agrees", "tell", "tell_error"]


def agrees(parent: QWidget | None, question: str, by_default: bool = True) -> bool:
    """Ask the user a question that can be answered with yes or no; Enter gives the default."""
    yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
    default = yes if by_default else no
    return bool(QMessageBox.question(parent, "SAM 2", question, yes | no, default) == yes)


def tell(text: str) -> None:
    """Say something that the user should not miss."""
    show_info(text)


def tell_error(error: Exception) -> None:
    """Show an error; one that we did not foresee comes with its traceback.

    Parameters
    ----------
    error : Exception
        A `Sam2Error` is a sentence for the user; anything else is a fault of the program.
    """
    if isinstance(error, Sam2Error):
        show_error(f"SAM 2: {error}")
        return
    fault = RuntimeError(
        f"SAM 2: unexpected {type(error).__name__}: {error}. What was done is kept; please report this, "
        "with the traceback."
    )
    fault.__cause__ = error
    fault.__traceback__ = error.__traceback__
    notification_manager.dispatch(ErrorNotification(fault))
