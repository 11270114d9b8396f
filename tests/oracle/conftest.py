"""A second implementation of SAM 2, with our weights: the models of the `transformers` library.

Where that library departs from the original implementation, the original wins (tests/reference). `as_upstream` undoes
the departures that change numbers; test_transformers_departures.py shows that each of them is still there.

1. Memory maps are rounded to bfloat16, whatever the precision of the model. The recordings keep float32, and so do we.
2. For the object pointer of a mask prompt, the decoder is asked for three masks and the best one's token is taken. The
   original asks for the single mask.
3. A correction forgets the mask that it corrects. The original feeds the frame's logits back with the clicks, clamped to 32.
4. A corrected frame stays a tracked frame. In the original's predictor, and here, it becomes a prompted frame: it is always
   attended to, at age 0.
5. Objects that get prompts together, on a frame on which others are only tracked, make the memories of all of them binarised, and
   reset the direction of those after them; objects with prompts elsewhere are taken for prompted on the frame at hand. The tests
   give each object of that kind a video session of its own, where nothing of this can happen.

What makes no difference: box corners come after the clicks instead of before them in `Sam2Model` (attention does not care about
the order of tokens). What is left out: pictures are handed over processed, as the library's processors resize in another way;
and masks are compared before any processor sees them (no hole filling, no non-overlap).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_sam2.engine.transforms import View
from napari_sam2.model.config import ModelConfig
from napari_sam2.model.names import from_transformers
from napari_sam2.model.network import SAM2
from napari_sam2.prompts import Box, MaskPrompt, Point, Prompt
from napari_sam2.session import Session

# much smaller than the released networks; the library fixes the memory's width at 64
SMALL = ModelConfig(
    embed_dim=32,
    num_heads=1,
    stages=(1, 2, 3, 1),
    global_attention_blocks=(4, 5),  # the library can't do it on the first block of a stage
    d_model=128,
    memory_attention_layers=2,
    feedforward_dim=256,
)
CONFIGS = {
    "small 2.1": SMALL,
    "small 2.0": replace(SMALL, temporal_pointers=False),
    "two heads": replace(
        SMALL,
        num_heads=2,
        stages=(2, 1, 2, 2),
        global_attention_blocks=(4, 6),
        window_spec=(8, 4, 16, 8),
        background_size=(14, 14),
    ),
    "tiny, fewer layers": ModelConfig(
        96, 1, (1, 1, 2, 1), (3,), memory_attention_layers=1, feedforward_dim=1024
    ),
}

GAIN = 1.0
KIND = {True: 1, False: 0}


@dataclass(frozen=True, eq=False)
class Twin:
    """One network, twice.

    `ours` and the two models of the library hold the same random weights.
    """

    side: int
    config: ModelConfig
    ours: SAM2
    image_model: Any
    video_model: Any

    def session(self, movie: np.ndarray) -> Session:
        """Start a session of ours that does what upstream does."""
        return Session(movie, self.ours, intensity=None, stop_rule=None)

    def oracle(self, movie: np.ndarray) -> OracleSession:
        """Start a session of theirs on the same pixels."""
        return OracleSession(self.video_model, movie)


@dataclass(eq=False)
class OracleSession:
    """Prompts and tracking with the library's video model."""

    model: Any
    movie: np.ndarray
    logits: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    object_scores: dict[tuple[int, int], float] = field(default_factory=dict)
    iou_scores: dict[tuple[int, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        video = torch.cat([pixels(plane) for plane in self.movie])
        height, width = self.movie.shape[1:3]
        self.state = Sam2VideoInferenceSession(video, height, width, dtype=torch.float32)

    def prompt(self, frame: int, prompts: dict[int, tuple[Prompt, ...]]) -> None:
        """Give objects prompts on one frame, for each all of the frame's prompts so far."""
        state = self.state
        for object_id, own in prompts.items():
            index = state.obj_id_to_idx(object_id)
            if isinstance(own[0], MaskPrompt):
                mask = torch.from_numpy(own[0].mask.astype(np.float32))
                state.add_mask_inputs(index, frame, mask[None, None])
            else:
                xy, kinds = points(own)
                state.add_point_inputs(
                    index, frame, {"point_coords": xy[:, None], "point_labels": kinds[:, None]}
                )
        state.obj_with_new_inputs = list(prompts)
        self._keep(self.model(state, frame_idx=frame))
        for object_id in prompts:  # departure 4
            outputs = state.output_dict_per_obj[state.obj_id_to_idx(object_id)]
            corrected = outputs["non_cond_frame_outputs"].pop(frame, None)
            if corrected is not None:
                outputs["cond_frame_outputs"][frame] = corrected

    def track(self, start: int, reverse: bool = False) -> None:
        """Track all objects from a frame to the end or the beginning."""
        for output in self.model.propagate_in_video_iterator(self.state, start, reverse=reverse):
            self._keep(output)

    def _keep(self, output: Any) -> None:
        for row, object_id in enumerate(output.object_ids):
            key = (object_id, output.frame_idx)
            self.logits[key] = output.pred_masks[row, 0].numpy()
            self.object_scores[key] = float(output.object_score_logits[row].reshape(()))
        made = self.model.last_output
        if made is not None and len(output.object_ids) == 1:
            self.iou_scores[output.object_ids[0], output.frame_idx] = float(made.iou_scores.max())
        self.model.last_output = None


def pixels(plane: np.ndarray) -> Tensor:
    """Normalise a plane (y, x, 3), uint8, as SAM 2 does: (1, 3, y, x)."""
    scaled = torch.from_numpy(plane.astype(np.float32) / 255).permute(2, 0, 1)[None]
    mean = torch.tensor((0.485, 0.456, 0.406))[:, None, None]
    std = torch.tensor((0.229, 0.224, 0.225))[:, None, None]
    return (scaled - mean) / std


def points(prompts: tuple[Prompt, ...]) -> tuple[Tensor, Tensor]:
    """Write points and boxes as (x, y) and kinds, box first: (1, N, 2) and (1, N)."""
    corners: list[tuple[tuple[float, float], int]] = []
    clicks: list[tuple[tuple[float, float], int]] = []
    for prompt in prompts:
        if isinstance(prompt, Box):
            corners += [(prompt.yx_min, 2), (prompt.yx_max, 3)]
        elif isinstance(prompt, Point):
            clicks.append((prompt.yx, KIND[prompt.positive]))
    both = corners + clicks
    xy = torch.tensor([[(x, y) for (y, x), _ in both]], dtype=torch.float32)
    return xy, torch.tensor([[kind for _, kind in both]])


def draw_movie(side: int, n_frames: int, seed: int = 0) -> np.ndarray:
    """Draw drifting blobs on an uneven ground: uint8, (frame, y, x, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    start, drift = rng.uniform(0.2, 0.8, (6, 2)), rng.uniform(-0.02, 0.02, (6, 2))
    radius, colour = rng.uniform(0.05, 0.15, 6), rng.uniform(-90, 90, (6, 3))
    movie = np.empty((n_frames, side, side, 3), dtype=np.uint8)
    for t in range(n_frames):
        image = 120 + 30 * np.sin(9 * x + 5 * y * y + 0.2 * t)[..., None] * (1.0, 0.6, -0.8)
        for (cy, cx), r, c in zip(start + t * drift, radius, colour, strict=True):
            d = ((y - cy) ** 2 + (x - cx) ** 2) / r**2
            image += np.exp(-(d**2))[..., None] * c
        movie[t] = np.clip(image + rng.normal(0, 4, image.shape), 0, 255)
    return movie


def disk(side: int, centre_yx: tuple[float, float], radius: float) -> np.ndarray:
    """Draw a mask: bool, (y, x)."""
    y, x = np.mgrid[:side, :side]
    return (y - centre_yx[0]) ** 2 + (x - centre_yx[1]) ** 2 < radius**2


@pytest.fixture(scope="session")
def transformers_models() -> Any:
    """The library's module of models, or a skip where it is not installed (it is a test dependency)."""
    return pytest.importorskip("transformers", reason="the second oracle needs transformers")


@pytest.fixture(scope="session")
def make_twin(transformers_models: Any) -> Iterator[Callable[..., Twin]]:
    """Make twins by the name of a config and the side of the input; each is made once."""

    @cache
    def make(name: str, side: int, object_bias: float = 4.0) -> Twin:
        config = replace(CONFIGS[name], input_sides=(side, side))
        their_config = _their_config(transformers_models, config, side)
        video_model = as_upstream(transformers_models)(their_config).eval()
        randomise(video_model, object_bias)
        image_model = transformers_models.Sam2Model(
            transformers_models.Sam2Config(
                vision_config=their_config.vision_config,
                prompt_encoder_config=their_config.prompt_encoder_config.to_dict(),
                mask_decoder_config=their_config.mask_decoder_config.to_dict(),
            )
        ).eval()
        state = video_model.state_dict()
        image_model.load_state_dict({k: state[k] for k in image_model.state_dict()})
        ours = SAM2(config).eval().requires_grad_(False)
        ours.load_state_dict(from_transformers(state), strict=True)
        return Twin(side, config, ours, image_model, video_model)

    with torch.inference_mode():
        yield make
    make.cache_clear()


def as_upstream(transformers_models: Any) -> type[Any]:
    """Derive from the library's video model one that works as the original does (departures 1, 2, 3)."""

    class AsUpstream(transformers_models.Sam2VideoModel):  # type: ignore[misc, name-defined]
        last_output: Any = None
        wants_single_mask = False

        def _use_mask_as_output(self, *args: Any, **kwargs: Any) -> Any:
            self.wants_single_mask = True
            try:
                output = super()._use_mask_as_output(*args, **kwargs)
            finally:
                self.wants_single_mask = False
            side = output.high_res_masks.shape[-2:]
            output.high_res_masks = F.interpolate(output.pred_masks, side, mode="bilinear")
            return output

        def _single_frame_forward(self, *args: Any, **kwargs: Any) -> Any:
            if self.wants_single_mask:
                kwargs["multimask_output"] = False
            self.last_output = super()._single_frame_forward(*args, **kwargs)
            return self.last_output

        def _run_single_frame_inference(
            self,
            inference_session: Any,
            frame_idx: int,
            obj_idx: int,
            point_inputs: Any = None,
            **rest: Any,
        ) -> Any:
            earlier = None
            if point_inputs is not None:
                for key in ("cond_frame_outputs", "non_cond_frame_outputs"):
                    output = inference_session.output_dict_per_obj[obj_idx][key].get(frame_idx)
                    earlier = output["pred_masks"] if output is not None else earlier
            return super()._run_single_frame_inference(
                inference_session=inference_session,
                frame_idx=frame_idx,
                obj_idx=obj_idx,
                point_inputs=point_inputs,
                prev_sam_mask_logits=None if earlier is None else earlier.clamp(-32, 32),
                **rest,
            )

        def _encode_new_memory(self, *args: Any, **kwargs: Any) -> Any:
            maps: list[Tensor] = []
            hook = self.memory_encoder.register_forward_hook(
                lambda module, inputs, output: maps.append(output[0])
            )
            with hook:  # the trace of an absent object is added to this very tensor, in place
                _, positions = super()._encode_new_memory(*args, **kwargs)
            return maps[0].flatten(2).permute(2, 0, 1), positions

    return AsUpstream


def randomise(model: Any, object_bias: float) -> None:
    """Give all parameters values of a sensible scale, so that masks are neither empty nor full."""
    generator = torch.Generator().manual_seed(7)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    matrix = torch.randn(2, model.hidden_dim // 2, generator=generator)
    for name, tensor in tensors.items():
        if name not in model.state_dict():
            continue  # tables that follow from the config
        x = torch.randn(tensor.shape, generator=generator)
        if name.endswith("positional_embedding"):
            x = matrix  # one matrix under two names
        elif name.endswith("pred_obj_score_head.proj_out.bias"):
            x = x + object_bias
        elif "norm" in name and name.endswith("weight"):
            x = 1 + 0.1 * x
        elif name.endswith("bias"):
            x = 0.02 * x
        elif name.endswith(("embed.weight", "token.weight", "tokens.weight")):
            x = 0.5 * x
        elif name.endswith("weight"):
            x = x * GAIN / tensor[0].numel() ** 0.5
        else:  # free embeddings, layer scale
            x = 0.1 * x
        tensor.data.copy_(x)


def _their_config(transformers_models: Any, config: ModelConfig, side: int) -> Any:
    """Write a config of ours as the library's."""
    grid = side // 16
    d = config.d_model
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": config.embed_dim,
        "num_attention_heads": config.num_heads,
        "image_size": [side, side],
        "window_positional_embedding_background_size": list(config.background_size),
        "blocks_per_stage": list(config.stages),
        "embed_dim_per_stage": list(config.stage_dims),
        "num_attention_heads_per_stage": [config.num_heads * 2**i for i in range(4)],
        "window_size_per_stage": list(config.window_spec),
        "global_attention_blocks": list(config.global_attention_blocks),
    }
    vision = transformers_models.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=list(reversed(config.stage_dims)),
        backbone_feature_sizes=[[4 * grid] * 2, [2 * grid] * 2, [grid] * 2],
        fpn_hidden_size=d,
    )
    return transformers_models.Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": d, "image_size": side},
        mask_decoder_config={
            "hidden_size": d,
            "mlp_dim": config.feedforward_dim,
            "iou_head_hidden_dim": d,
        },
        image_size=side,
        enable_occlusion_spatial_embedding=config.temporal_pointers,
        enable_temporal_pos_encoding_for_object_pointers=config.temporal_pointers,
        memory_attention_hidden_size=d,
        memory_attention_num_layers=config.memory_attention_layers,
        memory_attention_feed_forward_hidden_size=config.feedforward_dim,
        memory_attention_rope_feat_sizes=[grid, grid],
        memory_encoder_hidden_size=d,
        memory_encoder_output_channels=config.memory_dim,
        mask_downsampler_embed_dim=d,
        memory_fuser_embed_dim=d,
        memory_fuser_intermediate_dim=4 * d,
        attn_implementation="sdpa",
    )
