"""The trainer: losses, simulated clicks, procedural images, and the run that makes the bundled model ``nano``.

Start it with ``python -m napari_sam2.training --help``.
"""
