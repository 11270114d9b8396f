"""Training sets: what was annotated as a folder that labs can share, and back."""

from napari_sam2.dataset.importing import open_original, session_from
from napari_sam2.dataset.reading import ReadStack, read_dataset
from napari_sam2.dataset.rle import decode_rle, encode_rle
from napari_sam2.dataset.sheet import Credits, ObjectSheet, Sheet, StackSheet, is_dataset
from napari_sam2.dataset.sources import Annotated, Source, source_of, source_of_saved
from napari_sam2.dataset.splits import Shares
from napari_sam2.dataset.writing import write_dataset

__all__ = [
    "Annotated",
    "Credits",
    "ObjectSheet",
    "ReadStack",
    "Shares",
    "Sheet",
    "Source",
    "StackSheet",
    "decode_rle",
    "encode_rle",
    "is_dataset",
    "open_original",
    "read_dataset",
    "session_from",
    "source_of",
    "source_of_saved",
    "write_dataset",
]
