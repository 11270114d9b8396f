"""The image encoder's trunk: Hiera, a hierarchical vision transformer with windowed attention.

References
----------
Ryali et al. 2023, Hiera: a hierarchical vision transformer without the bells-and-whistles.
Bolya et al. 2023, Window attention is bugged (the position embedding in two parts).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_sam2.model.layers import MLP

if TYPE_CHECKING:
    from napari_sam2.model.config import ModelConfig

__all__ = ["Hiera"]

_STRIP_BYTES: Final = 16 * 2**20
"""The largest intermediate result of a windowed block on a CPU."""


def _pool(x: Tensor) -> Tensor:
    """Halve the sides of a (B, H, W, C) map, taking the maximum."""
    # (B, H, W, C) -> (B, C, H, W) -> (B, H/2, W/2, C)
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _to_windows(x: Tensor, side: int) -> Tensor:
    """Cut (B, H, W, C), padded with zeros, into (B windows, side, side, C)."""
    b, h, w, c = x.shape
    pad_h, pad_w = -h % side, -w % side
    if pad_h or pad_w:
        x = F.pad(x, (0, 0, 0, pad_w, 0, pad_h))
    rows, columns = (h + pad_h) // side, (w + pad_w) // side
    # (B, rows, side, columns, side, C) -> (B, rows, columns, side, side, C)
    x = x.reshape(b, rows, side, columns, side, c).transpose(2, 3)
    return x.reshape(b * rows * columns, side, side, c)


def _from_windows(windows: Tensor, height: int, width: int) -> Tensor:
    """Put (B windows, side, side, C) back together as (B, H, W, C), dropping the padding."""
    n, side, _, c = windows.shape
    rows, columns = -(-height // side), -(-width // side)
    b = n // (rows * columns)
    # (B, rows, columns, side, side, C) -> (B, rows, side, columns, side, C)
    x = windows.reshape(b, rows, columns, side, side, c).transpose(2, 3)
    return x.reshape(b, rows * side, columns * side, c)[:, :height, :width]


class MultiScaleAttention(nn.Module):
    """Self-attention over a map; with pooling, the queries have half its sides."""

    def __init__(self, dim: int, dim_out: int, num_heads: int, pool: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.pool = pool
        self.qkv = nn.Linear(dim, dim_out * 3)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H', W', C')."""
        b, h, w, _ = x.shape
        heads = self.num_heads
        # (B, HW, 3, heads, C') -> three of (B, HW, heads, C')
        q, k, v = self.qkv(x).reshape(b, h * w, 3, heads, -1).unbind(2)
        if self.pool:
            q = _pool(q.reshape(b, h, w, -1))
            h, w = q.shape[1:3]
            q = q.reshape(b, h * w, heads, -1)
        # (B, HW, heads, C') -> (B, heads, HW, C')
        out = F.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        )
        # (B, heads, HW, C') -> (B, H', W', heads C')
        return self.proj(out.transpose(1, 2).reshape(b, h, w, -1))  # type: ignore[no-any-return]


class MultiScaleBlock(nn.Module):
    """A transformer block; where the stage changes, it halves the sides and doubles the width."""

    def __init__(
        self, dim: int, dim_out: int, num_heads: int, pool: bool, window_side: int
    ) -> None:
        super().__init__()
        self.window_side = window_side
        self.pool = pool
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = MultiScaleAttention(dim, dim_out, num_heads, pool)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP(dim_out, 4 * dim_out, dim_out, activation=nn.GELU)
        self.proj = nn.Linear(dim, dim_out) if dim != dim_out else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H', W', C')."""
        shortcut = x
        x = self.norm1(x)
        if self.proj is not None:
            shortcut = self.proj(x)
            if self.pool:
                shortcut = _pool(shortcut)
        h, w = shortcut.shape[1:3]
        if self.window_side:
            x = _from_windows(self.attn(_to_windows(x, self.window_side)), h, w)
        else:
            x = self.attn(x)
        x = shortcut + x
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


def _in_strips(block: MultiScaleBlock, x: Tensor) -> Tensor:
    """Run a windowed block over strips of whole windows, one after the other.

    Windows do not see each other, so the result is the same. Less memory is needed at a time, and the allocator uses it
    again, where for a whole plane the system hands out new pages every time: a tenth faster on a CPU.
    """
    # numbers in a row: inside the MLP, or queries, keys and values where the map gets smaller afterwards
    widest = (3 if block.pool else 4) * x.shape[0] * x.shape[2] * block.attn.proj.out_features
    windows = max(1, _STRIP_BYTES // (widest * x.element_size() * block.window_side))
    strips = torch.split(x, windows * block.window_side, dim=1)
    return torch.cat([block(strip) for strip in strips], dim=1)


class PatchEmbed(nn.Module):
    """Patches of the image, a quarter of its sides."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, embed_dim, kernel_size=7, stride=4, padding=3)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, H/4, W/4, C)."""
        return self.proj(image).permute(0, 2, 3, 1)  # type: ignore[no-any-return]


class Hiera(nn.Module):
    """The trunk.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(config.embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, config.embed_dim, *config.background_size))
        side = config.window_spec[0]
        self.pos_embed_window = nn.Parameter(torch.zeros(1, config.embed_dim, side, side))
        self.stage_ends = tuple(end - 1 for end in accumulate(config.stages))
        self.blocks = nn.ModuleList(_blocks(config))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map (B, 3, H, W) to the maps of the stages, finest first: (B, C 2^i, H/4/2^i, W/4/2^i)."""
        x = self.patch_embed(image)
        x = x + self._positions(x.shape[1], x.shape[2])
        in_strips = x.device.type == "cpu" and not torch.is_grad_enabled()
        outputs = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, MultiScaleBlock)
            x = _in_strips(block, x) if in_strips and block.window_side else block(x)
            if i in self.stage_ends:
                outputs.append(x.permute(0, 3, 1, 2))  # (B, H, W, C) -> (B, C, H, W)
        return outputs

    def _positions(self, height: int, width: int) -> Tensor:
        """Stretch the background embedding and tile the window embedding, (1, H, W, C)."""
        window = self.pos_embed_window
        tiles = (1, 1, height // window.shape[2], width // window.shape[3])
        background = F.interpolate(self.pos_embed, size=(height, width), mode="bicubic")
        return (background + window.tile(tiles)).permute(0, 2, 3, 1)


def _blocks(config: ModelConfig) -> list[MultiScaleBlock]:
    blocks: list[MultiScaleBlock] = []
    for stage, count in enumerate(config.stages):
        dim_out = config.embed_dim * 2**stage
        for i in range(count):
            starts_stage = stage > 0 and i == 0
            # the first block of a stage still works on the windows of the stage before
            side = config.window_spec[stage - 1 if starts_stage else stage]
            is_global = len(blocks) in config.global_attention_blocks
            blocks.append(
                MultiScaleBlock(
                    dim=dim_out // 2 if starts_stage else dim_out,
                    dim_out=dim_out,
                    num_heads=config.num_heads * 2**stage,
                    pool=starts_stage,
                    window_side=0 if is_global else side,
                )
            )
    return blocks
