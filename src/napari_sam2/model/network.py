"""SAM 2 as one stateless network: encode an image, decode a prompt, encode and attend to memories.

References
----------
Ravi et al. 2024, SAM 2: Segment Anything in Images and Videos.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

from napari_sam2.model.config import NUM_MEMORIES, ModelConfig
from napari_sam2.model.image_encoder import ImageEncoder
from napari_sam2.model.layers import MLP
from napari_sam2.model.mask_decoder import MaskDecoder
from napari_sam2.model.memory_attention import MemoryAttention, MemoryTokens
from napari_sam2.model.memory_encoder import MemoryEncoder
from napari_sam2.model.positions import sine_map, sine_of_time
from napari_sam2.model.products import fast_exact_products
from napari_sam2.model.prompt_encoder import PromptEncoder

__all__ = ["MEMORY_PARTS", "SAM2", "ImageEmbedding", "MaskPrediction", "MemoryBatch"]

MEMORY_PARTS: Final = (
    "memory_attention.",
    "memory_encoder.",
    "maskmem_tpos_enc",
    "obj_ptr_proj.",
    "obj_ptr_tpos_proj.",
    "no_obj_ptr",
    "no_obj_embed_spatial",
)
"""How the names of those weights begin that only tracking uses."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageEmbedding:
    """What the image encoder makes of a plane.

    Parameters
    ----------
    features : Tensor, (B, D, h, w)
        A sixteenth of the input's sides.
    high_res : tuple of Tensor, (B, D/8, 4h, 4w) and (B, D/4, 2h, 2w)
        Finer maps for the mask decoder.
    """

    features: Tensor
    high_res: tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class MaskPrediction:
    """What the mask decoder says.

    Parameters
    ----------
    logits : Tensor, float32, (B, 4, 4h, 4w)
        Index 0: the single mask; 1 to 3: the three masks of an ambiguous click.
    iou_score : Tensor, float32, (B, 4)
        The model's own estimate, 0 to 1.
    tokens : Tensor, (B, 4, D)
        Object pointers are made of them.
    object_score : Tensor, float32, (B,)
        Logit.
    """

    logits: Tensor
    iou_score: Tensor
    tokens: Tensor
    object_score: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class MemoryBatch:
    """The memories of a batch of objects, as one frame sees them.

    Parameters
    ----------
    maps : Tensor, (B, T, M, h, w)
        Memory maps.
    map_age : Tensor of int, (B, T)
        0 for prompted frames, else how many frames before (1 to 6).
    pointers : Tensor, (B, P, D)
        Object pointers; P may be 0.
    pointer_distance : Tensor, (B, P)
        Frames since, in the direction of the pass.
    max_distance : int
        The distance that counts as 1: ``min(n_frames, 16) - 1``.
    valid_maps, valid_pointers : Tensor of bool, (B, T) and (B, P), optional
        False for padding; None if all are valid.
    """

    maps: Tensor
    map_age: Tensor
    pointers: Tensor
    pointer_distance: Tensor
    max_distance: int
    valid_maps: Tensor | None = None
    valid_pointers: Tensor | None = None


class SAM2(nn.Module):
    """The whole network.

    Parameters
    ----------
    config : ModelConfig
        Sizes.

    Attributes
    ----------
    name : str
        What it was loaded as.
    precision : {"float32", "bfloat16"}
        Of the arithmetic; the weights are float32.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.name = ""
        self.precision: Literal["float32", "bfloat16"] = "float32"
        d, m = config.d_model, config.memory_dim
        self.image_encoder = ImageEncoder(config)
        self.mask_downsample = nn.Conv2d(1, 1, kernel_size=4, stride=4)
        self.memory_attention = MemoryAttention(config)
        self.memory_encoder = MemoryEncoder(d, m)
        self.sam_prompt_encoder = PromptEncoder(d)
        self.sam_mask_decoder = MaskDecoder(config)
        self.obj_ptr_proj = MLP(d, d, d, d)
        self.maskmem_tpos_enc = nn.Parameter(torch.zeros(NUM_MEMORIES, 1, 1, m))
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, d))
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, d))  # in the files, but never used
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, d))
        if config.temporal_pointers:
            self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, m))
            self.obj_ptr_tpos_proj = nn.Linear(d, m)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.no_mem_embed.device

    def autocast(self) -> AbstractContextManager[object]:
        """Return a context in which the network computes at its `precision`."""
        if self.precision == "float32":
            return fast_exact_products() if self.device.type == "cpu" else nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def encode_image(self, image: Tensor) -> ImageEmbedding:
        """Encode normalised images (B, 3, S, S); S is a multiple of 32."""
        fine, middle, coarse = self.image_encoder(image)
        decoder = self.sam_mask_decoder
        return ImageEmbedding(coarse, (decoder.conv_s0(fine), decoder.conv_s1(middle)))

    def without_memory(self, features: Tensor) -> Tensor:
        """Mark features (B, D, h, w) as seen without any memory."""
        return features + self.no_mem_embed.reshape(1, -1, 1, 1)

    def decode(
        self,
        features: Tensor,
        high_res: tuple[Tensor, Tensor],
        point_xy: Tensor,
        point_kind: Tensor,
        mask_logits: Tensor | None = None,
    ) -> MaskPrediction:
        """Decode prompts into masks.

        Parameters
        ----------
        features : Tensor, (B, D, h, w)
            From `without_memory` or `attend_memory`.
        high_res : tuple of Tensor
            Of the same frames; batch B or 1.
        point_xy : Tensor, (B, N, 2)
            (x, y) in input pixels, centres at integers. N may be 0.
        point_kind : Tensor of int, (B, N)
            See `prompt_encoder`; box corners come before clicks.
        mask_logits : Tensor, (B, 1, 4h, 4w), optional
            Earlier logits to start from.

        Returns
        -------
        MaskPrediction
        """
        h, w = features.shape[2:]
        encoder = self.sam_prompt_encoder
        logits, iou_score, tokens, object_score = self.sam_mask_decoder(
            features,
            high_res,
            encoder.pe_layer.grid(h, w),
            encoder.encode_points(point_xy, point_kind, (16 * h, 16 * w)),
            encoder.encode_mask(mask_logits),
        )
        return MaskPrediction(logits.float(), iou_score.float(), tokens, object_score.float())

    def object_pointer(self, token: Tensor, object_score: Tensor) -> Tensor:
        """Make object pointers (B, D) of mask tokens (B, D); absent objects (score <= 0) get the learned one."""
        is_present = (object_score > 0)[:, None]
        return torch.where(is_present, self.obj_ptr_proj(token).float(), self.no_obj_ptr)

    def mask_as_prompt(self, mask: Tensor) -> Tensor:
        """Shrink an exact mask (B, 1, 16h, 16w), 0 or 1, to the decoder's mask input (B, 1, 4h, 4w)."""
        return self.mask_downsample(mask)  # type: ignore[no-any-return]

    def encode_memory(self, features: Tensor, mask: Tensor, object_score: Tensor) -> Tensor:
        """Encode a memory.

        Parameters
        ----------
        features : Tensor, (B or 1, D, h, w)
            The plain features of the frame.
        mask : Tensor, (B, 1, 16h, 16w)
            0 to 1: the sigmoid of the logits, or 0 and 1 on prompted frames.
        object_score : Tensor, (B,)
            Logit.

        Returns
        -------
        Tensor, (B, M, h, w)
        """
        memory = self.memory_encoder(features, 20.0 * mask - 10.0)
        if self.config.temporal_pointers:
            is_absent = (object_score <= 0).to(memory.dtype)[:, None, None, None]
            memory = memory + is_absent * self.no_obj_embed_spatial[..., None, None]
        return memory  # type: ignore[no-any-return]

    def attend_memory(self, features: Tensor, memory: MemoryBatch) -> Tensor:
        """Condition features (B or 1, D, h, w) on memories, one object per batch entry: (B, D, h, w)."""
        tokens = self._tokens(memory)
        return self.memory_attention(features, tokens)  # type: ignore[no-any-return]

    def _tokens(self, memory: MemoryBatch) -> MemoryTokens:
        b, _t, m, h, w = memory.maps.shape
        hw, d = h * w, self.config.d_model
        # age 0 (prompted) is the last row of the table, age 1 the first, as upstream counts
        age = self.maskmem_tpos_enc[:, 0, 0][(memory.map_age.long() - 1) % NUM_MEMORIES]
        place = sine_map(m, h, w, memory.maps.device).flatten(2).transpose(1, 2)  # (1, hw, M)
        map_positions = (age[:, :, None] + place[:, None]).flatten(
            1, 2
        )  # (B, T, hw, M) -> (B, T hw, M)
        map_values = (
            memory.maps.flatten(3).transpose(2, 3).flatten(1, 2)
        )  # (B, T, M, h, w) -> (B, T hw, M)
        split = d // m
        p = memory.pointers.shape[1]
        # (B, P, D) -> (B, P D/M, M): a pointer is several tokens of memory width
        pointer_values = memory.pointers.reshape(b, p * split, m)
        pointer_positions = self._pointer_positions(memory).repeat_interleave(split, dim=1)
        return MemoryTokens(
            torch.cat((map_values, pointer_values.to(map_values.dtype)), dim=1),
            torch.cat((map_positions, pointer_positions), dim=1),
            p * split,
            _valid_tokens(memory, hw, split),
        )

    def _pointer_positions(self, memory: MemoryBatch) -> Tensor:
        """Encode the distances of the pointers, (B, P, M)."""
        distance = memory.pointer_distance
        if not self.config.temporal_pointers:
            return distance.new_zeros(
                (*distance.shape, self.config.memory_dim), dtype=torch.float32
            )
        encoded = sine_of_time(distance / max(memory.max_distance, 1), self.config.d_model)
        return self.obj_ptr_tpos_proj(encoded)  # type: ignore[no-any-return]


def _valid_tokens(memory: MemoryBatch, hw: int, split: int) -> Tensor | None:
    """Spread validity from maps and pointers to tokens, (B, K); None if all are valid."""
    if memory.valid_maps is None and memory.valid_pointers is None:
        return None
    maps, pointers = memory.valid_maps, memory.valid_pointers
    if maps is None:
        maps = torch.ones_like(memory.map_age, dtype=torch.bool)
    if pointers is None:
        pointers = torch.ones_like(memory.pointer_distance, dtype=torch.bool)
    return torch.cat((maps.repeat_interleave(hw, 1), pointers.repeat_interleave(split, 1)), dim=1)
