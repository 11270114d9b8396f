"""Errors and news as napari notifications: one clear sentence each."""

from __future__ import annotations

from napari.utils.notifications import (
    ErrorNotification,
    notification_manager,
    show_error,
    show_info,
)

from napari_sam2.errors import Sam2Error

__all__ = ["tell", "tell_error"]


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
