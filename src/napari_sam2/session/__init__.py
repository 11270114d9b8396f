"""The public headless API: objects, prompts, propagation, undo, saving."""

from napari_sam2.session.session import Session
from napari_sam2.session.tracker import CacheSizes

__all__ = ["CacheSizes", "Session"]
