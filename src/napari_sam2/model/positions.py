"""Position encodings: sine maps, random Fourier features, rotary (RoPE), and a sine of time."""

from __future__ import annotations

import math
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, ParamSpec, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FourierPositions", "apply_rotation", "axial_rotation", "sine_map", "sine_of_time"]

P = ParamSpec("P")


def _kept(make: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Keep what a function made; also what inference asked for may serve training later."""

    @lru_cache(maxsize=32)
    def outside_inference(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        with torch.inference_mode(mode=False), torch.no_grad():
            return make(*args, **kwargs)

    return cast("Callable[P, Tensor]", wraps(make)(outside_inference))


@_kept
def sine_map(channels: int, height: int, width: int, device: torch.device) -> Tensor:
    """Encode the position of every pixel in sines of its relative y and x.

    Parameters
    ----------
    channels : int
        Half of them for y, half for x; a multiple of 4.
    height, width : int
        Size of the map.
    device : torch.device
        Where to.

    Returns
    -------
    Tensor, float32, (1, C, H, W)

    References
    ----------
    Carion et al. 2020, End-to-end object detection with transformers, appendix A.4.
    """
    half = channels // 2
    index = torch.arange(half, dtype=torch.float32, device=device)
    period = 10000.0 ** (2 * torch.div(index, 2, rounding_mode="floor") / half)

    def encode(n: int) -> Tensor:
        steps = torch.arange(1, n + 1, dtype=torch.float32, device=device)
        phase = (steps / (n + 1e-6) * (2 * math.pi))[:, None] / period
        # (N, C/4, 2) -> (N, C/2): sine and cosine alternate
        return torch.stack((phase[:, 0::2].sin(), phase[:, 1::2].cos()), dim=2).flatten(1)

    y = encode(height).T[:, :, None].expand(half, height, width)
    x = encode(width).T[:, None, :].expand(half, height, width)
    return torch.cat((y, x))[None]


def sine_of_time(distance: Tensor, channels: int) -> Tensor:
    """Encode distances in time.

    Parameters
    ----------
    distance : Tensor, (B, P)
        As a fraction of the longest.
    channels : int
        C, even.

    Returns
    -------
    Tensor, float32, (B, P, C)
    """
    half = channels // 2
    index = torch.arange(half, dtype=torch.float32, device=distance.device)
    period = 10000.0 ** (2 * torch.div(index, 2, rounding_mode="floor") / half)
    phase = distance.float()[..., None] / period
    return torch.cat((phase.sin(), phase.cos()), dim=-1)


class FourierPositions(nn.Module):
    """Random Fourier features of points (Tancik et al. 2020).

    Parameters
    ----------
    channels : int
        C, even.
    """

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, channels // 2))

    def forward(self, xy: Tensor) -> Tensor:
        """Encode points (..., 2), (x, y) in 0 to 1 over the input, as (..., C)."""
        with torch.autocast(xy.device.type, enabled=False):
            matrix = self.positional_encoding_gaussian_matrix.float()
            phase = 2 * math.pi * ((2 * xy.float() - 1) @ matrix)
            return torch.cat((phase.sin(), phase.cos()), dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """Encode the pixel centres of a map, (1, C, H, W)."""
        device = self.positional_encoding_gaussian_matrix.device
        y = (torch.arange(height, dtype=torch.float32, device=device) + 0.5) / height
        x = (torch.arange(width, dtype=torch.float32, device=device) + 0.5) / width
        yy, xx = torch.meshgrid(y, x, indexing="ij")
        # (H, W, C) -> (1, C, H, W)
        return self(torch.stack((xx, yy), dim=-1)).permute(2, 0, 1)[None]  # type: ignore[no-any-return]


@_kept
def axial_rotation(channels: int, height: int, width: int, device: torch.device) -> Tensor:
    """Make the rotations of rotary position encoding for a map.

    Parameters
    ----------
    channels : int
        Of a token; the first half turns with x, the second with y; a multiple of 4.
    height, width : int
        Size of the map.
    device : torch.device
        Where to.

    Returns
    -------
    Tensor, complex64, (H W, C / 2)
        Unit numbers, by which pairs of neighbouring channels are multiplied.

    References
    ----------
    Heo et al. 2024, Rotary position embedding for vision transformer, section 3.
    """
    index = torch.arange(0, channels, 4, dtype=torch.float32, device=device)
    frequency = 10000.0 ** (-index / channels)
    token = torch.arange(height * width, device=device)
    x, y = (token % width).float(), torch.div(token, width, rounding_mode="floor").float()
    angle = torch.cat((torch.outer(x, frequency), torch.outer(y, frequency)), dim=1)
    return torch.polar(torch.ones_like(angle), angle)


def apply_rotation(tokens: Tensor, rotation: Tensor) -> Tensor:
    """Turn the channel pairs of tokens.

    Parameters
    ----------
    tokens : Tensor, (B, T HW, C)
        One or more maps, one after the other.
    rotation : Tensor, complex64, (HW, C / 2)
        From `axial_rotation`.

    Returns
    -------
    Tensor, same shape and dtype as ``tokens``
    """
    b, n, c = tokens.shape
    hw = rotation.shape[0]
    # (B, T HW, C) -> (B, T, HW, C/2) complex
    pairs = torch.view_as_complex(tokens.float().reshape(b, n // hw, hw, c // 2, 2))
    return torch.view_as_real(pairs * rotation).reshape(b, n, c).to(tokens.dtype)
