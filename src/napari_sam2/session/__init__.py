"""The public headless API: objects, prompts, propagation, undo, saving.

What a window needs of the parts below is handed on here, because `_napari` may not reach further down (docs/adr/0001).
"""

from napari_sam2.engine.stop_rule import StopRule
from napari_sam2.model.hub import CARDS, ModelCard, all_cards, download, is_downloaded
from napari_sam2.model.load import load_model
from napari_sam2.session.journal import JournalInfo, has_journal
from napari_sam2.session.recall import CacheSizes
from napari_sam2.session.session import Session
from napari_sam2.stack import Stack

__all__ = [
    "CARDS",
    "CacheSizes",
    "JournalInfo",
    "ModelCard",
    "Session",
    "Stack",
    "StopRule",
    "all_cards",
    "download",
    "has_journal",
    "is_downloaded",
    "load_model",
]
