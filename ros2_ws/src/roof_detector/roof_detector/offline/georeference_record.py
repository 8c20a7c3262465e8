# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How an inspection was georeferenced, as its file keeps it, so that it can be done again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from roof_detector.georeference.camera_mount import BodyMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.video_georeferencing import LogSettings
from roof_detector.telemetry.recorded_track import TelemetrySettings
from roof_detector.telemetry.topic_choice import TopicNames

if TYPE_CHECKING:
    from collections.abc import Mapping


def georeference_record(settings: GeoreferenceSettings) -> dict[str, Any]:
    """Return the settings as plain values for JSON."""
    return asdict(settings)


def read_georeference(record: Mapping[str, Any]) -> GeoreferenceSettings:
    """Return the settings of a record; raise GeoError where it is damaged."""
    try:
        ground, mount = record['ground'], record['body_mount']
        telemetry = dict(record['telemetry'])
        origin = telemetry['origin']
        telemetry |= {
            'names': TopicNames(**telemetry['names']),
            'origin': None if origin is None else _triple(origin),
        }
        return GeoreferenceSettings(
            ground=None if ground is None else Ground(**ground),
            body_mount=None
            if mount is None
            else BodyMount(**{**mount, 'lever_m': _triple(mount['lever_m'])}),
            telemetry=TelemetrySettings(**telemetry),
            adjust_photos=bool(record['adjust_photos']),
            focal_35mm=record['focal_35mm'],
            log=LogSettings(**record['log']),
        )
    except (TypeError, KeyError, ValueError) as error:
        msg = (
            f'How the inspection was georeferenced cannot be read ({error!r}); give the height '
            'of the roofs and the mount of the camera again.'
        )
        raise GeoError(msg) from error


def _triple(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
