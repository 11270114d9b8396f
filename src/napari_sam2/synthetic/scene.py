"""What the drawer of a kind hands out, before it is photographed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from napari_sam2.synthetic.optics import Camera
from napari_sam2.synthetic.records import FloatArray, LabelArray
from napari_sam2.synthetic.stage import Stage

__all__ = ["Drawer", "Scene"]


@dataclass(frozen=True, slots=True)
class Scene:
    """Light on one plane, and whose it is.

    Parameters
    ----------
    light : ndarray of float32, (y, x) or (y, x, 3)
        0 or more; objects are of the order of 1.
    labels : ndarray of int32, (y, x)
        Ids, with gaps.
    camera : Camera
        How to photograph it.
    glowing : bool
        Whether objects are seen through each other, out of focus, as in fluorescence.
    """

    light: FloatArray
    labels: LabelArray
    camera: Camera
    glowing: bool = True


Drawer: TypeAlias = Callable[[np.random.Generator, int, Stage], Scene]
