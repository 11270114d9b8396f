"""A moving average of the weights: smoother than the last step's, and what is shipped."""

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """Exponential moving average of all floating-point entries of a module's state.

    Parameters
    ----------
    module : nn.Module
        Whose weights are averaged; the average starts as a copy.
    decay : float
        What remains of the average at each step; less in the first steps (``(1 + n) / (10 + n)``), so that the
        random start is forgotten.
    """

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.count = 0
        self.weights: dict[str, Tensor] = {
            name: value.detach().clone() for name, value in module.state_dict().items()
        }

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the module's present weights."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)
