# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How much of the roof was seen at which resolution, and the condition of what was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import shapely

from roof_detector.findings.condition_index import condition_index
from roof_detector.findings.seen_ground import hull_of, seen_ground
from roof_detector.findings.severity import Severity
from roof_detector.findings.surroundings import metres_of
from roof_detector.results.report.report_model import ConditionRow, EncodedImage, Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import numpy.typing as npt

    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.roof_zones import RoofZone
    from roof_detector.findings.seen_ground import SeenGround
    from roof_detector.findings.severity import Grade, SeverityRules
    from roof_detector.offline.reporting.inspection_content import InspectionContent

# Upper limits of metres per pixel, the key of the label, and a colour from dark to light.
_CLASSES = (
    (0.01, 'res_fine', '#1d4f7c'),
    (0.02, 'res_good', '#3f7fb0'),
    (0.04, 'res_fair', '#86b3d4'),
    (np.inf, 'res_coarse', '#c3d9e9'),
)
_NOT_SEEN = '#e2b8a4'
_MAP_SIDE = 800


@dataclass(frozen=True, eq=False)
class RoofCoverage:
    """The cells that count as the roof, and what was seen of them."""

    seen: SeenGround
    roof: npt.NDArray[np.bool_]
    region: str
    """The key of the words for what counts as the roof."""


def roof_coverage(
    content: InspectionContent, zones: Sequence[RoofZone], area: InspectionArea | None = None
) -> RoofCoverage | None:
    """Return what was seen of the zones, the area, or the hull of all footprints.

    None where no frame has a place.
    """
    seen = seen_ground(content.grounded)
    if seen is None or content.plane is None:
        return None
    region, name = hull_of(content.grounded), 'region_hull'
    if zones:
        whole = shapely.union_all([zone.polygons for zone in zones])
        region, name = metres_of(whole, content.plane), 'region_zones'
    elif area is not None:
        region, name = metres_of(area.polygons, content.plane), 'region_area'
    return RoofCoverage(seen, seen.inside(region), name)


def coverage_lead(coverage: RoofCoverage, words: Mapping[str, str]) -> str:
    """Return the sentence that says how much was seen."""
    roof, views = coverage.roof, coverage.seen.views
    count = max(int(roof.sum()), 1)
    return words['coverage_lead'].format(
        seen=percent(float((roof & (views > 0)).sum()) / count),
        twice=percent(float((roof & (views > 1)).sum()) / count),
        area=metres2(coverage.seen.area_m2(roof)),
        region=words[coverage.region],
    )


def coverage_shares(coverage: RoofCoverage, words: Mapping[str, str]) -> tuple[Share, ...]:
    """Return the parts of the roof by the finest resolution at which they were seen."""
    seen, roof = coverage.seen, coverage.roof
    left, shares = roof & (seen.views > 0), []
    for most, key, colour in _CLASSES:
        cells = left & (seen.metres_per_pixel <= most)
        left = left & ~cells
        shares.append(_share(cells, coverage, words, key=key, colour=colour))
    missing = roof & (seen.views == 0)
    return (*shares, _share(missing, coverage, words, key='res_none', colour=_NOT_SEEN))


def coverage_map(coverage: RoofCoverage) -> EncodedImage:
    """Return the cells of the roof in the colours of `coverage_shares`, north up."""
    seen = coverage.seen
    rows, columns = seen.views.shape
    image = np.full((rows, columns, 3), 255, np.uint8)
    image[coverage.roof] = _bgr(_NOT_SEEN)
    for most, _, colour in reversed(_CLASSES):
        image[coverage.roof & (seen.metres_per_pixel <= most) & (seen.views > 0)] = _bgr(colour)
    scale = max(round(_MAP_SIDE / max(rows, columns)), 1)
    large = image.repeat(scale, axis=0).repeat(scale, axis=1)
    data = cv2.imencode('.png', large)[1].tobytes()
    return EncodedImage(data, 'png', (columns * scale, rows * scale))


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return blue, green, red


def coverage_notes(coverage: RoofCoverage, words: Mapping[str, str]) -> tuple[str, ...]:
    """Return what was not seen, and what was seen too seldom."""
    seen, roof = coverage.seen, coverage.roof
    missing, once = roof & (seen.views == 0), roof & (seen.views == 1)
    notes = [words['coverage_all_seen']]
    if missing.any():
        share = percent(float(missing.sum()) / max(int(roof.sum()), 1))
        area = metres2(seen.area_m2(missing))
        notes = [words['coverage_not_seen'].format(area=area, share=share)]
    if once.any():
        notes.append(words['coverage_once'].format(area=metres2(seen.area_m2(once))))
    return tuple(notes)


def condition_rows(
    content: InspectionContent,
    coverage: RoofCoverage,
    zones: Sequence[RoofZone],
    *,
    grades: Mapping[UUID, Grade],
    rules: SeverityRules,
    words: Mapping[str, str],
) -> tuple[tuple[ConditionRow, ...], int]:
    """Return the condition of the whole roof and of each zone, and how many had no size.

    Areas are those that were seen: of the rest nothing is known.
    """
    assert content.plane is not None
    reported = [one for one in content.reported if one.place is not None]
    inside = [one for one in reported if not zones or any(zone.contains(one) for zone in zones)]
    seen_cells = coverage.roof & (coverage.seen.views > 0)
    rows: list[ConditionRow] = []
    unmeasured = 0
    parts: list[tuple[str, Sequence[RoofFinding], npt.NDArray[np.bool_]]] = [
        (words['whole_roof'], inside, seen_cells)
    ]
    for zone in zones:
        own = [one for one in reported if zone.contains(one)]
        cells = coverage.seen.inside(metres_of(zone.polygons, content.plane))
        parts.append((zone.name, own, cells & (coverage.seen.views > 0)))
    for name, findings, cells in parts:
        area = coverage.seen.area_m2(cells)
        found = condition_index(findings, grades, rules, area_m2=area)
        counts = Counter(grades[one.uuid].severity for one in findings if one.uuid in grades)
        by_severity = [str(counts[one]) for one in reversed(Severity)]
        if found is not None and not rows:
            unmeasured = found.unmeasured
        rows.append(
            ConditionRow(
                name=name,
                index=None if found is None else found.index,
                range_text=words['index_unknown']
                if found is None
                else words[f'range_{found.range_name}'],
                area_text=f'{metres2(area)} m²',
                counts=(by_severity[0], by_severity[1], by_severity[2]),
            )
        )
    return tuple(rows), unmeasured


def percent(share: float) -> str:
    """Return a share in percent; only all is 100, and only nothing is 0."""
    if 0 < share < 0.01:
        return '<1'
    return str(int(share * 100)) if share < 1 else '100'


def metres2(area: float) -> str:
    """Return an area in m^2 to three digits."""
    return f'{area:.1f}' if area < 100 else f'{area:.0f}'


def _share(
    cells: npt.NDArray[np.bool_],
    coverage: RoofCoverage,
    words: Mapping[str, str],
    *,
    key: str,
    colour: str,
) -> Share:
    share = float(cells.sum()) / max(int(coverage.roof.sum()), 1)
    area = metres2(coverage.seen.area_m2(cells))
    value = words['area_share'].format(area=area, share=percent(share))
    return Share(share=share, colour=colour, label=words[key], value=value)
