"""Any array or image file as a stack of planes: axes, channels, intensity; read lazily."""

from napari_sam2.stack.files import open_stack
from napari_sam2.stack.intensity import IntensityMap
from napari_sam2.stack.planes import Stack
from napari_sam2.stack.saving import save_labels

__all__ = ["IntensityMap", "Stack", "open_stack", "save_labels"]
