"""Starting weights for a network that is trained from nothing, such that it knows from the first step where a click is.

From an ordinary random start, a network of this size spends the first thousand steps on finding out that a click has a
place: masks do not depend on it until then. Here the decoder starts with attention between tokens and pixels that is
stronger the nearer they are, so that pixels near a click are marked from the beginning, and 150 steps are enough.
"""

import torch
from torch import nn

from napari_sam2.model.network import SAM2

__all__ = ["initialise"]

LAYER_SCALE = 0.1
NECK_SCALE = 0.3
ATTENTION_GAIN = 1.5
BACKGROUND = 0.3
SLOW = 0.5
"""Deviation of the spatial frequencies of the first half of the position encoding (upstream: 1)."""

_EMBEDDINGS = {
    "pos_embed",
    "pos_embed_window",
    "maskmem_tpos_enc",
    "no_mem_embed",
    "no_mem_pos_enc",
    "no_obj_ptr",
    "no_obj_embed_spatial",
}
_NEAR = ("cross_attn_token_to_image", "cross_attn_image_to_token", "final_attn_token_to_image")


@torch.no_grad()
def initialise(net: SAM2, seed: int) -> SAM2:
    """Draw the weights of ``net``, in place, from ``seed`` alone.

    Linear layers are drawn from a narrow normal distribution, convolutions as torch does; the layer scale of the memory
    encoder starts at 0.1 instead of upstream's 1e-6, which hardly learns in a short run.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            std = 0.8 * module.in_features**-0.5
            nn.init.trunc_normal_(
                module.weight, std=std, a=-3 * std, b=3 * std, generator=generator
            )
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, generator=generator)
    for name, parameter in net.named_parameters():
        if name.endswith(".gamma"):
            parameter.fill_(LAYER_SCALE)
        elif name.rpartition(".")[2] in _EMBEDDINGS:
            nn.init.trunc_normal_(parameter, std=0.02, generator=generator)
    _attend_to_what_is_near(net, generator)
    return net


def _attend_to_what_is_near(net: SAM2, generator: torch.Generator) -> None:
    """Make the decoder's attention between tokens and pixels fall off with their distance.

    A quarter of the channels of the width D, and as many in its other half, hold the sines and cosines of slow
    frequencies. They are kept free of all else (image features and learned tokens), and queries and keys read little
    else, each head some of the frequencies.
    """
    encoder, decoder = net.sam_prompt_encoder, net.sam_mask_decoder
    frequencies = encoder.pe_layer.positional_encoding_gaussian_matrix
    frequencies.normal_(generator=generator)
    count = frequencies.shape[1]
    slow = torch.arange(count // 2)
    frequencies[:, slow] *= SLOW
    reserved = torch.cat([slow, slow + count])  # sines come first, then cosines
    for part in (encoder, decoder):
        for module in part.modules():
            if isinstance(module, nn.Embedding):
                module.weight[:, reserved] = 0
    for parameter in net.image_encoder.neck.parameters():
        parameter.mul_(NECK_SCALE)
        parameter[reserved] = 0
    for name, module in decoder.named_modules():
        if name.endswith(_NEAR):
            q, k = module.get_submodule("q_proj"), module.get_submodule("k_proj")
            assert isinstance(q, nn.Linear) and isinstance(k, nn.Linear)
            # rows of the projection: sine and cosine of one frequency after the other, so that a head has both
            source = torch.stack([slow, slow + count], 1).flatten()
            for layer in (q, k):
                layer.weight.mul_(BACKGROUND)
                layer.weight[torch.arange(len(source)), source] += ATTENTION_GAIN
