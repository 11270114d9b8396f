"""The mask decoder: prompts and image features become masks, their scores and the object's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from napari_sam2.model.layers import MLP, LayerNorm2d
from napari_sam2.model.two_way import TwoWayTransformer

if TYPE_CHECKING:
    from napari_sam2.model.config import ModelConfig

__all__ = ["NUM_MASKS", "MaskDecoder"]

NUM_MASKS: Final = 4
"""The single mask (index 0) and the three masks of an ambiguous click."""


class MaskDecoder(nn.Module):
    """Decode masks.

    Parameters
    ----------
    config : ModelConfig
        Sizes.

    References
    ----------
    Kirillov et al. 2023, Segment Anything, appendix A; Ravi et al. 2024, SAM 2, section 4 (skip connections from the
    finer maps, object score).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.d_model
        self.transformer = TwoWayTransformer(d, mlp_dim=config.feedforward_dim)
        self.iou_token = nn.Embedding(1, d)
        self.mask_tokens = nn.Embedding(NUM_MASKS, d)
        self.obj_score_token = nn.Embedding(1, d)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(d, d // 4, kernel_size=2, stride=2),
            LayerNorm2d(d // 4),
            nn.GELU(),
            nn.ConvTranspose2d(d // 4, d // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        self.conv_s0 = nn.Conv2d(d, d // 8, kernel_size=1)
        self.conv_s1 = nn.Conv2d(d, d // 4, kernel_size=1)
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(d, d, d, d // 8) for _ in range(NUM_MASKS)
        )
        self.iou_prediction_head = MLP(d, d, d, NUM_MASKS)
        self.pred_obj_score_head = MLP(d, d, d, 1)

    def forward(
        self,
        features: Tensor,
        high_res: tuple[Tensor, Tensor],
        positions: Tensor,
        prompt_tokens: Tensor,
        mask_map: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Decode.

        Parameters
        ----------
        features : Tensor, (B, D, h, w)
            Image features, conditioned on memories or with the no-memory embedding.
        high_res : tuple of Tensor, (B or 1, D/8, 4h, 4w) and (B or 1, D/4, 2h, 2w)
            The finer maps.
        positions : Tensor, (1, D, h, w)
            Fourier features of the pixel centres.
        prompt_tokens : Tensor, (B, N, D)
            Encoded points.
        mask_map : Tensor, (B, D, h, w) or (1, D, 1, 1)
            Encoded mask.

        Returns
        -------
        logits : Tensor, (B, 4, 4h, 4w)
        iou_score : Tensor, (B, 4)
            0 to 1.
        tokens : Tensor, (B, 4, D)
            The mask tokens; object pointers are made of them.
        object_score : Tensor, (B,)
            Logit.
        """
        own = torch.cat(
            [e.weight for e in (self.obj_score_token, self.iou_token, self.mask_tokens)]
        )
        tokens = torch.cat((own.expand(len(prompt_tokens), -1, -1), prompt_tokens), dim=1)
        tokens, pixels = self.transformer(features + mask_map, positions, tokens)
        mask_tokens = tokens[:, 2 : 2 + NUM_MASKS]
        logits = self._masks(pixels, high_res, mask_tokens)
        iou_score = self.iou_prediction_head(tokens[:, 1]).sigmoid()
        object_score = self.pred_obj_score_head(tokens[:, 0])[:, 0]
        return logits, iou_score, mask_tokens, object_score

    def _masks(
        self, pixels: Tensor, high_res: tuple[Tensor, Tensor], mask_tokens: Tensor
    ) -> Tensor:
        """Upscale (B, D, h, w) by four and compare every pixel with every mask token."""
        grow_1, norm, activation, grow_2, _ = self.output_upscaling
        x = activation(norm(grow_1(pixels) + high_res[1]))
        x = activation(grow_2(x) + high_res[0])
        weights = torch.stack(
            [mlp(mask_tokens[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )
        # (B, 4, D/8) x (B, D/8, 16hw) -> (B, 4, 4h, 4w)
        return (weights @ x.flatten(2)).unflatten(2, x.shape[2:])  # type: ignore[no-any-return]
