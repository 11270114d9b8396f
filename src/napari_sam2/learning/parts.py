"""Which weights learn, and low-rank adapters on the encoder that disappear into its weights afterwards."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_sam2.model.network import MEMORY_PARTS

if TYPE_CHECKING:
    from napari_sam2.learning.settings import Learn
    from napari_sam2.model.network import SAM2

__all__ = ["Adapted", "learner", "merged", "sees_frozen_encoder"]

RANK: Final = 8
_DECODER: Final = ("sam_mask_decoder.",)
_EMBEDDING: Final = (
    "sam_mask_decoder.conv_s0.",
    "sam_mask_decoder.conv_s1.",
)  # part of what is cached


class Adapted(nn.Module):
    """A linear layer plus the product of two narrow ones, which is zero at first.

    Parameters
    ----------
    linear : nn.Linear
        The layer.
    rank : int
        Of the product.
    generator : torch.Generator
        Source of chance.

    References
    ----------
    Hu et al. 2022, LoRA: low-rank adaptation of large language models.
    """

    def __init__(self, linear: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = linear
        self.out_features = linear.out_features
        narrow = torch.randn(rank, linear.in_features, generator=generator)
        self.narrow = nn.Parameter((narrow / linear.in_features**0.5).to(linear.weight.device))
        self.wide = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out)."""
        return self.linear(x) + F.linear(F.linear(x, self.narrow), self.wide)  # type: ignore[no-any-return]

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Return the layer with the product added to its weights, in place."""
        self.linear.weight.add_(self.wide @ self.narrow)
        return self.linear


def learner(parent: SAM2, learn: Learn, seed: int) -> SAM2:
    """Copy a network; of the copy only what learns has gradients.

    Parameters
    ----------
    parent : SAM2
        Stays as it is.
    learn : {"decoder", "memory", "adapters", "everything"}
        Which weights.
    seed : int
        Of the adapters.
    """
    net = copy.deepcopy(parent)
    net.requires_grad_(False)
    if learn == "adapters":
        generator = torch.Generator().manual_seed(seed)
        for holder, name, layer in _encoder_layers(net):
            setattr(holder, name, Adapted(layer, RANK, generator))
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(_learns(name, learn))
    return net


def sees_frozen_encoder(learn: Learn) -> bool:
    """Tell whether embeddings stay the same while it learns."""
    return learn in ("decoder", "memory")


def merged(net: SAM2) -> SAM2:
    """Copy a network with its adapters multiplied into the weights: an ordinary one, for inference."""
    plain = copy.deepcopy(net)
    for holder in list(plain.modules()):
        for name, layer in list(holder.named_children()):
            if isinstance(layer, Adapted):
                setattr(holder, name, layer.merged())
    return plain.requires_grad_(False).eval()


def _encoder_layers(net: SAM2) -> list[tuple[nn.Module, str, nn.Linear]]:
    """Return the linear layers of the encoder's blocks, each with the module that holds it and its name there."""
    return [
        (holder, name, layer)
        for holder in net.image_encoder.trunk.blocks.modules()
        for name, layer in holder.named_children()
        if isinstance(layer, nn.Linear)
    ]


def _learns(name: str, learn: Learn) -> bool:
    if learn == "everything":
        return name != "no_mem_pos_enc" and "pe_layer" not in name
    if name.startswith(_EMBEDDING):
        return not sees_frozen_encoder(learn)
    if name.endswith((".narrow", ".wide")):
        return True
    wanted = _DECODER + (MEMORY_PARTS if learn == "memory" else ())
    return name.startswith(wanted)
