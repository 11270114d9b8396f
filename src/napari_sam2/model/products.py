"""float32 matrix products on a CPU: through oneDNN where that is as exact as the default library.

torch hands float32 products to oneDNN only where it is told that rounding to bfloat16 would do. Some processors do not round
even then, and are twice as fast; others round. So the error is measured, once, and the way is taken only where there is none.
The setting holds inside a ``with`` block and for products on the CPU alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fast_exact_products"]

LARGEST_ERROR: Final = 2e-6
"""Of a product of 256 terms, relative to the largest result; bfloat16 would be at 1e-3."""


@contextmanager
def fast_exact_products() -> Iterator[None]:
    """Compute float32 products on the CPU through oneDNN inside, if it does so exactly."""
    if not _is_exact():
        yield
        return
    with _through_onednn():
        yield


@lru_cache(maxsize=1)
def _is_exact() -> bool:
    """Measure the error of oneDNN's products on this machine."""
    if _setting() is None:
        return False
    generator = torch.Generator().manual_seed(0)
    # a plain product and a linear layer go different ways
    a, b = (torch.randn(256, 256, generator=generator) for _ in range(2))
    exact = a.double() @ b.double().T
    with torch.inference_mode(), _through_onednn():
        ways = (torch.mm(a, b.T), torch.nn.functional.linear(a, b))
    return all(float((way - exact).abs().max() / exact.abs().max()) < LARGEST_ERROR for way in ways)


@contextmanager
def _through_onednn() -> Iterator[None]:
    setting = _setting()
    before = setting.fp32_precision
    setting.fp32_precision = "bf16"
    try:
        yield
    finally:
        setting.fp32_precision = before


def _setting() -> Any:
    """Give torch's setting for oneDNN's products; None in a torch that has none (before 2.9)."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    return matmul if hasattr(matmul, "fp32_precision") else None
