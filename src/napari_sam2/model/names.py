"""From the ``transformers`` library's names of the weights to the official ones, which are ours.

Both name the same tensors of the same shapes, but for two: the four point embeddings are one tensor
there (a row each), and the matrix of the position encoding is there twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["POSITIONS", "RULES", "from_transformers", "is_transformers", "upstream_name"]

POSITIONS: Final = (
    "prompt_encoder.shared_embedding.positional_embedding",
    "shared_image_embedding.positional_embedding",
)
"""One matrix under two names: for the points, and for the pixels."""

_POINTS: Final = "prompt_encoder.point_embed.weight"
_OFFICIAL_POINTS: Final = "sam_prompt_encoder.point_embeddings.{}.weight"

# fmt: off
RULES: Final[tuple[tuple[str, str], ...]] = (
    # the image encoder
    (r"^vision_encoder\.backbone\.",                    r"image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.",          r"image_encoder.neck.convs.\1.conv."),
    (r"\.patch_embed\.projection\.",                    r".patch_embed.proj."),

    # the prompt encoder
    (r"^(prompt_encoder\.shared_embedding|shared_image_embedding)\.positional_embedding$",
     r"sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"^prompt_encoder\.mask_embed\.conv1\.",           r"prompt_encoder.mask_downscaling.0."),
    (r"^prompt_encoder\.mask_embed\.layer_norm1\.",     r"prompt_encoder.mask_downscaling.1."),
    (r"^prompt_encoder\.mask_embed\.conv2\.",           r"prompt_encoder.mask_downscaling.3."),
    (r"^prompt_encoder\.mask_embed\.layer_norm2\.",     r"prompt_encoder.mask_downscaling.4."),
    (r"^prompt_encoder\.mask_embed\.conv3\.",           r"prompt_encoder.mask_downscaling.6."),
    (r"^prompt_encoder\.",                              r"sam_prompt_encoder."),

    # the mask decoder
    (r"^mask_decoder\.upscale_conv1\.",                 r"mask_decoder.output_upscaling.0."),
    (r"^mask_decoder\.upscale_layer_norm\.",            r"mask_decoder.output_upscaling.1."),
    (r"^mask_decoder\.upscale_conv2\.",                 r"mask_decoder.output_upscaling.3."),
    (r"^mask_decoder\.",                                r"sam_mask_decoder."),

    # the memory encoder
    (r"\.mask_downsampler\.final_conv\.",               r".mask_downsampler.encoder.12."),
    (r"\.mask_downsampler\.layers\.0\.conv\.",          r".mask_downsampler.encoder.0."),
    (r"\.mask_downsampler\.layers\.0\.layer_norm\.",    r".mask_downsampler.encoder.1."),
    (r"\.mask_downsampler\.layers\.1\.conv\.",          r".mask_downsampler.encoder.3."),
    (r"\.mask_downsampler\.layers\.1\.layer_norm\.",    r".mask_downsampler.encoder.4."),
    (r"\.mask_downsampler\.layers\.2\.conv\.",          r".mask_downsampler.encoder.6."),
    (r"\.mask_downsampler\.layers\.2\.layer_norm\.",    r".mask_downsampler.encoder.7."),
    (r"\.mask_downsampler\.layers\.3\.conv\.",          r".mask_downsampler.encoder.9."),
    (r"\.mask_downsampler\.layers\.3\.layer_norm\.",    r".mask_downsampler.encoder.10."),
    (r"^memory_encoder\.feature_projection\.",          r"memory_encoder.pix_feat_proj."),
    (r"^memory_encoder\.projection\.",                  r"memory_encoder.out_proj."),
    (r"^memory_encoder\.memory_fuser\.",                r"memory_encoder.fuser."),
    (r"\.depthwise_conv\.",                             r".dwconv."),
    (r"\.pointwise_conv([12])\.",                       r".pwconv\1."),
    (r"^(memory_encoder\.fuser\.layers\.\d+)\.scale$",  r"\1.gamma"),

    # free embeddings and the object pointers
    (r"^no_memory_embedding$",                          r"no_mem_embed"),
    (r"^no_memory_positional_encoding$",                r"no_mem_pos_enc"),
    (r"^memory_temporal_positional_encoding$",          r"maskmem_tpos_enc"),
    (r"^no_object_pointer$",                            r"no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter$",        r"no_obj_embed_spatial"),
    (r"^object_pointer_proj\.",                         r"obj_ptr_proj."),
    (r"^temporal_positional_encoding_projection_layer\.", r"obj_ptr_tpos_proj."),

    # everywhere: a feed-forward of two layers is `mlp`, the others have three
    (r"\.mlp\.proj_in\.",                               r".mlp.layers.0."),
    (r"\.mlp\.proj_out\.",                              r".mlp.layers.1."),
    (r"(_mlps\.\d+|_head|^obj_ptr_proj)\.layers\.0\.",  r"\1.layers.1."),
    (r"(_mlps\.\d+|_head|^obj_ptr_proj)\.proj_in\.",    r"\1.layers.0."),
    (r"(_mlps\.\d+|_head|^obj_ptr_proj)\.proj_out\.",   r"\1.layers.2."),
    (r"\.o_proj\.",                                     r".out_proj."),
    (r"([._])layer_norm(\d?|_final_attn)\.",            r"\1norm\2."),
)
# fmt: on
"""Patterns and what replaces them, applied to every name in this order."""

_COMPILED = tuple((re.compile(pattern), new) for pattern, new in RULES)

Array = TypeVar("Array", bound=Any)


def is_transformers(names: Mapping[str, object]) -> bool:
    """Whether these are the ``transformers`` library's names."""
    return any(name.startswith("vision_encoder.") for name in names)


def upstream_name(name: str) -> str:
    """Translate one name; names that need no change, or are unknown, come back as they are."""
    for pattern, new in _COMPILED:
        name = pattern.sub(new, name)
    return name


def from_transformers(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Rename the tensors of a ``Sam2VideoModel`` (or the part of them that a ``Sam2Model`` has).

    Parameters
    ----------
    tensors : mapping of str to array
        A state dict of that library. Only slices are taken of the arrays.

    Returns
    -------
    dict of str to array
        The same arrays under the official names; the four point embeddings split, the position
        matrix once.
    """
    renamed: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if name == _POINTS:  # (4, D) -> four of (1, D)
            renamed |= {_OFFICIAL_POINTS.format(i): tensor[i : i + 1] for i in range(len(tensor))}
        elif name != POSITIONS[1] or POSITIONS[0] not in tensors:
            renamed[upstream_name(name)] = tensor
    return renamed
