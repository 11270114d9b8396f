"""Memory attention: a frame's features look at the memories of one object.

Values are the memories themselves, 64 wide, and are projected to the model's width after the attention instead of
before it: the same by linearity (the weights of a query sum to one, so that the bias passes through), with 1.6 times less
arithmetic.

References
----------
Ravi et al. 2024, SAM 2, section 4 (memory attention).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_sam2.model.attention import attend
from napari_sam2.model.positions import apply_rotation, axial_rotation, sine_map

if TYPE_CHECKING:
    from napari_sam2.model.config import ModelConfig

__all__ = ["MemoryAttention", "MemoryTokens"]


@dataclass(frozen=True, slots=True, eq=False)
class MemoryTokens:
    """What a frame attends to.

    Parameters
    ----------
    values : Tensor, (B, K, M)
        Pixels of the memory maps, one map after the other, then the tokens of the object pointers.
    positions : Tensor, (B, K, M)
        Added to the values to make keys: place and age.
    num_pointer_tokens : int
        The last so many tokens have no place, and are not turned by RoPE.
    is_valid : Tensor of bool, (B, K), optional
        False for padding.
    """

    values: Tensor
    positions: Tensor
    num_pointer_tokens: int
    is_valid: Tensor | None = None


class RotaryAttention(nn.Module):
    """Attention with one head and rotary position encoding."""

    def __init__(self, d_model: int, value_dim: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(value_dim, d_model)
        self.v_proj = nn.Linear(value_dim, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        rotation: Tensor,
        num_pointer_tokens: int = 0,
        is_valid: Tensor | None = None,
    ) -> Tensor:
        """Attend from (B, HW, D) to keys and values (B, K, E)."""
        q = apply_rotation(self.q_proj(q), rotation)
        k = self.k_proj(k)
        n = k.shape[1] - num_pointer_tokens
        turned = apply_rotation(k[:, :n], rotation)
        k = torch.cat((turned, k[:, n:]), dim=1) if num_pointer_tokens else turned
        return self.out_proj(self.v_proj(attend(q, k, v.to(q.dtype), is_valid)))  # type: ignore[no-any-return]


class MemoryAttentionLayer(nn.Module):
    """Self-attention over the frame, cross-attention to the memories, feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.self_attn = RotaryAttention(d, d)
        self.cross_attn_image = RotaryAttention(d, config.memory_dim)
        self.linear1 = nn.Linear(d, config.feedforward_dim)
        self.linear2 = nn.Linear(config.feedforward_dim, d)
        self.norm1 = nn.LayerNorm(d)
        self.norm2 = nn.LayerNorm(d)
        self.norm3 = nn.LayerNorm(d)

    def forward(self, x: Tensor, memory: MemoryTokens, rotation: Tensor) -> Tensor:
        """Update the frame's pixels (B or 1, HW, D); the result has the batch of the memories."""
        y = self.norm1(x)
        x = x + self.self_attn(y, y, y, rotation)
        x = x.expand(len(memory.values), -1, -1)
        x = x + self.cross_attn_image(
            self.norm2(x),
            memory.values + memory.positions,
            memory.values,
            rotation,
            memory.num_pointer_tokens,
            memory.is_valid,
        )
        return x + self.linear2(F.relu(self.linear1(self.norm3(x))))  # type: ignore[no-any-return]


class MemoryAttention(nn.Module):
    """Condition features on memories.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            MemoryAttentionLayer(config) for _ in range(config.memory_attention_layers)
        )
        self.norm = nn.LayerNorm(config.d_model)

    def forward(self, features: Tensor, memory: MemoryTokens) -> Tensor:
        """Map features (B or 1, D, h, w) to memory-conditioned features (B, D, h, w).

        Objects of one frame share its features until they meet their memories: give those once, as a batch of one.
        """
        _, d, h, w = features.shape
        rotation = axial_rotation(d, h, w, features.device)
        x = features + 0.1 * sine_map(d, h, w, features.device)
        x = x.flatten(2).transpose(1, 2)  # (B, D, h, w) -> (B, hw, D)
        for layer in self.layers:
            x = layer(x, memory, rotation)
        # (B, hw, D) -> (B, D, h, w)
        return self.norm(x).transpose(1, 2).unflatten(2, (h, w))  # type: ignore[no-any-return]
