"""From light to picture: blur, sampling, noise, and the mapping to 0..1."""

from dataclasses import dataclass

import numpy as np

from napari_sam2.synthetic.fields import blur, product, resampling
from napari_sam2.synthetic.records import FloatArray

__all__ = ["Camera", "draw_camera", "expose", "stretch"]


@dataclass(frozen=True, slots=True)
class Camera:
    """How a plane is photographed.

    Parameters
    ----------
    sigma : float
        Blur in pixels.
    coarseness : float
        Size of the camera's pixels in pixels of the plane, 1 or more; the photograph is enlarged again.
    photons : float
        Expected photons per pixel where the light is 1.
    read_noise : float
        Standard deviation, in the same unit as the light.
    grain : float
        Blur of the noise in camera pixels.
    low, high : float
        Percentiles that become 0 and 1.
    gamma : float
        Exponent of the mapping.
    inverted : bool
        Dark for bright.
    fixed : bool
        Light 0..1 becomes 0..1, whatever the percentiles.
    """

    sigma: float = 0.5
    coarseness: float = 1.0
    photons: float = 500.0
    read_noise: float = 0.01
    grain: float = 0.0
    low: float = 0.0
    high: float = 99.8
    gamma: float = 1.0
    inverted: bool = False
    fixed: bool = False


def draw_camera(
    rng: np.random.Generator,
    size: float,
    photons: tuple[float, float] = (0.9, 3.5),
    inverted: float = 0.03,
) -> Camera:
    """Choose a camera.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    size : float
        Diameter of the objects in pixels; blur never hides them.
    photons : tuple of float
        Range of the decimal logarithm of the photons.
    inverted : float
        Probability of an inverted picture.

    Returns
    -------
    Camera
    """
    coarse = rng.uniform(1, max(1.0, min(4.0, size / 9)))
    amount = rng.uniform(*photons)
    return Camera(
        sigma=min(rng.gamma(1.5, 0.6), size / 9),
        coarseness=coarse if rng.random() < 0.4 else 1.0,
        photons=10**amount,
        read_noise=10 ** (rng.uniform(-2.3, -1.0) - amount / 4),
        grain=rng.choice([0.0, 0.0, 0.5, 0.8]),
        low=rng.choice([0.0, 0.1, 1.0]),
        high=rng.choice([98.0, 99.0, 99.8, 100.0]),
        gamma=1.0 if rng.random() < 0.6 else rng.uniform(0.5, 1.5),
        inverted=bool(rng.random() < inverted),
    )


def expose(rng: np.random.Generator, light: FloatArray, camera: Camera) -> FloatArray:
    """Photograph a plane.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise.
    light : ndarray of float32, (y, x) or (y, x, channel)
        0 or more; objects are of the order of 1.
    camera : Camera
        How.

    Returns
    -------
    ndarray of float32, of the same shape
        Noisy light, not yet mapped to 0..1.
    """
    if light.ndim == 3:
        return np.stack(
            [expose(rng, light[..., c], camera) for c in range(light.shape[2])], axis=-1
        )
    seen = blur(light, camera.sigma)
    height, width = light.shape
    if camera.coarseness > 1.05:
        small = max(8, round(height / camera.coarseness)), max(8, round(width / camera.coarseness))
        seen = product(product(resampling(height, small[0]), seen), resampling(width, small[1]).T)
    seen = add_noise(rng, np.maximum(seen, 0), camera)
    if seen.shape != light.shape:
        seen = product(
            product(resampling(seen.shape[0], height), seen), resampling(seen.shape[1], width).T
        )
    return seen


def add_noise(rng: np.random.Generator, light: FloatArray, camera: Camera) -> FloatArray:
    """Add shot noise and read noise."""
    photons = np.float32(camera.photons)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    if camera.photons < 15 and not camera.grain:
        return rng.poisson(light * photons).astype(np.float32) / photons + noise * np.float32(
            camera.read_noise
        )
    if camera.grain:
        noise = blur(noise, camera.grain) * np.float32(1 + camera.grain)
    spread = np.sqrt(light / photons + np.float32(camera.read_noise**2))
    return np.asarray(light + spread * noise, np.float32)


def stretch(image: FloatArray, camera: Camera) -> FloatArray:
    """Map percentiles of an image to 0..1, one mapping for all its frames and channels.

    Parameters
    ----------
    image : ndarray of float32
        Any shape.
    camera : Camera
        Percentiles, gamma and the rest.

    Returns
    -------
    ndarray of float32, of the same shape
    """
    low, high = (
        (0.0, 1.0)
        if camera.fixed
        else np.percentile(image.reshape(-1)[::3], [camera.low, camera.high])
    )
    mapped = np.clip((image - np.float32(low)) / np.float32(max(high - low, 1e-6)), 0, 1)
    if camera.gamma != 1.0:
        mapped **= np.float32(camera.gamma)
    return np.asarray(1 - mapped if camera.inverted else mapped, np.float32)
