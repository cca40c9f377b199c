"""Two steps that turn each component of a graph into a star around its best node.

A node is a rank, a star's middle is the least rank. Each node u looks at its neighbours, and m is
the least of them and itself:

- small star: u and its better neighbours are linked to m, in the place of u's links to them;
- large star: u's worse neighbours are linked to m, in the place of their links to u.

Neither step tears a component apart or makes more links. A small star lowers an end of a link of
every node with two better neighbours, a large star of every node with a better and a worse one. So
the sum of all ends falls until there are no such nodes: then every component is a star.

Source: Kiveris, Lattanzi, Mirrokni, Rastogi, Vassilvitskii 2014, Connected components in MapReduce
and beyond.
"""

import numpy as np

from stackspark.runtime.buffers import Longs
from stackspark.runtime.compiled import compiled

Links = tuple[Longs, Longs]
"""Nodes, and a neighbour of each; shape (links,) each."""


class BlockMinima:
    """The best neighbour of each node of one block, from its links in any order; 8 bytes a node."""

    def __init__(self, block: int, ranks_per_block: int) -> None:
        self._first = block * ranks_per_block
        self._best = np.arange(self._first, self._first + ranks_per_block)

    def add(self, nodes: Longs, neighbours: Longs) -> None:
        """Add links of the block's nodes."""
        _take_minima(self._best, nodes - self._first, neighbours)

    def better(self) -> Links:
        """Each node with a better neighbour, and the best of these."""
        nodes = np.arange(self._first, self._first + len(self._best))
        has_better = self._best < nodes
        return nodes[has_better], self._best[has_better]

    def small_star(self, members: Longs, heads: Longs) -> Links:
        """Links of better neighbours to the best one; `better` has those of the nodes."""
        best = self._best[members - self._first]
        return heads[heads != best], best[heads != best]

    def large_star(self, nodes: Longs, neighbours: Longs) -> tuple[Links, int]:
        """Links of worse neighbours to the best one, and how many links say that it is no star."""
        best = self._best[nodes - self._first]
        is_worse = neighbours > nodes
        num_open = int(((best < nodes) & (neighbours != best)).sum())
        return (neighbours[is_worse], best[is_worse]), num_open


@compiled
def _take_minima(best: Longs, places: Longs, neighbours: Longs) -> None:
    for i in range(len(places)):
        best[places[i]] = min(best[places[i]], neighbours[i])
