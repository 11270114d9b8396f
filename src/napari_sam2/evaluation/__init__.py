"""Measuring: a simulated user works on images whose truth is known, with a model and without one."""

from napari_sam2.evaluation.measures import Summary, iou
from napari_sam2.evaluation.methods import Method, ModelMethod, Work
from napari_sam2.evaluation.protocol import Options, evaluate_scene
from napari_sam2.evaluation.records import CarryRecord, ClickRecord, MethodResult, SetResult
from napari_sam2.evaluation.scene import Scene
from napari_sam2.evaluation.sets import EvaluationSet, find_sets, read_scene
from napari_sam2.evaluation.tracking_measures import TrackingScores, score_tracks
from napari_sam2.evaluation.unaided import BaselineMethod

__all__ = [
    "BaselineMethod",
    "CarryRecord",
    "ClickRecord",
    "EvaluationSet",
    "Method",
    "MethodResult",
    "ModelMethod",
    "Options",
    "Scene",
    "SetResult",
    "Summary",
    "TrackingScores",
    "Work",
    "evaluate_scene",
    "find_sets",
    "iou",
    "read_scene",
    "score_tracks",
]
