"""Procedural microscopy with exact ground truth, deterministic from a seed."""

from napari_sam2.synthetic.movies import draw_clip
from napari_sam2.synthetic.planes import KINDS, draw_plane
from napari_sam2.synthetic.records import Movie, Sample
from napari_sam2.synthetic.samples import draw_stack, draw_timelapse

__all__ = ["KINDS", "Movie", "Sample", "draw_clip", "draw_plane", "draw_stack", "draw_timelapse"]
