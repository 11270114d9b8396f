"""The measures of the Cell Tracking Challenge: SEG, DET and TRA of a result with tracks.

SEG: Maska et al. 2014, A benchmark for comparison of cell tracking algorithms, Bioinformatics 30, 1609-1617.
DET and TRA: Matula et al. 2015, Cell tracking accuracy measurement based on comparison of acyclic oriented graphs, PLoS ONE 10,
e0144959. Both graphs have a node for every object on every frame, and links from frame to frame; the measure is what it would cost
a user to edit the graph of the result into the one of the truth.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_sam2.evaluation.scene import Planes

__all__ = ["Costs", "Edits", "TrackGraph", "TrackingScores", "compare_graphs", "score_tracks"]

Node: TypeAlias = tuple[int, int]
"""Frame and label."""

Link: TypeAlias = tuple[Node, Node]

TRACK, DIVISION = "track", "division"


@dataclass(frozen=True, slots=True)
class Costs:
    """What an edit costs; the defaults are the weights of the challenge.

    Parameters
    ----------
    split, add_node, delete_node : float
        A node that stands for several objects is split; a node is added; a node is deleted.
    delete_link, add_link, change_link : float
        A link is deleted; added; changed between "same track" and "division".
    """

    split: float = 5.0
    add_node: float = 10.0
    delete_node: float = 1.0
    delete_link: float = 1.0
    add_link: float = 1.5
    change_link: float = 1.0


@dataclass(frozen=True, slots=True)
class Edits:
    """How many edits turn a result into the truth; the fields are named as in `Costs`."""

    split: int
    add_node: int
    delete_node: int
    delete_link: int
    add_link: int
    change_link: int

    def nodes_cost(self, costs: Costs) -> float:
        """Return the cost of the edits of nodes (AOGM-D)."""
        return (
            costs.split * self.split
            + costs.add_node * self.add_node
            + costs.delete_node * self.delete_node
        )

    def cost(self, costs: Costs) -> float:
        """Return the cost of all edits (AOGM)."""
        return (
            self.nodes_cost(costs)
            + costs.delete_link * self.delete_link
            + costs.add_link * self.add_link
            + costs.change_link * self.change_link
        )


@dataclass(frozen=True, slots=True)
class TrackingScores:
    """SEG, DET and TRA, from 0 to 1 (perfect), and the edits behind the last two."""

    seg: float
    det: float
    tra: float
    edits: Edits


@dataclass(slots=True)
class TrackGraph:
    """Objects on frames, and how they are linked.

    Parameters
    ----------
    nodes : set of (int, int)
        Frame and label.
    links : dict
        From (earlier node, later node) to what it is: "track" or "division".
    """

    nodes: set[Node] = field(default_factory=set)
    links: dict[Link, str] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Iterable[Node], parents: Mapping[int, int]) -> TrackGraph:
        """Link each label from one of its frames to the next, and first nodes of children to the last ones of parents.

        Parameters
        ----------
        nodes : iterable of (int, int)
            Frame and label.
        parents : mapping of int to int
            From child to parent; labels without nodes do not count.
        """
        graph, last = cls(set(nodes)), dict[int, Node]()
        first: dict[int, Node] = {}
        for node in sorted(graph.nodes):
            label = node[1]
            if label in last:
                graph.links[last[label], node] = TRACK
            first.setdefault(label, node)
            last[label] = node
        for child, parent in parents.items():
            if child in first and parent in last and last[parent][0] < first[child][0]:
                graph.links[last[parent], first[child]] = DIVISION
        return graph


def compare_graphs(
    result: TrackGraph, truth: TrackGraph, match: Mapping[Node, Node | None]
) -> Edits:
    """Count the edits that turn a result into the truth.

    Parameters
    ----------
    result, truth : TrackGraph
        The two.
    match : mapping
        For every node of the truth the node of the result that covers most of it, or None.

    Returns
    -------
    Edits
        A link of the result counts as redundant if both its nodes stand for one object each and these are not linked; one at
        a node that is split or deleted goes with it, and what the truth has there is added.
    """
    covers = Counter(node for node in match.values() if node is not None)
    truth_of = {found: real for real, found in match.items() if found and covers[found] == 1}
    kept = {
        (truth_of[a], truth_of[b]): kind
        for (a, b), kind in result.links.items()
        if a in truth_of and b in truth_of
    }
    right = kept.keys() & truth.links.keys()
    return Edits(
        split=sum(n - 1 for n in covers.values()),
        add_node=sum(match[node] is None for node in truth.nodes),
        delete_node=len(result.nodes - covers.keys()),
        delete_link=len(kept) - len(right),
        add_link=len(truth.links) - len(right),
        change_link=sum(kept[link] != truth.links[link] for link in right),
    )


def score_tracks(
    result: Planes,
    truth: Planes,
    markers: Planes | None = None,
    parents: Mapping[int, int] | None = None,
    result_parents: Mapping[int, int] | None = None,
    costs: Costs = Costs(),
) -> TrackingScores:
    """Score a result with tracks.

    Parameters
    ----------
    result, truth : sequence of ndarray of int, (y, x)
        Labels by frame; the labels of one need not be those of the other.
    markers : sequence of ndarray of int, (y, x), optional
        Places that stand for the objects of the truth in DET and TRA; the truth itself if there are none.
    parents, result_parents : mapping of int to int, optional
        From child to parent.
    costs : Costs
        Of edits.

    Returns
    -------
    TrackingScores
        NaN where the truth is empty.
    """
    places = truth if markers is None else markers
    match: dict[Node, Node | None] = {}
    found_nodes: set[Node] = set()
    overlaps: list[float] = []
    for frame in range(len(truth)):
        plane = np.asarray(result[frame])
        found_nodes |= {(frame, label) for label in np.unique(plane[plane > 0]).tolist()}
        for label, (other, _) in _matches(plane, places[frame]).items():
            match[frame, label] = (frame, other) if other else None
        overlaps += [share for _, share in _matches(plane, truth[frame]).values()]
    real = TrackGraph.of(match, parents or {})
    edits = compare_graphs(TrackGraph.of(found_nodes, result_parents or {}), real, match)
    return TrackingScores(
        seg=float(np.mean(overlaps)) if overlaps else np.nan,
        det=_share(edits.nodes_cost(costs), costs.add_node * len(real.nodes)),
        tra=_share(
            edits.cost(costs),
            costs.add_node * len(real.nodes) + costs.add_link * len(real.links),
        ),
        edits=edits,
    )


def _matches(found: np.ndarray, real: np.ndarray) -> dict[int, tuple[int, float]]:
    """Return, for each label of the truth, the label that covers more than half of it (0: none) and their IoU."""
    labels, inverse = np.unique(real, return_inverse=True)
    others, other_inverse = np.unique(found, return_inverse=True)
    pairs = inverse.ravel() * len(others) + other_inverse.ravel()
    # (label of the truth, label of the result)
    table = np.bincount(pairs, minlength=len(labels) * len(others)).reshape(len(labels), -1)
    sizes, other_sizes = table.sum(axis=1), table.sum(axis=0)
    matches = {}
    for row, label in enumerate(labels.tolist()):
        if not label:
            continue
        column = int(table[row].argmax())
        both, other = int(table[row, column]), int(others[column])
        if other and 2 * both > sizes[row]:
            matches[label] = other, both / float(sizes[row] + other_sizes[column] - both)
        else:
            matches[label] = 0, 0.0
    return matches


def _share(cost: float, cost_of_all: float) -> float:
    """Turn a cost into a score; a result that is worse than none has 0."""
    return 1 - min(cost, cost_of_all) / cost_of_all if cost_of_all else np.nan
