"""What the user prefers: napari's preferences page where napari has one for plugins (0.9), else a small file.

The same preferences are declared in ``napari.yaml`` (``configurations``); a test compares the two.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from napari_sam2._napari.keys import Action
from napari_sam2.places import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PREFERENCES", "JsonStore", "NapariStore", "Preference", "Preferences", "find_store"]

_PLUGIN: Final = "napari-sam2"

Value: TypeAlias = bool | str


@dataclass(frozen=True, slots=True)
class Preference:
    """One thing that can be preferred.

    Parameters
    ----------
    section, key : str
        Its name.
    default : bool or str
        Until the user says otherwise; its type is the type of all values.
    choices : tuple of str
        What is allowed; empty for any value of the type.
    """

    section: str
    key: str
    default: Value
    choices: tuple[str, ...] = ()

    def allows(self, value: object) -> bool:
        """Whether a value can be taken."""
        return type(value) is type(self.default) and (not self.choices or value in self.choices)


def _all() -> Iterator[Preference]:
    yield Preference("general", "propagate_automatically", True)
    yield Preference("general", "ghost", "automatic", ("automatic", "on", "off"))
    yield Preference("general", "autosave", True)
    yield Preference("model", "name", "nano")
    yield Preference("model", "device", "auto")
    yield Preference("model", "precision", "auto", ("auto", "float32", "bfloat16"))
    for action in Action:
        yield Preference("keys", action.name.lower(), action.key)


PREFERENCES: Final = {(each.section, each.key): each for each in _all()}
"""All of them, by (section, key)."""


class Store(Protocol):
    """Where preferences are kept."""

    def read(self, section: str, key: str) -> object:
        """Return a value; None if there is none."""

    def write(self, section: str, key: str, value: Value) -> None:
        """Keep a value."""


class NapariStore:
    """Kept by napari, shown on its preferences page.

    Parameters
    ----------
    settings : object
        From ``napari.settings.get_plugin_settings("napari-sam2")``.
    """

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def read(self, section: str, key: str) -> object:
        """Return what the page shows."""
        return getattr(getattr(self._settings, section, None), key, None)

    def write(self, section: str, key: str, value: Value) -> None:
        """Change it; napari saves by itself."""
        setattr(getattr(self._settings, section), key, value)


class JsonStore:
    """Kept in a small file, for napari before 0.9.

    Parameters
    ----------
    file : Path, optional
        By default ``preferences.json`` in our data folder.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or data_folder() / "preferences.json"

    def read(self, section: str, key: str) -> object:
        """Return what the file says; a damaged file says nothing."""
        values = self._load().get(section, {})
        return values.get(key) if isinstance(values, dict) else None

    def write(self, section: str, key: str, value: Value) -> None:
        """Write the file anew beside its place, and put it there."""
        content = self._load()
        values = content.get(section)
        content[section] = {**(values if isinstance(values, dict) else {}), key: value}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f".{self.file.name}-{os.getpid()}")
        new.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(new, self.file)

    def _load(self) -> dict[str, Any]:
        try:
            content = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def find_store() -> Store:
    """Return napari's own store if this napari has one for us, else our file."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:  # before napari 0.9
        return JsonStore()
    try:
        return NapariStore(get_plugin_settings(_PLUGIN))
    except (
        KeyError
    ):  # it has one, but the plugin is switched off, or is run without being installed
        return JsonStore()


class Preferences:
    """Read and change what the user prefers; what is not allowed counts as not set.

    Parameters
    ----------
    store : Store, optional
        By default the one that `find_store` finds.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = store or find_store()

    def get(self, section: str, key: str) -> Value:
        """Return a preference.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        preference = PREFERENCES[section, key]
        value: Any = self._store.read(section, key)
        return value if preference.allows(value) else preference.default

    def set(self, section: str, key: str, value: Value) -> None:
        """Change a preference.

        Raises
        ------
        KeyError
            If there is none of that name.
        ValueError
            If it can't have this value.
        """
        preference = PREFERENCES[section, key]
        if not preference.allows(value):
            rule = f"one of {preference.choices}" if preference.choices else "of the type"
            raise ValueError(
                f"{section}.{key} cannot be {value!r}; it is {rule} {type(preference.default).__name__}."
            )
        self._store.write(section, key, value)

    def key_of(self, action: Action) -> str:
        """Return the key that the user wants for an action, as napari writes it."""
        return str(self.get("keys", action.name.lower()))
