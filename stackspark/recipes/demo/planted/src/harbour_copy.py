"""A port master's toolbox; written for the demo, so that a near-duplicate of it can be planted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Berth:
    """One place along the quay."""

    number: int
    length_metres: float
    depth_metres: float
    has_crane: bool = False


@dataclass(frozen=True)
class Ship:
    """One ship that wants a place."""

    name: str
    length_metres: float
    draught_metres: float
    needs_crane: bool = False


def fits(ship: Ship, berth: Berth, tide_metres: float) -> bool:
    """Whether the ship can lie at the berth at the lowest tide of its stay."""
    long_enough = ship.length_metres <= berth.length_metres
    deep_enough = ship.draught_metres + 0.5 <= berth.depth_metres + tide_metres
    crane = berth.has_crane or not ship.needs_crane
    return long_enough and deep_enough and crane


def assign(ships: list[Ship], berths: list[Berth], tide_metres: float) -> dict[str, int]:
    """Give each ship the smallest berth that fits; the longest ship chooses first."""
    free = sorted(berths, key=lambda berth: (berth.length_metres, berth.number))
    places: dict[str, int] = {}
    for ship in sorted(ships, key=lambda ship: (-ship.length_metres, ship.name)):
        for berth in free:
            if fits(ship, berth, tide_metres):
                places[ship.name] = berth.number
                free.remove(berth)
                break
    return places


def waiting(ships: list[Ship], places: dict[str, int]) -> list[str]:
    """Names of the ships that have to anchor outside, in order of arrival."""
    return [ship.name for ship in ships if ship.name not in places]
