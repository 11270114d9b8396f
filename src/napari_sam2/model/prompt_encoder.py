"""The prompt encoder: points and box corners become tokens, a mask becomes a map."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from napari_sam2.model.layers import LayerNorm2d
from napari_sam2.model.positions import FourierPositions

__all__ = ["BOX_MAX", "BOX_MIN", "NEGATIVE", "PADDING", "POSITIVE", "PromptEncoder"]

NEGATIVE: Final = 0
POSITIVE: Final = 1
BOX_MIN: Final = 2
BOX_MAX: Final = 3
PADDING: Final = -1


class PromptEncoder(nn.Module):
    """Encode prompts for the mask decoder.

    Parameters
    ----------
    d_model : int
        Width of the tokens.

    References
    ----------
    Kirillov et al. 2023, Segment Anything, section 3 and appendix A.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.pe_layer = FourierPositions(d_model)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, d_model) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, d_model)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, kernel_size=2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, d_model, kernel_size=1),
        )
        self.no_mask_embed = nn.Embedding(1, d_model)

    def encode_points(
        self, point_xy: Tensor, point_kind: Tensor, input_hw: tuple[int, int]
    ) -> Tensor:
        """Encode points and box corners.

        Parameters
        ----------
        point_xy : Tensor, (B, N, 2)
            (x, y) in input pixels, centres at integers.
        point_kind : Tensor of int, (B, N)
            `POSITIVE`, `NEGATIVE`, `BOX_MIN`, `BOX_MAX` or `PADDING`.
        input_hw : tuple of int
            Size of the input.

        Returns
        -------
        Tensor, (B, N + 1, D), or (B, 2, D) for N = 0
            A padding token comes last.
        """
        # where no point is given, a padding point stands for it, and another one is appended
        count = 1 if point_kind.shape[1] else 2
        padding = point_kind.new_full((len(point_kind), count), PADDING)
        kind = torch.cat((point_kind, padding), dim=1)
        xy = torch.cat((point_xy.float(), point_xy.new_zeros(len(point_xy), count, 2).float()), 1)
        size = torch.tensor((input_hw[1], input_hw[0]), dtype=torch.float32, device=xy.device)
        positions = self.pe_layer((xy + 0.5) / size)
        # rows: negative, positive, box corners, padding (index -1)
        kinds = torch.cat([e.weight for e in (*self.point_embeddings, self.not_a_point_embed)])
        is_point = (kind != PADDING)[..., None]
        return positions * is_point + kinds[kind.long()]  # type: ignore[no-any-return]

    def encode_mask(self, mask_logits: Tensor | None) -> Tensor:
        """Encode a mask's logits (B, 1, 4h, 4w) as (B, D, h, w), or its absence as (1, D, 1, 1)."""
        if mask_logits is None:
            return self.no_mask_embed.weight[:, :, None, None]
        return self.mask_downscaling(mask_logits)  # type: ignore[no-any-return]
