"""Our blocked attention beside torch's fused attention, at the size of a 1024 x 1024 frame with seven memories.

python benchmarks/attention.py
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from torch.nn import functional as F

from napari_sam2.model import attention

if TYPE_CHECKING:
    from collections.abc import Callable

QUERIES, KEYS = 64 * 64, 7 * 64 * 64 + 64


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Median time of some runs, after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    """Print a line per way."""
    console = Console()
    q, k = torch.randn(1, QUERIES, 256), torch.randn(1, KEYS, 256)
    narrow, wide = torch.randn(1, KEYS, 64), torch.randn(1, KEYS, 256)
    with torch.inference_mode():
        for name, v in (("256-wide values", wide), ("64-wide values", narrow)):
            fused = seconds(
                lambda v=v: F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])
            )
            console.print(f"torch, {name}: {fused:.2f} s")
        for mib in (8, 16, 32, 64, 128):
            attention._BLOCK_BYTES = mib * 2**20  # type: ignore[misc]
            console.print(
                f"blocks of {mib} MiB: {seconds(lambda: attention.attend(q, k, narrow)):.2f} s"
            )


if __name__ == "__main__":
    main()
