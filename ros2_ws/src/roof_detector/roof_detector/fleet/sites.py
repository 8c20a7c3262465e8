# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Sites: which roof a flight shows, told by its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from roof_detector.findings.seen_frames import METRES_PER_DEGREE
from roof_detector.findings.shown_places import APART_M, hulls_of_places

if TYPE_CHECKING:
    from collections.abc import Sequence

UNPLACED = 'unplaced'
UNDATED = 'undated'
# Flights of one roof begin and end elsewhere, and turn at other places; neighbours overlap little.
_LEAST_OVERLAP = 0.3
# Of the middles of two outlines, where one flight showed only a corner of the roof.
_NEAR_M = 25.0


@dataclass(frozen=True, eq=False)
class FlightGround:
    """Where and when a flight showed ground: its outline in longitude and latitude, and its date.

    The outline is None where no frame has a place. `date` is such as 2026-03-01, or undated.
    """

    flight_id: str
    date: str
    outline: shapely.Polygon | None


@dataclass(frozen=True, eq=False)
class Site:
    """A place that flights show: its name, its outline and its flights.

    The name is the latitude and longitude of the middle of its first flight, and stays.
    """

    name: str
    outline: shapely.Polygon
    flight_ids: tuple[str, ...] = ()

    @property
    def middle_deg(self) -> tuple[float, float]:
        """Return longitude and latitude of the middle of its outline."""
        return float(self.outline.centroid.x), float(self.outline.centroid.y)


def outline_of(footprints: Sequence[bytes | None]) -> shapely.Polygon | None:
    """Return the convex hull of frames' outlines, given as well-known binary.

    A few frames of elsewhere, whose position was wrong, are no part of it.
    """
    shapes = shapely.from_wkb([one for one in footprints if one is not None])
    hull = next(iter(hulls_of_places(shapes, apart=APART_M / METRES_PER_DEGREE)), None)
    return hull if isinstance(hull, shapely.Polygon) and not hull.is_empty else None


def assign_sites(known: Sequence[Site], flights: Sequence[FlightGround]) -> list[Site]:
    """Give each flight its site, a new one where none is at its place; return all sites.

    A flight that a site has already stays there. The others come by date, so that the same
    flights give the same sites in whatever order they were worked on.
    """
    sites = list(known)
    taken = {flight_id for site in sites for flight_id in site.flight_ids}
    for flight in sorted(flights, key=lambda one: (one.date, one.flight_id)):
        if flight.flight_id in taken or flight.outline is None:
            continue
        shares = [_likeness(site.outline, flight.outline) for site in sites]
        best = int(np.argmax(shares)) if shares else -1
        if best < 0 or shares[best] <= 0.0:
            name = _name(flight.outline, {site.name for site in sites})
            sites.append(Site(name, flight.outline, (flight.flight_id,)))
            continue
        site = sites[best]
        sites[best] = replace(site, flight_ids=(*site.flight_ids, flight.flight_id))
    return sorted(sites, key=lambda site: site.name)


def _likeness(site: shapely.Polygon, flight: shapely.Polygon) -> float:
    """Return how much two outlines are of one place, 0 for not at all.

    The outline of a site is that of its first flight, so that sites do not grow together.
    """
    smaller = min(site.area, flight.area)
    shared = site.intersection(flight).area / smaller if smaller > 0 else 0.0
    if shared >= _LEAST_OVERLAP:
        return 1.0 + shared
    apart_m = _distance_m(site, flight)
    return 1.0 - apart_m / _NEAR_M if apart_m < _NEAR_M else 0.0


def _distance_m(first: shapely.Polygon, second: shapely.Polygon) -> float:
    """Return how far the middles of two outlines are apart."""
    a, b = first.centroid, second.centroid
    east = (a.x - b.x) * METRES_PER_DEGREE * np.cos(np.radians((a.y + b.y) / 2))
    return float(np.hypot(east, (a.y - b.y) * METRES_PER_DEGREE))


def _name(outline: shapely.Polygon, taken: set[str]) -> str:
    """Return a name by the middle, to about ten metres; a number where it is taken."""
    own = f'{outline.centroid.y:.4f}_{outline.centroid.x:.4f}'
    name, number = own, 1
    while name in taken:
        number += 1
        name = f'{own}_{number}'
    return name
