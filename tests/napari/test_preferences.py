"""Preferences: napari's page and our file say the same, and nonsense counts as not set."""

from __future__ import annotations

import json

import napari.settings
import npe2
import numpy as np
import pytest

from napari_sam2._napari.keys import Action
from napari_sam2._napari.preferences import (
    PREFERENCES,
    JsonStore,
    NapariStore,
    Preferences,
    find_store,
)
from napari_sam2._napari.widget import SegmentWidget

MANIFEST = npe2.PluginManifest.from_distribution("napari-sam2")
TYPES = {bool: "boolean", str: "string"}


@pytest.fixture
def preferences(tmp_path) -> Preferences:
    return Preferences(JsonStore(tmp_path / "deep" / "preferences.json"))


def test_manifest_declares_exactly_our_preferences() -> None:
    declared = getattr(MANIFEST.contributions, "configurations", None)
    if not isinstance(declared, dict):
        pytest.skip("this npe2 knows no preferences of plugins")
    found = {
        (section, key): (prop.type, prop.default, tuple(prop.enum or ()))
        for section, configuration in declared.items()
        for key, prop in configuration.properties.items()
    }
    ours = {
        name: (TYPES[type(each.default)], each.default, each.choices)
        for name, each in PREFERENCES.items()
    }
    assert found == ours


def test_every_action_has_a_key_that_can_be_changed(preferences) -> None:
    for action in Action:
        assert preferences.key_of(action) == action.key
    preferences.set("keys", "point", "P")
    assert preferences.key_of(Action.POINT) == "P"


def test_what_was_set_is_there_next_time(tmp_path, preferences) -> None:
    preferences.set("general", "autosave", False)
    preferences.set("model", "name", "sam2.1_hiera_tiny")
    again = Preferences(JsonStore(tmp_path / "deep" / "preferences.json"))
    assert again.get("general", "autosave") is False
    assert again.get("model", "name") == "sam2.1_hiera_tiny"
    assert again.get("general", "ghost") == "automatic"
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["preferences.json"]


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"general": 3}', '{"general": {"ghost": "loud"}}']
)
def test_damaged_file_counts_as_not_set(tmp_path, content) -> None:
    file = tmp_path / "preferences.json"
    file.write_text(content)
    preferences = Preferences(JsonStore(file))
    assert preferences.get("general", "ghost") == "automatic"
    preferences.set("general", "ghost", "off")
    assert json.loads(file.read_text())["general"] == {"ghost": "off"}


def test_what_is_not_allowed_is_refused(preferences) -> None:
    with pytest.raises(
        ValueError, match=r"general.ghost cannot be 'loud'; it is one of \('automatic'"
    ):
        preferences.set("general", "ghost", "loud")
    with pytest.raises(
        ValueError, match=r"general.autosave cannot be 'yes'; it is of the type bool"
    ):
        preferences.set("general", "autosave", "yes")
    with pytest.raises(KeyError):
        preferences.get("general", "colour")


def test_file_is_used_where_napari_has_no_page(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("NAPARI_SAM2_HOME", str(tmp_path))
    monkeypatch.delattr(napari.settings, "get_plugin_settings", raising=False)
    store = find_store()
    assert isinstance(store, JsonStore)
    assert store.file == tmp_path / "preferences.json"


@pytest.mark.skipif(not hasattr(napari.settings, "get_plugin_settings"), reason="napari before 0.9")
def test_page_of_napari_is_used_and_changed(tmp_path, monkeypatch) -> None:
    from napari.settings._plugin_config_generator import plugin_configuration_generator

    manager = npe2.PluginManager()
    manager.register(MANIFEST)
    model = plugin_configuration_generator(manager)["napari-sam2"]
    settings = {"napari-sam2": model(config_path=tmp_path / "napari-sam2.yaml")}
    monkeypatch.setattr(napari.settings, "get_plugin_settings", settings.__getitem__)
    store = find_store()
    assert isinstance(store, NapariStore)
    preferences = Preferences(store)
    assert preferences.get("general", "propagate_automatically") is True
    preferences.set("general", "ghost", "off")
    assert settings["napari-sam2"].general.ghost == "off"
    settings["napari-sam2"].keys.box = "B"
    assert preferences.key_of(Action.BOX) == "B"


@pytest.mark.gui
def test_menus_open_the_window_on_the_selected_image(make_napari_viewer) -> None:
    from napari._app_model import get_app_model

    viewer = make_napari_viewer()
    first = viewer.add_image(np.zeros((3, 16, 16), np.uint8), name="first")
    viewer.add_image(np.zeros((3, 16, 16), np.uint8), name="second")
    viewer.layers.selection.active = first
    app = get_app_model()
    for menu in ("napari/layers/segment", "napari/layers/track"):
        titles = {item.command.title: item.command.id for item in app.menus.get_menu(menu)}
        assert titles["Segment image (Segment Anything 2)"] == "napari-sam2.segment_layer"
    app.commands.execute_command("napari-sam2.segment_layer").result()
    (widget,) = viewer.window._qt_window.findChildren(SegmentWidget)
    assert widget.setup.image.image is first
    viewer.window.remove_dock_widget(widget)
    assert widget.controller.worker.wait(30)
