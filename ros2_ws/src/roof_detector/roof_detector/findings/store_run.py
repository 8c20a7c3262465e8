# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What one run writes into the file of an inspection: frames as they come, then the findings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.findings.coverage_cells import coverage_cells
from roof_detector.findings.finding_rows import finding_row
from roof_detector.findings.store_layers import (
    COMPUTED,
    COMPUTED_FINDINGS,
    COVERAGE,
    EVENTS,
    FINDINGS,
    FRAMES,
    PROVENANCE,
    SIGHTINGS,
)
from roof_detector.georeference.geopackage import point, polygon, set_extent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from roof_detector.findings.coverage import CoverageGrid
    from roof_detector.findings.geopackage import Layer
    from roof_detector.findings.register import FindingEvent, SightingKey
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane


class StoreRun:
    """Writes what one run computes: frames as they come, then the findings."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        origin: LocalTangentPlane | None,
        *,
        is_staged: bool = False,
    ) -> None:
        self._connection = connection
        self._origin = origin
        self._is_staged = is_staged

    def publish(self) -> None:
        """Replace what the file has with what this run added; others wait until the run ends.

        Decisions that are read from here on are all that there are.
        """
        if not self._is_staged:
            return
        self._is_staged = False
        self._connection.execute('COMMIT')
        self._connection.execute('BEGIN IMMEDIATE')
        for layer in COMPUTED:
            names = column_names(layer)
            self._connection.execute(f'DELETE FROM main."{layer.name}"')
            self._connection.execute(
                f'INSERT INTO main."{layer.name}" ({names}) '
                f'SELECT {names} FROM temp."{layer.name}" ORDER BY rowid'
            )
            self._connection.execute(f'DROP TABLE temp."{layer.name}"')

    def add_frame(
        self, sightings: FrameSightings, keys: Sequence[SightingKey], class_names: Sequence[str]
    ) -> None:
        """Add a frame with its sightings, each with the key that the register gave it."""
        frame, ground = sightings.frame, sightings.ground
        where = (frame.flight, frame.source, frame.topic, frame.index, frame.name, frame.stamp_ns)
        outline = None
        if ground is not None and len(ground.outline_en):
            ring = self._geodetic(ground.outline_en)
            outline = polygon([[*ring, ring[0]]])
        height_m = None if ground is None or ground.is_orthographic else ground.height_m
        camera: tuple[float | None, float | None] = (None, None)
        if ground is not None and height_m is not None:
            (camera,) = self._geodetic(ground.camera_en[None, :2])
        FRAMES.insert(
            self._connection,
            (*where, *sightings.size_wh, len(sightings), height_m, *camera),
            outline,
        )
        places: list[tuple[float, float]] = []
        if ground is not None and len(sightings):
            places = self._geodetic(np.nan_to_num(ground.positions_en, nan=0.0))
        for index, key in enumerate(keys):
            known = ground is not None and bool(np.isfinite(ground.positions_en[index, 0]))
            resolution = float(ground.metres_per_pixel[index]) if known and ground else None
            SIGHTINGS.insert(
                self._connection,
                (
                    None,
                    json.dumps(key),
                    *where,
                    index,
                    class_names[int(sightings.class_ids[index])],
                    float(sightings.confidences[index]),
                    *sightings.boxes_xyxy[index].tolist(),
                    int(sightings.track_ids[index]),
                    resolution,
                    bool(ground.cut[index]) if ground else None,
                ),
                point(*places[index]) if known else None,
            )

    def replace_findings(
        self, findings: Iterable[RoofFinding], *, gone: Iterable[int] = ()
    ) -> None:
        """Write findings again, each in place of the one of its number; delete those `gone`."""
        for finding in findings:
            self._delete(finding.number)
            self._add(FINDINGS, finding)
        for number in gone:
            self._delete(number)

    def add_events(self, events: Iterable[FindingEvent]) -> None:
        """Add what happened to findings."""
        for event in events:
            EVENTS.insert(self._connection, (event.kind, str(event.uuid), event.sentence))

    def add_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Add what the findings are made of."""
        for name, value in provenance.items():
            PROVENANCE.insert(self._connection, (name, json.dumps(value, sort_keys=True)))

    def add_coverage(self, grid: CoverageGrid) -> None:
        """Add how often and how well each cell was seen."""
        assert self._origin is not None
        for values, ring in coverage_cells(grid, self._origin):
            COVERAGE.insert(self._connection, values, polygon([ring]))

    def finish(
        self,
        findings: Sequence[RoofFinding],
        numbers: Mapping[SightingKey, int],
        events: Sequence[FindingEvent],
        provenance: Mapping[str, Any],
        computed: Sequence[RoofFinding] = (),
    ) -> None:
        """Write the findings, and to each sighting which one it belongs to; publish the run.

        `computed` are the findings before the decisions, so that a decision can be taken back.
        """
        self.publish()
        self._connection.execute('DELETE FROM findings')
        corners = [corner for one in findings if (corner := self._add(FINDINGS, one)) is not None]
        known = {one.uuid: one for one in findings}
        for one in computed:
            if known.get(one.uuid) != one:
                self._add(COMPUTED_FINDINGS, one)
        if corners:
            low, high = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
            for layer in (FINDINGS, SIGHTINGS, FRAMES, COVERAGE):
                set_extent(self._connection, layer.name, (*low, *high))
        connection = self._connection
        connection.execute('CREATE TEMP TABLE IF NOT EXISTS numbers (key TEXT PRIMARY KEY, n INT)')
        connection.execute('DELETE FROM numbers')
        connection.executemany(
            'INSERT INTO numbers VALUES (?, ?)',
            ((json.dumps(key), number) for key, number in numbers.items()),
        )
        connection.execute(
            'UPDATE sightings SET finding = (SELECT n FROM numbers WHERE numbers.key = '
            'sightings.key)'
        )
        connection.execute(
            'INSERT INTO tracks (flight, topic, track, finding, sightings, first_ns, last_ns) '
            'SELECT flight, topic, track, finding, count(*), min(stamp_ns), max(stamp_ns) '
            'FROM sightings WHERE track > 0 GROUP BY flight, topic, track, finding '
            'ORDER BY flight, topic, track, finding'
        )
        self.add_events(events)
        self.add_provenance(provenance)

    def _delete(self, number: int) -> None:
        self._connection.execute('DELETE FROM findings WHERE number = ?', (number,))

    def _add(self, layer: Layer, finding: RoofFinding) -> tuple[float, float] | None:
        """Add a finding to a layer; return its longitude and latitude."""
        place = finding.place
        where = None if place is None else (place.longitude_deg, place.latitude_deg)
        layer.insert(
            self._connection, finding_row(finding), None if where is None else point(*where)
        )
        return where

    def _geodetic(self, points_en: Any) -> list[tuple[float, float]]:
        """Return longitude and latitude of points (n, 2) of the plane."""
        assert self._origin is not None
        enu = np.column_stack([points_en, np.zeros(len(points_en))])
        geodetic = self._origin.to_geodetic(enu)
        return [(float(one[1]), float(one[0])) for one in geodetic]


def column_names(layer: Layer) -> str:
    """Return the columns of a layer but for its key, which the file gives."""
    names = [name for name, _ in layer.columns]
    return ', '.join(f'"{name}"' for name in (['geom', *names] if layer.geometry else names))
