# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Options of where detections lie: the roofs, the camera's mount, the topics that tell."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.georeference.camera_mount import BodyMount
    from roof_detector.georeference.ground import Ground
    from roof_detector.offline.georeferencing import PlaceSettings


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Add all of them in two groups."""
    _add_ground(parser.add_argument_group('where things lie (geojson)'))
    group = parser.add_argument_group(
        'where the camera was (geojson)',
        'The recorded pose is taken as that of the camera (its optical frame). With any option '
        "--mount-... it is that of the vehicle's body (x forward, y left, z up), as an autopilot "
        'tells it, and the camera sits on it so:',
    )
    group.add_argument(
        '--mount-down',
        type=float,
        metavar='DEG',
        help='how far it looks down from ahead; 90, straight down, by default',
    )
    group.add_argument(
        '--mount-yaw', type=float, metavar='DEG', help='how far it is turned left; 0 by default'
    )
    group.add_argument(
        '--mount-roll', type=float, metavar='DEG', help='how far it leans right; 0 by default'
    )
    group.add_argument(
        '--mount-lever',
        type=float,
        nargs=3,
        metavar=('X', 'Y', 'Z'),
        help='where it is, seen from the antenna, in metres along the axes of the body; by '
        'default there too',
    )
    for what, kind in (('fix', 'NavSatFix'), ('pose', 'a stamped pose, Odometry or Imu')):
        group.add_argument(
            f'--{what}-topic',
            default='',
            metavar='TOPIC',
            help=f"{kind}; by default the one whose name is most like the image topic's",
        )


def _add_ground(group: argparse._ArgumentGroup) -> None:
    level = group.add_mutually_exclusive_group()
    level.add_argument(
        '--ground-z',
        type=float,
        metavar='M',
        help='z of the roofs as the recorded pose counts it; without any of these three 0, where '
        'it counts from',
    )
    level.add_argument(
        '--ground-altitude',
        type=float,
        metavar='M',
        help='of the roofs, as the fix counts it (above the WGS 84 ellipsoid)',
    )
    level.add_argument(
        '--flight-height', type=float, metavar='M', help='above the roofs, the same all the way'
    )
    group.add_argument(
        '--ground-sigma',
        type=float,
        metavar='M',
        help='how surely that is known (standard deviation); 1 by default',
    )


def places_of(arguments: argparse.Namespace) -> PlaceSettings:
    """Return what was said of places; raise GeoError for nonsense."""
    from roof_detector.offline.georeferencing import PlaceSettings  # noqa: PLC0415

    return PlaceSettings(
        _ground_of(arguments), _mount_of(arguments), arguments.fix_topic, arguments.pose_topic
    )


def _ground_of(arguments: argparse.Namespace) -> Ground | None:
    from roof_detector.georeference.errors import GeoError  # noqa: PLC0415
    from roof_detector.georeference.ground import Ground  # noqa: PLC0415

    levels = {
        'map_z_m': arguments.ground_z,
        'altitude_m': arguments.ground_altitude,
        'height_m': arguments.flight_height,
    }
    given = {name: value for name, value in levels.items() if value is not None}
    if arguments.ground_sigma is not None:
        if not given:
            msg = (
                '--ground-sigma says how surely the height of the roofs is known, but none was '
                'given; add --ground-z, --ground-altitude or --flight-height.'
            )
            raise GeoError(msg)
        given['sigma_m'] = arguments.ground_sigma
    return Ground(**given) if given else None


def _mount_of(arguments: argparse.Namespace) -> BodyMount | None:
    from roof_detector.georeference.camera_mount import BodyMount  # noqa: PLC0415

    given = {
        f'{name}_deg': angle
        for name in ('down', 'yaw', 'roll')
        if (angle := getattr(arguments, f'mount_{name}')) is not None
    }
    if arguments.mount_lever is not None:
        given['lever_m'] = tuple(arguments.mount_lever)
    return BodyMount(**given) if given else None
