"""What changes in the course of a run, as functions of its progress from 0 to 1."""

import math
from dataclasses import dataclass

from napari_sam2.training.losses import LossWeights

__all__ = ["Schedule"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Learning rate, loss weights and the share of clips.

    Parameters
    ----------
    peak_rate : float
        Highest learning rate.
    warm_up : float
        Progress at which it is reached.
    focal_from, focal_to : float
        Progress between which cross-entropy fades into focal loss.
    clips_from : float
        Progress until which there are images only.
    clip_share : float
        Share of clips from then on.
    """

    peak_rate: float = 5e-4
    warm_up: float = 0.02
    focal_from: float = 0.15
    focal_to: float = 0.5
    clips_from: float = 0.5
    clip_share: float = 0.5

    def rate(self, progress: float) -> float:
        """Rise linearly, then fall like a cosine to a hundredth of the peak."""
        if progress < self.warm_up:
            return self.peak_rate * (progress + 1e-3) / (self.warm_up + 1e-3)
        fall = min(1.0, (progress - self.warm_up) / (1 - self.warm_up))
        return self.peak_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * fall)) / 2)

    def weights(self, progress: float) -> LossWeights:
        """Return the loss weights; cross-entropy first, focal loss last; at first all three masks learn much alike."""
        share = (progress - self.focal_from) / max(self.focal_to - self.focal_from, 1e-9)
        focal_share = min(1.0, max(0.0, share))
        return LossWeights(focal_share=focal_share, spread=0.3 - 0.2 * focal_share)

    def clips(self, progress: float) -> float:
        """Return the share of clips among the steps."""
        return self.clip_share if progress >= self.clips_from else 0.0
