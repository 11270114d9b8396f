"""Attention with a single head over many keys: the costliest step of tracking.

torch's fused attention is good on a GPU, and on a CPU where values are as wide as keys. Where they are narrower, as in the
attention to memories, blocks of two matrix products with a softmax between them are faster there (benchmarks/attention.py).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["attend"]

_BLOCK_BYTES: Final = 32 * 2**20
"""Scores held at once on a CPU: enough rows for the matrix library, few enough to stay in the cache."""


def attend(q: Tensor, k: Tensor, v: Tensor, is_valid: Tensor | None = None) -> Tensor:
    """Compute ``softmax(q k^T / sqrt(C)) v``.

    Parameters
    ----------
    q : Tensor, (B, Nq, C)
        Queries.
    k : Tensor, (B, Nk, C)
        Keys.
    v : Tensor, (B, Nk, E)
        Values; E may differ from C.
    is_valid : Tensor of bool, (B, Nk), optional
        Keys that count; None for all.

    Returns
    -------
    Tensor, (B, Nq, E)
    """
    is_narrow = v.shape[2] < k.shape[2]
    if is_narrow and q.device.type == "cpu" and not torch.is_grad_enabled():
        return _attend_in_blocks(q, k, v, is_valid)
    mask = None if is_valid is None else is_valid[:, None, None, :]
    # (B, N, C) -> (B, 1, N, C): one head
    return F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None], mask)[:, 0]


def _attend_in_blocks(q: Tensor, k: Tensor, v: Tensor, is_valid: Tensor | None) -> Tensor:
    dtype = q.dtype
    batch, n, c = q.shape
    q = q * c**-0.5
    out = torch.empty(batch, n, v.shape[2], dtype=dtype)
    rows = max(16, _BLOCK_BYTES // (k.shape[1] * q.element_size()))
    scores = torch.empty(min(rows, n), k.shape[1], dtype=dtype)
    for b in range(batch):
        keys, values = k[b], v[b]
        if is_valid is not None:  # dropping a key costs less than masking its scores
            keys, values = keys[is_valid[b]], values[is_valid[b]]
        buffer = scores.view(-1)[: len(scores) * len(keys)].view(-1, len(keys))
        for start in range(0, n, rows):
            block = q[b, start : start + rows]
            s = torch.mm(block, keys.T, out=buffer[: len(block)])
            torch.softmax(s, dim=1, out=s)
            torch.mm(s, values, out=out[b, start : start + rows])
    return out
