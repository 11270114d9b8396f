"""The public headless API: objects, prompts, propagation, undo, saving."""

from napari_sam2.session.recall import CacheSizes
from napari_sam2.session.session import Session

__all__ = ["CacheSizes", "Session"]
