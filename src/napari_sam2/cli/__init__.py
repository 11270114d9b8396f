"""The command line: ``napari-sam2``.

Only typer is imported here; what a command needs is imported when it runs, so that ``--help`` is quick.
"""

from napari_sam2.cli.app import app

__all__ = ["app"]
