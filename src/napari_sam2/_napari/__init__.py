"""The plugin: one dock widget and sample data; the only place with napari and Qt.

How a click travels: `binding` (our two layers) -> `messages` (a request) -> `worker` (the one thread) -> `host` (the
session) -> `messages` (answers) -> `controller` -> `painting`. The GUI thread never computes and never waits.
"""

from napari_sam2._napari.samples import dividing_cells, nuclei_stack
from napari_sam2._napari.widget import SegmentWidget

__all__ = ["SegmentWidget", "dividing_cells", "nuclei_stack"]
