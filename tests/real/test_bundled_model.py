"""The bundled model on real microscopy: one click per object, and the floors that issue and README promise."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import napari_sam2 as sam2
from napari_sam2.evaluation.measures import iou
from napari_sam2.evaluation.user import deepest_point


@pytest.fixture(scope="module")
def nano():
    """The bundled model."""
    return sam2.load_model("nano")


SPECK = 20
"""Objects of fewer pixels, tips of nuclei that end on a plane, are not clicked."""


def objects_of(labels):
    """Labels of a plane, specks left out."""
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    return [int(i) for i in np.flatnonzero(areas >= SPECK)]


def median_diameter(labels):
    """Diameter of a disc with the median area of the objects of a plane."""
    areas = np.bincount(labels.ravel())[1:]
    return 2 * np.sqrt(np.median(areas[areas >= SPECK]) / np.pi)


def window_of(labels):
    """Four median diameters."""
    return max(16, round(4 * median_diameter(labels)))


def one_click_ious(image, labels, model):
    """One click on the middle of every object of a plane."""
    axes = "YXS" if image.ndim == 3 else "YX"
    session = sam2.Session(sam2.Stack.from_array(image, axes), model, window_side=window_of(labels))
    ious = []
    for label in objects_of(labels):
        truth = labels == label
        session.add_prompt(label, sam2.Point(0, deepest_point(truth)))
        ious.append(iou(session.mask(label, 0), truth))
    return ious


def read(data_dir, *names):
    return [tifffile.imread(data_dir / name) for name in names]


PLANES = [
    ("mouse_embryo_nuclei_3d", [("image_8cell", "labels_8cell", 25)], 0.80),
    ("mitocheck_hela_timelapse", [("image", "labels", 0)], 0.80),
    (
        "dsb2018_nuclei_2d",
        [("image_fluo256", "labels_fluo256", None), ("image_fluo520", "labels_fluo520", None)],
        0.65,
    ),
]


@pytest.mark.parametrize(("folder", "planes", "floor"), PLANES)
def test_one_click_per_object(data_dir, nano, folder, planes, floor):
    ious = []
    for *names, frame in planes:
        image, labels = read(data_dir, *(f"{folder}/{name}.tif" for name in names))
        if frame is not None:
            image, labels = image[frame], labels[frame]
        ious += one_click_ious(image, labels, nano)
    assert np.median(ious) >= floor


def test_one_click_per_nucleus_in_three_dimensions(data_dir, nano):
    """The middle slice of each nucleus is clicked once and propagated both ways."""
    folder = "mouse_embryo_nuclei_3d"
    image, labels = read(data_dir, f"{folder}/image_8cell.tif", f"{folder}/labels_8cell.tif")
    middles = {}
    for label in np.unique(labels[labels > 0]):
        frames = np.flatnonzero((labels == label).any(axis=(1, 2)))
        middles[int(label)] = int(frames[len(frames) // 2])
    session = sam2.Session(image, nano)
    for label, frame in middles.items():
        session.add_prompt(label, sam2.Point(frame, deepest_point(labels[frame] == label)))
    for _ in session.propagate():
        pass
    ious = [iou(session.labels == i, labels == i) for i in middles]
    assert np.median(ious) >= 0.55


def test_tracks_of_dividing_cells(data_dir, nano):
    """One click on the first frame of each of the first ten tracks, propagated."""
    folder = "mitocheck_hela_timelapse"
    image, labels = read(data_dir, f"{folder}/image.tif", f"{folder}/labels.tif")
    tracks = np.loadtxt(data_dir / folder / "tracks.txt", dtype=int)[:10]
    session = sam2.Session(image, nano, window_side=window_of(labels[0]))
    for label, first, *_ in tracks:
        session.add_prompt(
            int(label), sam2.Point(int(first), deepest_point(labels[first] == label))
        )
    for _ in session.propagate(direction="forward"):
        pass
    ious = [
        iou(session.labels[f] == label, labels[f] == label)
        for label, first, last, _ in tracks
        for f in range(first, last + 1)
    ]
    assert np.median(ious) >= 0.6
