from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from skimage.io import imsave

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.training.check import check, real_planes
from napari_sam2.training.initialise import initialise

if TYPE_CHECKING:
    from pathlib import Path

    from napari_sam2.training.pool import Draw


def test_planes_are_found_clicked_and_averaged(tmp_path: Path, discs: Draw) -> None:
    image, labels = discs(0)
    folder = tmp_path / "mitocheck_hela_timelapse"
    folder.mkdir()
    imsave(folder / "image.tif", (image[:, 0] * 255).astype(np.uint8), check_contrast=False)
    imsave(folder / "labels.tif", labels.astype(np.uint16), check_contrast=False)
    (found,) = real_planes(tmp_path)
    assert found[0] == "mitocheck"
    assert found[1].shape == found[2].shape == (96, 96)
    torch.manual_seed(0)
    rows = list(check(initialise(SAM2(CONFIGS["nano"]), 0).state_dict(), tmp_path, side=64))
    assert [row.name for row in rows] == ["mitocheck", "mean"]
    assert rows[0].objects == len(np.unique(labels)) - 1
    assert 0 <= rows[0].chosen <= rows[0].best_of_three <= 1
    assert "best of three" in str(rows[0])
