"""Connected components of a graph that fits in memory."""

import numpy as np

from stackspark.runtime.buffers import Longs
from stackspark.runtime.compiled import compiled


def best_of_components(num_nodes: int, members: Longs, heads: Longs) -> tuple[Longs, Longs]:
    """Pair each node with the least node of its component.

    Args:
        num_nodes: nodes are numbered from 0.
        members: one end of each edge.
        heads: the other end.

    Returns:
        Nodes that are not the least of their component, ascending, and the least ones.
    """
    least = np.arange(num_nodes)
    _union(least, members, heads)
    nodes = np.flatnonzero(least != np.arange(num_nodes))
    return nodes, least[nodes]


@compiled
def _union(least: Longs, members: Longs, heads: Longs) -> None:
    for i in range(len(members)):
        left, right = members[i], heads[i]
        while least[left] != left:
            least[left] = least[least[left]]
            left = least[left]
        while least[right] != right:
            least[right] = least[least[right]]
            right = least[right]
        least[max(left, right)] = min(left, right)
    # A node's parent is less than the node, so one pass in order leads every node to its root.
    for node in range(len(least)):
        least[node] = least[least[node]]
