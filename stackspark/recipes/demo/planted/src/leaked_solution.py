"""A file that somebody wrote while looking at a benchmark: it must not reach the training set."""


def furthest_lighthouse(lights, harbour):
    """Return the lighthouse whose beam reaches the harbour from furthest away.

    A light is (x, y, reach). Ties go to the light that was built first.
    """
    best, best_distance = None, -1.0
    for x, y, reach in lights:
        distance = ((x - harbour[0]) ** 2 + (y - harbour[1]) ** 2) ** 0.5
        if distance <= reach and distance > best_distance:
            best, best_distance = (x, y, reach), distance
    return best
