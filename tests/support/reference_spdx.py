"""A slow exact oracle of licence expressions: every way to choose among the alternatives."""

from itertools import product

Tree = str | tuple[str, list["Tree"]]

RANK = {"MIT": 0, "Apache-2.0": 0, "Nobody-Knows-1": 1, "GPL-3.0-only": 2, "LicenseRef-Acme": 2}
"""Ids of the three classes: permissive, unknown, not permissive."""

CLASSES = ("permissive", "unknown", "non_permissive")


def choices(tree: Tree) -> list[frozenset[str]]:
    """Sets of ids that have to be obeyed together, one per way through the alternatives."""
    if isinstance(tree, str):
        return [frozenset([tree])]
    operator, branches = tree
    parts = [choices(branch) for branch in branches]
    if operator == "OR":
        return [choice for part in parts for choice in part]
    return [frozenset().union(*combination) for combination in product(*parts)]


def expected_class(tree: Tree) -> str:
    """The best choice counts; a choice is as good as the worst of its ids."""
    return CLASSES[min(max(RANK[name] for name in choice) for choice in choices(tree))]


def written(tree: Tree) -> str:
    """The expression with brackets wherever they are allowed."""
    if isinstance(tree, str):
        return tree
    operator, branches = tree
    return "(" + f" {operator} ".join(map(written, branches)) + ")"
