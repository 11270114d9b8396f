"""Change the look of a crop, not its shapes: contrast, gamma, inversion, light, blur, noise, tint."""

import math

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

__all__ = ["IMAGE_MEAN", "IMAGE_STD", "normalise", "vary"]

Pixels = npt.NDArray[np.float32]

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


def normalise(image: Tensor) -> Tensor:
    """Bring images (..., 3, y, x) in 0..1 to the mean and deviation that the network expects (ImageNet's)."""
    mean = torch.tensor(IMAGE_MEAN, device=image.device)[:, None, None]
    return (image - mean) / torch.tensor(IMAGE_STD, device=image.device)[:, None, None]


def vary(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Draw another look for the frames of one crop; all frames get the same, but for their noise.

    Parameters
    ----------
    frames : Tensor
        (T, channel, y, x) float32 in 0..1, one channel or three.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Tensor
        (T, 3, y, x) float32 in 0..1.
    """
    pixels = _stretch(frames.numpy(), rng)
    pixels = pixels ** math.exp(rng.uniform(math.log(0.5), math.log(2)))
    if rng.random() < 0.25:
        pixels = 1 - pixels
    if rng.random() < 0.2:
        pixels = pixels * _light(pixels.shape[-2:], rng)
    if rng.random() < 0.25:
        sigma = rng.uniform(0.3, 1.3)
        pixels = ndimage.gaussian_filter(pixels, (0, 0, sigma, sigma))
    if rng.random() < 0.35:  # low contrast on a pedestal
        low = rng.uniform(0, 0.5)
        pixels = low + pixels * rng.uniform(0.3, 1 - low)
    if rng.random() < 0.4:
        noise = rng.standard_normal(pixels.shape, np.float32)
        pixels = pixels + rng.uniform(0.005, 0.08) * noise
    pixels = np.clip(pixels, 0, 1)
    if pixels.shape[1] == 1:
        pixels = _tint(pixels, rng) if rng.random() < 0.08 else np.repeat(pixels, 3, 1)
    elif rng.random() < 0.5:
        pixels = np.clip(pixels[:, rng.permutation(3)], 0, 1)
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32))


def _stretch(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Map robust percentiles to 0..1, as the stack's intensity mapping does, with other percentiles each time."""
    sample = pixels[..., ::3, ::3]
    low, high = np.percentile(sample, [rng.uniform(0, 2), rng.uniform(98, 100)])
    if high - low < 1e-3:
        low, high = 0.0, 1.0
    return np.asarray(np.clip((pixels - low) / (high - low), 0, 1), np.float32)


def _light(shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    """Return a factor (y, x) that falls off linearly to one side, to 0.4 at the darkest."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    angle = rng.uniform(0, 2 * math.pi)
    ramp = math.sin(angle) * y[:, None] + math.cos(angle) * x[None, :]
    return np.asarray(1 - rng.uniform(0.1, 0.6) * (ramp / math.sqrt(2) + 1) / 2, np.float32)


def _tint(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Map grey (T, 1, y, x) to a line between two random colours, (T, 3, y, x)."""
    dark, bright = rng.uniform(0, 0.5, (3, 1, 1)), rng.uniform(0.5, 1, (3, 1, 1))
    return np.asarray(dark + pixels * (bright - dark), np.float32)
