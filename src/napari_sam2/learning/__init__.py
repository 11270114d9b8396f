"""Fine-tuning on one's own annotations: examples, learning, judging on held-out objects, calibration, lineage.

No Qt and no files but the model that is kept: what runs in a worker thread of the window runs on the command line too.
"""

from napari_sam2.learning.annotations import (
    AnnotatedPlane,
    annotations_of_labels,
    annotations_of_session,
)
from napari_sam2.learning.examples import Showing
from napari_sam2.learning.finetune import Learned, check_name, fine_tune, keep
from napari_sam2.learning.fitting import CurvePoint, EnoughLearned
from napari_sam2.learning.lineage import Lineage
from napari_sam2.learning.settings import LearningSettings

__all__ = [
    "AnnotatedPlane",
    "CurvePoint",
    "EnoughLearned",
    "Learned",
    "LearningSettings",
    "Lineage",
    "Showing",
    "annotations_of_labels",
    "annotations_of_session",
    "check_name",
    "fine_tune",
    "keep",
]
