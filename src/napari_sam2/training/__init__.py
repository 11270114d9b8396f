"""The trainer: losses, simulated clicks, procedural images, and the run that makes the bundled model ``nano``.

Start it with ``napari-sam2 train --help``.
"""
