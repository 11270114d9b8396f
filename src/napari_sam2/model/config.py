"""What differs between the released networks, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CONFIGS", "MAX_POINTERS", "NUM_MEMORIES", "ModelConfig"]

NUM_MEMORIES: Final = 7
"""Memory maps that a frame attends to: the prompted frames count as age 0, then the 6 frames before."""

MAX_POINTERS: Final = 16
"""Object pointers reach this many frames back, the frame itself included."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The sizes of one network.

    Parameters
    ----------
    embed_dim, num_heads : int
        Width and attention heads of the first Hiera stage; both double from stage to stage.
    stages : tuple of int
        Blocks per stage.
    global_attention_blocks : tuple of int
        Blocks that attend to the whole plane instead of to windows.
    window_spec : tuple of int
        Window side per stage, in tokens.
    background_size : tuple of int
        Height and width of the position embedding that is stretched over the plane.
    d_model : int
        Width of everything behind the neck.
    memory_dim : int
        Channels of a memory map; must divide ``d_model``.
    memory_attention_layers : int
        Layers of the memory attention.
    feedforward_dim : int
        Hidden width of the feed-forward parts behind the neck.
    temporal_pointers : bool
        SAM 2.1: object pointers carry their distance in time, and absent objects leave a trace in their memory maps.
    input_sides : tuple of int
        Smallest and largest side of the square input that the weights were trained for, in pixels.
    mirrored_to : int
        Prompts on inputs of at most this side are decoded on the mirror image too, and the answers averaged: a small network
        gains by it. 0 for never.

    References
    ----------
    Ravi et al. 2024, SAM 2: Segment Anything in Images and Videos, section 4 and appendix D.
    """

    embed_dim: int
    num_heads: int
    stages: tuple[int, ...]
    global_attention_blocks: tuple[int, ...]
    window_spec: tuple[int, ...] = (8, 4, 14, 7)
    background_size: tuple[int, int] = (7, 7)
    d_model: int = 256
    memory_dim: int = 64
    memory_attention_layers: int = 4
    feedforward_dim: int = 2048
    temporal_pointers: bool = True
    input_sides: tuple[int, int] = (1024, 1024)
    mirrored_to: int = 0

    @property
    def stage_dims(self) -> tuple[int, ...]:
        """Channels of the four stages, finest first."""
        return tuple(self.embed_dim * 2**i for i in range(len(self.stages)))


def _official(temporal_pointers: bool) -> dict[str, ModelConfig]:
    return {
        "tiny": ModelConfig(96, 1, (1, 2, 7, 2), (5, 7, 9), temporal_pointers=temporal_pointers),
        "small": ModelConfig(
            96, 1, (1, 2, 11, 2), (7, 10, 13), temporal_pointers=temporal_pointers
        ),
        "base_plus": ModelConfig(
            112,
            2,
            (2, 3, 16, 3),
            (12, 16, 20),
            background_size=(14, 14),
            temporal_pointers=temporal_pointers,
        ),
        "large": ModelConfig(
            144,
            2,
            (2, 6, 36, 4),
            (23, 33, 43),
            window_spec=(8, 4, 16, 8),
            temporal_pointers=temporal_pointers,
        ),
    }


CONFIGS: Final[dict[str, ModelConfig]] = {
    "nano": ModelConfig(
        32,
        1,
        (1, 2, 4, 1),
        (4, 6),
        window_spec=(8, 4, 8, 4),
        background_size=(8, 8),
        d_model=128,
        memory_dim=32,
        memory_attention_layers=2,
        feedforward_dim=512,
        input_sides=(128, 512),
        mirrored_to=256,
    ),
    **{f"sam2.1_hiera_{size}": c for size, c in _official(temporal_pointers=True).items()},
    **{f"sam2_hiera_{size}": c for size, c in _official(temporal_pointers=False).items()},
}
"""The bundled model and the eight released ones, by name."""
