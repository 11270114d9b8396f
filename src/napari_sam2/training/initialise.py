"""Starting weights for a network that is trained from nothing."""

import torch
from torch import nn

from napari_sam2.model.network import SAM2

__all__ = ["initialise"]

LAYER_SCALE = 0.1


@torch.no_grad()
def initialise(net: SAM2, seed: int) -> SAM2:
    """Draw the weights of ``net``, in place, from ``seed`` alone.

    Linear layers and learned tokens are drawn from a narrow normal distribution, convolutions as torch does; the layer scale of the
    memory encoder starts at 0.1 instead of upstream's 1e-6, which hardly learns in a short run.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(
                module.weight, std=min(0.5, module.in_features**-0.5) * 0.8, generator=generator
            )
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.5, generator=generator)
    for name, parameter in net.named_parameters():
        if name.endswith(".gamma"):
            parameter.fill_(LAYER_SCALE)
        elif name.rpartition(".")[2] in _EMBEDDINGS:
            nn.init.trunc_normal_(parameter, std=0.02, generator=generator)
    for name, buffer in net.named_buffers():
        if name.endswith("gaussian_matrix"):
            buffer.normal_(generator=generator)
    return net


_EMBEDDINGS = {
    "pos_embed",
    "pos_embed_window",
    "maskmem_tpos_enc",
    "no_mem_embed",
    "no_mem_pos_enc",
    "no_obj_ptr",
    "no_obj_embed_spatial",
}
