from __future__ import annotations

import numpy as np
import torch

from napari_sam2.training.augment import IMAGE_MEAN, normalise, vary


def test_looks_vary_but_stay_images() -> None:
    frames = torch.from_numpy(np.random.default_rng(0).random((2, 1, 24, 24), np.float32))
    looks = [vary(frames, np.random.default_rng(seed)) for seed in range(60)]
    assert all(look.shape == (2, 3, 24, 24) and look.dtype == torch.float32 for look in looks)
    assert all(0 <= look.min() and look.max() <= 1 for look in looks)
    assert torch.equal(looks[3], vary(frames, np.random.default_rng(3)))
    means = np.array([float(look.mean()) for look in looks])
    assert means.std() > 0.05
    inverted = [np.corrcoef(look[0, 0].ravel(), frames[0, 0].ravel())[0, 1] < 0 for look in looks]
    assert 5 <= sum(inverted) <= 30


def test_frames_of_a_clip_look_alike() -> None:
    frame = torch.from_numpy(np.random.default_rng(0).random((1, 3, 24, 24), np.float32))
    frames = frame.expand(3, -1, -1, -1).contiguous()
    for seed in range(20):
        look = vary(frames, np.random.default_rng(seed))
        assert (look[0] - look[2]).abs().mean() < 0.12  # nothing but noise


def test_constant_images_are_no_trouble() -> None:
    look = vary(torch.full((1, 1, 16, 16), 0.3), np.random.default_rng(0))
    assert torch.isfinite(look).all()


def test_normalising_takes_the_mean_to_zero() -> None:
    image = torch.tensor(IMAGE_MEAN)[:, None, None].expand(3, 4, 4)
    assert normalise(image).abs().max() < 1e-6
