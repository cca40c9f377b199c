import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.duplicates.near.stack_v2.stars import BlockMinima

NUM_NODES, BLOCK = 40, 8


def by_block(links: list[tuple[int, int]], block_size: int) -> dict[int, list[tuple[int, int]]]:
    blocks: dict[int, list[tuple[int, int]]] = {}
    for node, neighbour in links:
        blocks.setdefault(node // block_size, []).append((node, neighbour))
    return blocks


def steps(edges: list[tuple[int, int]], block_size: int) -> tuple[list[tuple[int, int]], int]:
    """A small star and a large star over all blocks: the new edges, and what was open between."""
    small: list[tuple[int, int]] = []
    for block, links in by_block(edges, block_size).items():
        minima = BlockMinima(block, block_size)
        members, heads = np.array(links).T
        minima.add(members, heads)
        for new in (minima.better(), minima.small_star(members, heads)):
            small += zip(*(column.tolist() for column in new), strict=True)
    assert len(small) <= len(edges)
    large: list[tuple[int, int]] = []
    num_open = 0
    for block, links in by_block(small + [(b, a) for a, b in small], block_size).items():
        minima = BlockMinima(block, block_size)
        nodes, neighbours = np.array(links).T
        minima.add(nodes, neighbours)
        new, number = minima.large_star(nodes, neighbours)
        large += zip(*(column.tolist() for column in new), strict=True)
        num_open += number
    assert len(large) == len(small)
    return large, num_open


def joined(edges: list[tuple[int, int]], block_size: int) -> tuple[dict[int, int], int]:
    """Best node of each other node's component, and the rounds that it took."""
    number, num_open = 0, 1
    while num_open:
        before = sum(map(sum, edges))
        edges, num_open = steps(edges, block_size)
        number += 1
        assert not num_open or sum(map(sum, edges)) < before
    assert len(dict(edges)) == len(set(edges))
    return dict(edges), number


def united(edges: list[tuple[int, int]], num_nodes: int) -> dict[int, int]:
    best = list(range(num_nodes))
    for ends in edges:
        roots = {best[end] for end in ends}
        best = [min(roots) if root in roots else root for root in best]
    return {node: root for node, root in enumerate(best) if node != root}


NODES = st.integers(0, NUM_NODES - 1)
EDGES = st.lists(st.tuples(NODES, NODES).filter(lambda ends: ends[0] > ends[1]), max_size=60)


@settings(max_examples=200, deadline=None)
@given(EDGES, st.sampled_from([1, BLOCK, NUM_NODES]))
def test_stars_are_the_components(edges: list[tuple[int, int]], block_size: int) -> None:
    assert joined(edges, block_size)[0] == united(edges, NUM_NODES)


def shape(name: str, size: int) -> list[int]:
    """Ranks of the nodes of a path, in its order."""
    ranks = list(range(size))
    if name == "random":
        random.Random(0).shuffle(ranks)
    elif name == "zigzag":
        ranks = [
            rank for pair in zip(ranks[: size // 2], ranks[::-1], strict=False) for rank in pair
        ]
    return ranks


@pytest.mark.parametrize("name", ["sorted", "random", "zigzag"])
def test_stars_of_long_paths_take_few_rounds(name: str) -> None:
    """A chain of 4,096 nodes is the worst case of label propagation: 4,095 rounds."""
    ranks = shape(name, 1 << 12)
    edges = [(max(ends), min(ends)) for ends in pairwise(ranks)]
    stars, rounds = joined(edges, 256)
    assert stars == dict.fromkeys(range(1, 1 << 12), 0)
    assert rounds <= 14


def test_large_star_counts_what_is_no_star() -> None:
    minima = BlockMinima(1, BLOCK)
    links = np.array([(9, 2), (9, 3), (9, 12), (10, 2), (10, 2), (11, 30)]).T
    minima.add(*links)
    (members, heads), num_open = minima.large_star(*links)
    assert list(zip(members.tolist(), heads.tolist(), strict=True)) == [(12, 2), (30, 11)]
    assert num_open == 2  # 9 has a second head, 3, and a member, 12
