"""The memory encoder: a frame's features and an object's mask become a memory map.

References
----------
Ravi et al. 2024, SAM 2, section 4 (memory encoder); Liu et al. 2022, A ConvNet for the 2020s (the blocks).
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from napari_sam2.model.layers import LayerNorm2d

__all__ = ["MemoryEncoder"]


class MaskDownsampler(nn.Module):
    """Convolutions that shrink a mask sixteenfold."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        channels = (1, 4, 16, 64, 256)
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(channels):
            layers += [
                nn.Conv2d(a, b, kernel_size=3, stride=2, padding=1),
                LayerNorm2d(b),
                nn.GELU(),
            ]
        layers.append(nn.Conv2d(channels[-1], d_model, kernel_size=1))
        self.encoder = nn.Sequential(*layers)

    def forward(self, mask: Tensor) -> Tensor:
        """Map (B, 1, 16h, 16w) to (B, D, h, w)."""
        return self.encoder(mask)  # type: ignore[no-any-return]


class ConvNeXtBlock(nn.Module):
    """A depth-wise convolution and a feed-forward part, with layer scale."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = LayerNorm2d(dim)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        y = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)  # (B, C, H, W) -> (B, H, W, C)
        y = self.gamma * self.pwconv2(self.act(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)  # type: ignore[no-any-return]


class Fuser(nn.Module):
    """Two ConvNeXt blocks, named as in the official weights."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(ConvNeXtBlock(dim), ConvNeXtBlock(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return self.layers(x)  # type: ignore[no-any-return]


class MemoryEncoder(nn.Module):
    """Encode a memory.

    Parameters
    ----------
    d_model : int
        Width of the image features.
    memory_dim : int
        Channels of a memory map.
    """

    def __init__(self, d_model: int, memory_dim: int) -> None:
        super().__init__()
        self.mask_downsampler = MaskDownsampler(d_model)
        self.pix_feat_proj = nn.Conv2d(d_model, d_model, kernel_size=1)
        self.fuser = Fuser(d_model)
        self.out_proj = nn.Conv2d(d_model, memory_dim, kernel_size=1)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Map features (B or 1, D, h, w) and a scaled mask (B, 1, 16h, 16w) to (B, M, h, w)."""
        x = self.pix_feat_proj(features) + self.mask_downsampler(mask)
        return self.out_proj(self.fuser(x))  # type: ignore[no-any-return]
