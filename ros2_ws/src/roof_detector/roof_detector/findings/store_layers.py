# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The layers of the file of an inspection, and how its schema is brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.findings.geopackage import Layer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

SCHEMA_VERSION = 2

FINDINGS = Layer(
    name='findings',
    columns=(
        ('number', 'INTEGER NOT NULL'),
        ('uuid', 'TEXT NOT NULL'),
        ('class', 'TEXT NOT NULL'),
        ('class_probability', 'REAL'),
        ('existence', 'REAL'),
        ('state', 'TEXT NOT NULL'),
        ('decided', 'BOOLEAN NOT NULL'),
        ('outside', 'BOOLEAN NOT NULL'),
        ('radius95_m', 'REAL'),
        ('east_m', 'REAL'),
        ('north_m', 'REAL'),
        ('height_m', 'REAL'),
        ('variance_east_m2', 'REAL'),
        ('covariance_m2', 'REAL'),
        ('variance_north_m2', 'REAL'),
        ('length_m', 'REAL'),
        ('width_m', 'REAL'),
        ('side_error_m', 'REAL'),
        ('area_m2', 'REAL'),
        ('area_error_m2', 'REAL'),
        ('area_from_mask', 'BOOLEAN'),
        ('sightings', 'INTEGER NOT NULL'),
        ('looks', 'INTEGER NOT NULL'),
        ('opportunities', 'INTEGER NOT NULL'),
        ('first_seen_ns', 'INTEGER'),
        ('last_seen_ns', 'INTEGER'),
        ('flights', 'TEXT'),
        ('tracks', 'TEXT'),
        ('best_source', 'TEXT'),
        ('best_topic', 'TEXT'),
        ('best_frame', 'INTEGER'),
        ('best_name', 'TEXT'),
        ('best_stamp_ns', 'INTEGER'),
        ('best_box_px', 'TEXT'),
        ('best_confidence', 'REAL'),
        ('best_metres_per_pixel', 'REAL'),
        ('aliases', 'TEXT'),
        ('note', 'TEXT'),
        ('severity', "TEXT NOT NULL DEFAULT ''"),
    ),
    geometry='POINT',
    description='every object once; those without a place have no geometry',
)
COMPUTED_FINDINGS = Layer(
    name='findings_computed',
    columns=FINDINGS.columns,
    geometry='POINT',
    description='what was computed of the findings that decisions changed',
)
SIGHTINGS = Layer(
    name='sightings',
    columns=(
        ('finding', 'INTEGER'),
        ('key', 'TEXT'),
        ('flight', 'TEXT'),
        ('source', 'TEXT'),
        ('topic', 'TEXT'),
        ('frame', 'INTEGER'),
        ('name', 'TEXT'),
        ('stamp_ns', 'INTEGER'),
        ('detection', 'INTEGER'),
        ('class', 'TEXT'),
        ('confidence', 'REAL'),
        ('left_px', 'REAL'),
        ('top_px', 'REAL'),
        ('right_px', 'REAL'),
        ('bottom_px', 'REAL'),
        ('track', 'INTEGER'),
        ('metres_per_pixel', 'REAL'),
        ('cut', 'BOOLEAN'),
    ),
    geometry='POINT',
    description='every detection of every frame, and the finding that it belongs to',
)
TRACKS = Layer(
    name='tracks',
    columns=(
        ('flight', 'TEXT'),
        ('topic', 'TEXT'),
        ('track', 'INTEGER'),
        ('finding', 'INTEGER'),
        ('sightings', 'INTEGER'),
        ('first_ns', 'INTEGER'),
        ('last_ns', 'INTEGER'),
    ),
    description='sightings of one stream that image motion ties together',
)
FRAMES = Layer(
    name='frames',
    columns=(
        ('flight', 'TEXT'),
        ('source', 'TEXT'),
        ('topic', 'TEXT'),
        ('frame', 'INTEGER'),
        ('name', 'TEXT'),
        ('stamp_ns', 'INTEGER'),
        ('width_px', 'INTEGER'),
        ('height_px', 'INTEGER'),
        ('detections', 'INTEGER'),
        ('height_m', 'REAL'),
        ('camera_longitude_deg', 'REAL'),
        ('camera_latitude_deg', 'REAL'),
    ),
    geometry='POLYGON',
    description='every frame, with what it showed of the roof',
)
COVERAGE = Layer(
    name='coverage',
    columns=(
        ('kind', 'TEXT'),
        ('views', 'INTEGER'),
        ('metres_per_pixel', 'REAL'),
        ('sharpness', 'REAL'),
        ('angle_deg', 'REAL'),
        ('detected', 'REAL'),
    ),
    geometry='POLYGON',
    description='how well each part of the roof was seen',
)
DECISIONS = Layer(
    name='decisions',
    columns=(
        ('kind', 'TEXT NOT NULL'),
        ('uuid', 'TEXT NOT NULL'),
        ('who', 'TEXT NOT NULL'),
        ('made_at', 'TEXT NOT NULL'),
        ('value', 'TEXT NOT NULL'),
        ('class', 'TEXT NOT NULL'),
        ('latitude_deg', 'REAL'),
        ('longitude_deg', 'REAL'),
    ),
    description='what people decided; rows are only ever added',
)
EVENTS = Layer(
    name='events',
    columns=(('kind', 'TEXT'), ('uuid', 'TEXT'), ('sentence', 'TEXT')),
    description='what happened to findings',
)
PROVENANCE = Layer(
    name='provenance',
    columns=(('name', 'TEXT'), ('value', 'TEXT')),
    description='inputs, model, parameters and versions',
)

COMPUTED = (
    *(FINDINGS, COMPUTED_FINDINGS, SIGHTINGS, TRACKS, FRAMES, COVERAGE, EVENTS, PROVENANCE),
)
LAYERS = (*COMPUTED, DECISIONS)


def _add_computed(connection: sqlite3.Connection) -> None:
    """Bring schema 1 to 2: what was computed before the decisions, and where the camera was."""
    connection.execute("ALTER TABLE findings ADD COLUMN severity TEXT NOT NULL DEFAULT ''")
    for name in ('camera_longitude_deg', 'camera_latitude_deg'):
        connection.execute(f'ALTER TABLE frames ADD COLUMN {name} REAL')
    COMPUTED_FINDINGS.create(connection)


# What brings a store of each version to the next one.
MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _add_computed}
# Decisions are never changed nor deleted, whatever program tries.
TRIGGERS = tuple(
    f'CREATE TRIGGER decisions_no_{verb.lower()} BEFORE {verb} ON decisions BEGIN '
    "SELECT RAISE(ABORT, 'decisions are only ever added'); END"
    for verb in ('UPDATE', 'DELETE')
)
