"""A session on disk: saved and opened, journalled and recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sam2.errors import SessionError
from napari_sam2.session import storage
from napari_sam2.session.journal import JOURNAL_FILE, Journal, JournalHead, read_journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_sam2.session.session import Session

__all__ = ["load", "recover", "save", "start_journal"]


def save(session: Session, folder: Path) -> None:
    """Write a session folder; a journal in it begins anew with what was saved."""
    ledger, journal = session._ledger, session._ledger.journal
    store = ledger.labels.store.folder
    if store is not None and folder.resolve() in (store.resolve(), *store.resolve().parents):
        raise SessionError(
            f"{folder} holds the labels that are being worked on ({store}); save to a folder beside it."
        )
    saved = storage.SavedSession(
        shape=(session.n_frames, *session.plane_shape),
        model=session.model.name,
        highest_id=ledger.highest_id,
        window_side=session.window_side,
        overlap=session.overlap,
        stop_rule=session.stop_rule,
        objects=ledger.objects,
        labels=session.labels,
        window_diameters=session.window_diameters,
        drops_islands=session.drops_islands,
    )
    own = journal is not None and _same(journal.folder, folder)
    if journal is None or not own or not journal.is_open:
        if not own and (folder / JOURNAL_FILE).exists():
            raise SessionError(
                f"{folder} holds the journal of another session; recover it first, or choose another "
                "folder."
            )
        storage.write(folder, saved)
        if journal is not None and journal.is_open:
            journal.write_anew(ledger.objects, ledger.labels, ledger.highest_id)
        return
    journal.step_aside()
    try:
        state = (ledger.objects, ledger.labels, ledger.highest_id)
        storage.write(folder, saved, lambda new: journal.write_to(new / JOURNAL_FILE, *state))
    finally:
        journal.step_back()


def load(
    session_type: type[Session], folder: Path, image: tuple[Any, ...], options: Mapping[str, Any]
) -> Session:
    """Open a saved session; ``image`` is stack, model and intensity."""
    saved = storage.read(folder)
    session = session_type(*image, **{**_settings(saved), **options})
    _check_shape(session, saved.shape)
    ledger = session._ledger
    ledger.objects.update(saved.objects)
    ledger.highest_id = saved.highest_id
    for frame, labels in storage.planes_of(folder, saved):
        if labels.any():
            ledger.labels.paste(frame, (0, 0, *session.plane_shape), labels)
    _go_on_counting(session)
    return session


def start_journal(session: Session, folder: Path, image: str) -> None:
    """Begin a journal with the session as it is, in place of an earlier one of this session."""
    journal = session._ledger.journal
    if journal is None or session.journal_folder is None or not _same(journal.folder, folder):
        shape = (session.n_frames, *session.plane_shape)
        settings = (
            session.window_side,
            session.overlap,
            session.stop_rule,
            session.window_diameters,
            session.drops_islands,
        )
        head = JournalHead(image, shape, session.model.name, *settings)
        own = journal is not None and _same(
            journal.folder, folder
        )  # it ended when the disk was full
        journal = Journal(folder, head, may_replace=own)
    _begin(session, journal)


def recover(
    session_type: type[Session], folder: Path, image: tuple[Any, ...], options: Mapping[str, Any]
) -> Session:
    """Open a journal, apply it line by line, and go on with it; ``image`` is stack, model and intensity."""
    head, entries = read_journal(folder)
    journal = Journal(folder, head, may_replace=True)
    try:
        session = session_type(*image, **{**_settings(head), **options})
        _check_shape(session, head.shape)
        ledger = session._ledger
        for entry in entries:
            for change in entry.changes:
                change.apply(ledger.objects)
            ledger.highest_id = max(ledger.highest_id, entry.highest_id)
            for area in entry.repaints:
                if area.labels is None:
                    ledger.labels.repaint(ledger.objects, area.frame, area.window)
                else:
                    ledger.labels.paste(area.frame, area.window, area.labels)
        _go_on_counting(session)
        _begin(session, journal)
    except BaseException:
        journal.close()
        raise
    return session


def _begin(session: Session, journal: Journal) -> None:
    ledger = session._ledger
    journal.write_anew(ledger.objects, ledger.labels, ledger.highest_id)
    if ledger.journal is not None and ledger.journal is not journal:
        ledger.journal.close()
    ledger.journal = journal


def _settings(saved: storage.SavedSession | JournalHead) -> dict[str, Any]:
    return {
        "window_side": saved.window_side,
        "window_diameters": saved.window_diameters,
        "drops_islands": saved.drops_islands,
        "overlap": saved.overlap,
        "stop_rule": saved.stop_rule,
    }


def _check_shape(session: Session, shape: tuple[int, ...]) -> None:
    own = (session.n_frames, *session.plane_shape)
    if tuple(shape) != own:
        raise SessionError(
            f"the session was made on a stack of shape {tuple(shape)}, this one is {own}; open "
            "the image that it was made on."
        )


def _go_on_counting(session: Session) -> None:
    """Give new records versions after those that were read."""
    states = session._ledger.objects.values()
    versions = [r.version for s in states for r in s.records.values()]
    session._recall.start_versions_after(max(versions, default=0))


def _same(a: Path, b: Path) -> bool:
    return a.resolve() == b.resolve()
