"""One mapping of raw values to the model's 0 to 1 for a whole stack."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from napari_sam2.errors import IntensityError
from napari_sam2.stack.sampling import Sample, sample_values

if TYPE_CHECKING:
    from napari_sam2.stack.planes import Stack

__all__ = ["IntensityMap", "Limits"]

Limits: TypeAlias = Literal["auto"] | tuple[float, float] | Sequence[Sequence[float]] | None

ROBUST_PERCENTILES = (0.1, 99.9)
RARE_PERCENTILES = (0.01, 99.99)
RARE_REACH = 10.0
NOT_FINITE_RULE = (
    "they are left out of the estimate and shown as the darkest (NaN, -inf) or brightest (+inf)"
)


@dataclass(frozen=True, slots=True)
class IntensityMap:
    """Map raw values of planes to 0 to 1, the same way in every frame.

    Parameters
    ----------
    low, high : tuple of float
        For each channel, the values that become 0 and 1; what lies outside is clipped. Where both
        are equal, everything up to that value becomes 0 and everything above it 1.

    Raises
    ------
    IntensityError
        If there are not one to three pairs of finite numbers with ``low <= high``.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    _told: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pairs = list(zip(self.low, self.high, strict=False))
        if not (len(self.low) == len(self.high) and 1 <= len(pairs) <= 3):
            raise IntensityError(
                f"low {self.low} and high {self.high} must have one value for each of one to three "
                "channels."
            )
        for pair in pairs:
            if not (np.isfinite(pair).all() and pair[0] <= pair[1]):
                raise IntensityError(
                    f"intensity limits {pair} must be finite numbers, the lower one first."
                )

    @classmethod
    def from_stack(cls, stack: Stack, limits: Limits = "auto") -> IntensityMap:
        """Choose the mapping for a stack.

        Parameters
        ----------
        stack : Stack
            With "auto", at most 16 of its planes are read.
        limits : "auto", None, pair of float, or one pair per channel
            - "auto": the percentiles 0.1 and 99.9 of a sample, so that one value in a thousand
              saturates at either end. Objects that fill less than that still stand out from the
              background: the range reaches at least a tenth of the way to percentiles 0.01 and
              99.99. Channels have ranges of their own, colours (axis S) share one. Bool is 0 to 1.
            - None: uint8 as it is, 0 to 255.
            - ``(low, high)``: for all channels.
            - ``[(low, high), ...]``: one pair for each channel shown.

        Returns
        -------
        IntensityMap

        Raises
        ------
        IntensityError
            If the limits do not fit the stack, or no value of the sample is finite.
        """
        if limits is None:
            return _as_it_is(stack)
        if isinstance(limits, str):
            if limits != "auto":
                raise IntensityError(
                    f"intensity {limits!r} is unknown; give 'auto', None or (low, high)."
                )
            return _automatic(stack)
        return _given(limits, stack.n_channels)

    def __call__(self, plane: np.ndarray) -> np.ndarray:
        """Map one plane.

        Parameters
        ----------
        plane : ndarray, shape (y, x) or (y, x, channel)
            Raw values. NaN and -inf become 0 and +inf becomes 1; the first time that such values
            are met, a warning says so.

        Returns
        -------
        ndarray of float32, shape (y, x, 3)
            0 to 1. One channel is repeated (grey); of two channels, the first is red, the second green, and their mean
            blue.

        Raises
        ------
        IntensityError
            If the plane does not have the channels that the mapping was made for.
        """
        channels = plane[..., np.newaxis] if plane.ndim == 2 else plane  # (y, x) -> (y, x, 1)
        if channels.ndim != 3 or channels.shape[2] != len(self.low):
            raise IntensityError(
                f"a plane of shape {plane.shape} does not fit a mapping of {len(self.low)} "
                "channel(s); make the mapping from the same stack."
            )
        self._tell_of(channels)
        mapped = np.empty((*channels.shape[:2], 3), np.float32)
        for index, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            mapped[..., index] = _rescale(channels[..., index], low, high)
        if len(self.low) == 1:
            mapped[..., 1:] = mapped[..., :1]
        elif len(self.low) == 2:
            mapped[..., 2] = (mapped[..., 0] + mapped[..., 1]) / 2
        return mapped

    def _tell_of(self, values: np.ndarray) -> None:
        """Warn of values that are not finite, unless that was said before."""
        if values.dtype.kind != "f" or self._told:
            return
        count = values.size - np.count_nonzero(np.isfinite(values))
        if count:
            self._warn(f"{count} of {values.size} values of this plane are", stacklevel=4)

    def _warn(self, what: str, stacklevel: int) -> None:
        """Warn once per mapping."""
        text = f"{what} NaN or infinite; {NOT_FINITE_RULE}."
        self._told.append(text)
        warnings.warn(text, UserWarning, stacklevel=stacklevel)


def _as_it_is(stack: Stack) -> IntensityMap:
    """Map 0 to 255 of uint8 to 0 to 1."""
    if stack.dtype != np.uint8:
        raise IntensityError(
            f"intensity None takes planes as they are, which only uint8 (0 to 255) allows, not "
            f"{stack.dtype}; use intensity='auto' or give (low, high)."
        )
    return IntensityMap((0.0,) * stack.n_channels, (255.0,) * stack.n_channels)


def _given(limits: Sequence[object], n_channels: int) -> IntensityMap:
    """Map the limits of a caller."""
    try:
        pairs = np.asarray(limits, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise IntensityError(
            f"intensity {limits!r} is not made of numbers; give 'auto', None, (low, high) or one "
            "pair for each channel."
        ) from error
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (n_channels, 1))  # (2,) -> (channel, 2)
    if pairs.shape != (n_channels, 2):
        raise IntensityError(
            f"intensity {limits!r} does not fit {n_channels} channel(s); give (low, high), or one "
            "pair for each channel."
        )
    if not (np.isfinite(pairs).all() and (pairs[:, 0] < pairs[:, 1]).all()):
        raise IntensityError(
            f"intensity {limits!r} is no range; low must be smaller than high, both finite."
        )
    return IntensityMap(tuple(pairs[:, 0].tolist()), tuple(pairs[:, 1].tolist()))


def _automatic(stack: Stack) -> IntensityMap:
    """Map robust percentiles of a sample."""
    if stack.dtype.kind == "b":
        return IntensityMap((0.0,) * stack.n_channels, (1.0,) * stack.n_channels)
    sample = sample_values(stack)
    if stack.channel_axis == "S":
        ranges = [_robust_range(np.concatenate(sample.channels), sample)] * stack.n_channels
    else:
        ranges = [_robust_range(values, sample) for values in sample.channels]
    mapping = IntensityMap(tuple(low for low, _ in ranges), tuple(high for _, high in ranges))
    if sample.not_finite:
        mapping._warn(
            f"{sample.not_finite} of {sample.size} values in a sample of {len(sample.frames)} "
            "plane(s) are",
            stacklevel=4,
        )
    return mapping


def _robust_range(values: np.ndarray, sample: Sample) -> tuple[float, float]:
    """Return the low and high end of finite values; see `IntensityMap.from_stack` for the rule."""
    if not values.size:
        raise IntensityError(
            f"none of the {sample.size} values in a sample of {len(sample.frames)} plane(s) is "
            "finite, so no intensity range can be found; give (low, high)."
        )
    shares = [RARE_PERCENTILES[0], *ROBUST_PERCENTILES, RARE_PERCENTILES[1]]
    rarest_low, low, high, rarest_high = np.percentile(values, shares, method="nearest").tolist()
    # divided one by one, because the difference of two huge numbers overflows
    reach_low = high + (rarest_low / RARE_REACH - high / RARE_REACH)
    reach_high = low + (rarest_high / RARE_REACH - low / RARE_REACH)
    low, high = min(low, reach_low), max(high, reach_high)
    return (low, high) if low < high else (float(values.min()), float(values.max()))


def _rescale(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map low to 0 and high to 1, clipped; NaN to 0."""
    # halves, because the difference of two huge numbers overflows
    start, end = low / 2, high / 2
    if not end > start:
        return np.asarray(values > low, np.float32)
    # float32 holds 8 and 16 bits without rounding, and halves the time
    small = values.dtype.kind in "bui" and values.dtype.itemsize <= 2
    exact = np.float32 if small and high - low >= 1 and abs(low) + abs(high) < 2**24 else np.float64
    with np.errstate(over="ignore"):  # what float64 cannot hold becomes infinite
        halves = np.multiply(values, 0.5, dtype=exact)
    scaled = (np.clip(halves, start, end) - start) / (end - start)
    return np.nan_to_num(np.asarray(scaled, np.float32), copy=False, nan=0.0)
