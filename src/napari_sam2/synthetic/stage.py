"""Where and when a plane is drawn: a still plane, one slice of a stack, one moment of a time-lapse.

Every frame of a movie is drawn by the same function with an equal random generator, so that all that is drawn is the
same. Only the stage differs: it says where objects are on its frame.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_sam2.synthetic.placing import place
from napari_sam2.synthetic.records import FloatArray
from napari_sam2.synthetic.shapes import Outline, Patch, rasterise, wavy_profile
from napari_sam2.synthetic.tiling import Sites

__all__ = ["Section", "Stage", "Take"]


@dataclass(frozen=True, slots=True)
class Take:
    """One object as it is on one frame.

    Parameters
    ----------
    index : int
        Which of the drawn objects it is, or comes from.
    object_id : int
        Its id in the labels.
    outline : Outline
        Where it is.
    gain : float
        Factor on its brightness.
    """

    index: int
    object_id: int
    outline: Outline
    gain: float = 1.0


@dataclass(frozen=True)
class Stage:
    """A still plane.

    Parameters
    ----------
    noise : numpy.random.Generator
        Source of all that differs from frame to frame.
    layer, layers : int
        Which of how many layers a texture has; neighbours are alike.
    layer_scale : float
        Layers after which a texture is another.
    z : float
        Depth of the plane in pixels.
    depth : float
        Half the depth of the stack in pixels, 0 for a single plane.
    """

    noise: np.random.Generator
    layer: int = 0
    layers: int = 1
    layer_scale: float = 2.0
    z: float = 0.0
    depth: float = 0.0

    def scatter(
        self,
        rng: np.random.Generator,
        side: int,
        radii: FloatArray,
        spacing: float,
        clustering: float,
    ) -> FloatArray:
        """Places of objects, (n, 4): y, x, radius and z; see `placing.place`."""
        spots = place(rng, (side, side), radii, spacing, clustering)
        return np.concatenate([spots, np.zeros((len(spots), 1), np.float32)], axis=1)

    def takes(self, outlines: Sequence[Outline]) -> list[Take]:
        """Return the objects of this frame."""
        return [Take(index, index + 1, outline) for index, outline in enumerate(outlines)]

    def move_sites(self, sites: Sites, spacing: float) -> Sites:
        """Return the sites of a tiling as they are on this frame."""
        return sites

    def seen(
        self, outlines: Sequence[Outline], side: int, margin: float = 3.0
    ) -> Iterator[tuple[Take, Patch]]:
        """Yield the objects of this frame that are on the plane, with their pixels."""
        for take in self.takes(outlines):
            patch = rasterise(take.outline, (side, side), margin)
            if patch is not None:
                yield take, patch


@dataclass(frozen=True)
class Section(Stage):
    """One slice of a stack: objects are bodies that the slice cuts.

    Parameters
    ----------
    seed : int
        Of the shapes in depth; the same for all slices of a stack.
    fading : float
        Loss of light from the first to the last slice, 0 to 1.
    """

    seed: int = 0
    fading: float = 0.0

    def scatter(
        self,
        rng: np.random.Generator,
        side: int,
        radii: FloatArray,
        spacing: float,
        clustering: float,
    ) -> FloatArray:
        """Places of objects, (n, 4): y, x, radius and z, in as many layers as the depth holds."""
        thickness = 1.7 * float(np.median(radii))
        layers = max(1, int(np.ceil(2 * self.depth / thickness)))
        found = []
        for layer in range(layers):
            spots = place(rng, (side, side), rng.permutation(radii), spacing, clustering)
            z = (layer + 0.5 - layers / 2 + rng.uniform(-0.3, 0.3, (len(spots), 1))) * thickness
            found.append(np.concatenate([spots, z.astype(np.float32)], axis=1))
        return np.concatenate(found)

    def takes(self, outlines: Sequence[Outline]) -> list[Take]:
        """Cut the bodies with this slice."""
        gain = 1 - self.fading * (self.z + self.depth) / max(2 * self.depth, 1e-6)
        cuts = ((index, self._cut(index, outline)) for index, outline in enumerate(outlines))
        return [
            Take(index, index + 1, outline, gain) for index, outline in cuts if outline is not None
        ]

    def _cut(self, index: int, body: Outline) -> Outline | None:
        own = np.random.default_rng((self.seed, index))
        squash, tilt, twist = own.uniform(0.7, 1.2), own.normal(0, 0.25, 2), own.normal(0, 0.3)
        middle = float(np.sqrt(body.radii[0] * body.radii[1]))
        height = (self.z - body.z) / (squash * middle)
        if abs(height) >= 1:
            return None
        size = float((1 - abs(height) ** own.uniform(2, 3)) ** 0.5)
        if size * min(body.radii) < 1:
            return None
        uneven = np.float32(height) * (wavy_profile(own, 0.06) - 1)
        return replace(
            body,
            centre=(
                body.centre[0] + tilt[0] * height * middle,
                body.centre[1] + tilt[1] * height * middle,
            ),
            radii=(body.radii[0] * size, body.radii[1] * size),
            angle=body.angle + twist * height,
            profile=body.profile + uneven,
        )
