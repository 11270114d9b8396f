"""The image encoder: the Hiera trunk and a feature pyramid neck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

from napari_sam2.model.hiera import Hiera

if TYPE_CHECKING:
    from napari_sam2.model.config import ModelConfig

__all__ = ["ImageEncoder"]

_TOP_DOWN_LEVELS = (2, 3)  # counted from the finest; the two finer maps are lateral only


class _Lateral(nn.Module):
    """A 1 x 1 convolution, wrapped as the official weights name it."""

    def __init__(self, dim: int, d_model: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, d_model, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class FeaturePyramid(nn.Module):
    """Bring all stages to one width; the coarsest flows into the next finer one.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # the official weights list the coarsest level first
        self.convs = nn.ModuleList(
            _Lateral(dim, config.d_model) for dim in reversed(config.stage_dims)
        )

    def forward(self, stages: list[Tensor]) -> list[Tensor]:
        """Map the four stages, finest first, to the three finest levels (B, D, H, W)."""
        levels: list[Tensor] = []
        coarser: Tensor | None = None
        for level in reversed(range(len(stages))):
            x = self.convs[len(stages) - 1 - level](stages[level])
            if coarser is not None and level in _TOP_DOWN_LEVELS:
                x = x + F.interpolate(coarser.float(), scale_factor=2.0, mode="nearest").to(x.dtype)
            coarser = x
            levels.insert(0, x)
        return levels[:-1]


class ImageEncoder(nn.Module):
    """Trunk and neck.

    Parameters
    ----------
    config : ModelConfig
        Sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config)
        self.neck = FeaturePyramid(config)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map (B, 3, S, S) to maps (B, D, S/4, S/4), (B, D, S/8, S/8), (B, D, S/16, S/16)."""
        return self.neck(self.trunk(image))  # type: ignore[no-any-return]
