"""The mask decoder's transformer, in which prompt tokens and image pixels attend to each other.

References
----------
Kirillov et al. 2023, Segment Anything, appendix A (lightweight mask decoder).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from napari_sam2.model.layers import MLP

__all__ = ["TwoWayTransformer"]

_HEADS = 8


class Attention(nn.Module):
    """Multi-head attention, optionally of a smaller width inside."""

    def __init__(self, dim: int, inner_dim: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(dim, inner_dim)
        self.k_proj = nn.Linear(dim, inner_dim)
        self.v_proj = nn.Linear(dim, inner_dim)
        self.out_proj = nn.Linear(inner_dim, dim)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend from (B, Nq, D) to (B, Nk, D)."""
        q, k, v = (
            x.unflatten(2, (_HEADS, -1)).transpose(1, 2)  # (B, N, C) -> (B, heads, N, C / heads)
            for x in (self.q_proj(q), self.k_proj(k), self.v_proj(v))
        )
        out = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class TwoWayBlock(nn.Module):
    """Tokens among themselves, tokens to pixels, feed-forward, pixels to tokens."""

    def __init__(self, dim: int, mlp_dim: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(dim, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = Attention(dim, dim // 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim, mlp_dim, dim)
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = Attention(dim, dim // 2)

    def forward(
        self, tokens: Tensor, pixels: Tensor, token_pe: Tensor, pixel_pe: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update tokens (B, N, D) and pixels (B, HW, D)."""
        if self.first:  # the tokens are nothing but their positions yet
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            q = tokens + token_pe
            tokens = tokens + self.self_attn(q, q, tokens)
        tokens = self.norm1(tokens)
        keys = pixels + pixel_pe
        tokens = tokens + self.cross_attn_token_to_image(tokens + token_pe, keys, pixels)
        tokens = self.norm2(tokens)
        tokens = self.norm3(tokens + self.mlp(tokens))
        pixels = pixels + self.cross_attn_image_to_token(keys, tokens + token_pe, tokens)
        return tokens, self.norm4(pixels)


class TwoWayTransformer(nn.Module):
    """Two such blocks and a last look of the tokens at the pixels.

    Parameters
    ----------
    dim : int
        Width.
    mlp_dim : int
        Hidden width of the feed-forward parts.
    """

    def __init__(self, dim: int, mlp_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, mlp_dim, first=i == 0) for i in range(2))
        self.final_attn_token_to_image = Attention(dim, dim // 2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(
        self, features: Tensor, positions: Tensor, prompt_tokens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return tokens (B, N, D) and pixels (B, D, h, w).

        Parameters
        ----------
        features : Tensor, (B, D, h, w)
            Image features.
        positions : Tensor, (1, D, h, w)
            Their position encoding.
        prompt_tokens : Tensor, (B, N, D)
            Tokens; they double as their own position encoding.
        """
        pixels = features.flatten(2).transpose(1, 2)  # (B, D, h, w) -> (B, hw, D)
        pixel_pe = positions.flatten(2).transpose(1, 2)
        tokens = prompt_tokens
        for layer in self.layers:
            tokens, pixels = layer(tokens, pixels, prompt_tokens, pixel_pe)
        tokens = tokens + self.final_attn_token_to_image(
            tokens + prompt_tokens, pixels + pixel_pe, pixels
        )
        # (B, hw, D) -> (B, D, h, w)
        return self.norm_final_attn(tokens), pixels.transpose(1, 2).unflatten(2, features.shape[2:])  # type: ignore[no-untyped-call]
