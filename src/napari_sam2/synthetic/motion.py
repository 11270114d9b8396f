"""One moment of a time-lapse: objects move, grow, change shape, push each other, divide, enter and leave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_sam2.synthetic.records import BoolArray, FloatArray
from napari_sam2.synthetic.shapes import Outline, wavy_profile
from napari_sam2.synthetic.stage import Stage, Take
from napari_sam2.synthetic.tiling import Sites

__all__ = ["Moment", "daughters"]

IDS_PER_OBJECT = 3  # its own, and one for each daughter
DAUGHTER_SIZE = 0.72  # radius of a daughter, in radii of the parent


def daughters(object_id: int) -> tuple[int, ...]:
    """Ids of the two daughters of an object that was there from the start; none for a daughter."""
    return (object_id + 1, object_id + 2) if object_id % IDS_PER_OBJECT == 1 else ()


@dataclass(frozen=True)
class Moment(Stage):
    """One moment of a time-lapse.

    Parameters
    ----------
    seed : int
        Of all movement; the same for all moments of a movie.
    frame, n_frames : int
        Which moment of how many.
    speed : float
        Typical step between frames, in radii.
    drift : tuple of float
        Shift of the whole sample between frames, (y, x) in pixels.
    growth : float
        Relative growth of the radius per frame.
    restless : float
        How much outlines change, 0 to 1.
    dividing : float
        Share of objects that divide once during the movie.
    flicker : float
        Relative change of brightness from frame to frame.
    """

    seed: int = 0
    frame: int = 0
    n_frames: int = 1
    speed: float = 0.1
    drift: tuple[float, float] = (0.0, 0.0)
    growth: float = 0.0
    restless: float = 0.3
    dividing: float = 0.0
    flicker: float = 0.0

    def takes(self, outlines: Sequence[Outline]) -> list[Take]:
        """Return the objects of this frame, moved; a divided one is two."""
        if not outlines:
            return []
        births, paths = self._paths(outlines)
        gains = np.exp(
            np.random.default_rng((self.seed, 1, self.frame)).normal(0, self.flicker, len(outlines))
        )
        found: list[Take] = []
        for index, outline in enumerate(outlines):
            since = self.frame - int(births[index])
            now = self._deform(index, outline)
            found += divide(index, now, paths[:, index], since, float(gains[index]))
        return found

    def move_sites(self, sites: Sites, spacing: float) -> Sites:
        """Let the sites of a tiling wander; those of one cell go together."""
        rng = np.random.default_rng((self.seed, 0))
        steps = rng.normal(0, 0.5 * self.speed * spacing / 2, (int(sites.owner.max()) + 1, 2))[
            sites.owner
        ]
        zyx = sites.zyx.copy()
        zyx[:, 1:] += (self.frame * (steps + np.array(self.drift))).astype(np.float32)
        return Sites(zyx, sites.bonus, sites.owner)

    def _births(self, rng: np.random.Generator, count: int) -> NDArray[np.intp]:
        """First frame of the daughters of each object; beyond the movie where none are born."""
        frames = rng.integers(1, max(2, self.n_frames), count)
        frames[rng.random(count) >= self.dividing] = self.n_frames + 100
        return frames

    def _paths(self, outlines: Sequence[Outline]) -> tuple[NDArray[np.intp], FloatArray]:
        """Walk from the first frame to this one: persistent random walks that keep apart.

        Returns
        -------
        births : ndarray of int, (n,)
            First frame of each object's daughters.
        places : ndarray of float32, (2, n, 2)
            Where each object, or its first daughter, is, and where its second daughter is.
        """
        rng = np.random.default_rng((self.seed, 0))
        count = len(outlines)
        births = self._births(rng, count)
        radii = np.tile([np.sqrt(o.radii[0] * o.radii[1]) for o in outlines], 2)
        place = np.tile([o.centre for o in outlines], (2, 1))
        alive = np.repeat([True, False], count)
        pace = self.speed * radii[:, None]
        velocity = rng.normal(0, 1, place.shape) * pace
        angles = rng.uniform(0, 2 * np.pi, count)
        for frame in range(1, self.frame + 1):
            velocity = 0.8 * velocity + rng.normal(0, 0.5, place.shape) * pace
            place = place + velocity + np.array(self.drift)
            for index in np.flatnonzero(births == frame):
                step = 0.6 * radii[index] * np.array([np.sin(angles[index]), np.cos(angles[index])])
                twin = count + index
                place[index], place[twin] = place[index] + step, place[index] - step
                radii[[index, twin]] *= DAUGHTER_SIZE
                alive[twin] = True
            place = keep_apart(place, radii, alive)
        return births, place.reshape(2, count, 2).astype(np.float32)

    def _deform(self, index: int, outline: Outline) -> Outline:
        own = np.random.default_rng((self.seed, 2, index))
        phase = self.frame * own.uniform(0.3, 1.2) + own.uniform(0, 2 * np.pi)
        first, second = wavy_profile(own, 0.12) - 1, wavy_profile(own, 0.12) - 1
        change = (
            np.float32(self.restless * np.sin(phase)) * first
            + np.float32(self.restless * np.cos(phase)) * second
        )
        size = float(np.exp(self.frame * self.growth * own.uniform(-0.3, 1)))
        longer = 1 + 0.3 * self.restless * np.sin(phase + 1)
        turn = self.frame * own.normal(0, 0.15) * self.restless
        return replace(
            outline,
            radii=(outline.radii[0] * size * longer, outline.radii[1] * size / longer),
            angle=outline.angle + turn,
            profile=np.clip(outline.profile + change, 0.3, None),
        )


def keep_apart(
    place: NDArray[np.float64], radii: NDArray[np.float64], alive: BoolArray
) -> NDArray[np.float64]:
    """Push discs that overlap away from each other, twice a little; (n, 2) to (n, 2)."""
    touch = 0.97 * (radii[:, None] + radii) * (alive[:, None] & alive)
    np.fill_diagonal(touch, 0)
    for _ in range(2):
        apart = place[:, None] - place
        distance = np.sqrt((apart**2).sum(axis=2)) + 1e-3
        push = np.clip(touch - distance, 0, None) / distance
        place = place + 0.4 * (push[:, :, None] * apart).sum(axis=1)
    return place


def divide(index: int, outline: Outline, places: FloatArray, since: int, gain: float) -> list[Take]:
    """Object or daughters, whichever is there.

    Parameters
    ----------
    index : int
        Number of the object.
    outline : Outline
        The object as it would be without division.
    places : ndarray of float32, (2, 2)
        (y, x) of the object or its first daughter, and of the second one.
    since : int
        Frames since the daughters were born; on frame -1 the object is condensed and bright.
    gain : float
        Factor on the brightness.

    Returns
    -------
    list of Take
    """
    object_id = IDS_PER_OBJECT * index + 1
    first, second = ((float(y), float(x)) for y, x in places)
    size = float(np.sqrt(outline.radii[0] * outline.radii[1]))
    if since < -1:
        return [Take(index, object_id, replace(outline, centre=first), gain)]
    if since == -1:
        plate = replace(outline, centre=first, radii=(0.9 * size, 0.65 * size), bend=0.0)
        return [Take(index, object_id, plate, 1.4 * gain)]
    # anaphase plates lie across the line that joins them, and swell again
    axis = float(np.arctan2(first[0] - second[0], first[1] - second[1])) + np.pi / 2
    size *= min(DAUGHTER_SIZE - 0.08 + 0.03 * since, 0.85)
    flat = min(0.6 + 0.12 * since, 0.95)
    gain *= 1.3 if since == 0 else 1.0
    bodies = [
        replace(outline, centre=c, radii=(size, size * flat), angle=axis, bend=0.0)
        for c in (first, second)
    ]
    return [
        Take(index, child, body, gain)
        for child, body in zip(daughters(object_id), bodies, strict=True)
    ]
