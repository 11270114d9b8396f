"""``python -m napari_sam2.cli``: the command line where its script is not on the path."""

from napari_sam2.cli import app

app(prog_name="napari-sam2")
