# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Options for georeferencing: the height of the roofs, the mount of the camera, its topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from roof_detector.georeference.camera_mount import BodyMount
    from roof_detector.georeference.ground import Ground
    from roof_detector.offline.georeferencing import GeoreferenceSettings


def add_georeference_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for georeferencing in two groups."""
    _add_ground(parser.add_argument_group('where the objects are (geojson, kml, kmz, gpkg)'))
    group = parser.add_argument_group(
        'where the camera was (geojson, kml, kmz, gpkg)',
        'The recorded pose is that of the camera (its optical frame). With any option --mount-... '
        "it is that of the vehicle's body (x forward, y left, z up), as an autopilot reports it, "
        'and the camera is mounted as follows:',
    )
    group.add_argument(
        '--mount-down',
        type=float,
        metavar='DEG',
        help='angle from ahead down to the view; 90, straight down, by default',
    )
    group.add_argument(
        '--mount-yaw', type=float, metavar='DEG', help='angle to the left; 0 by default'
    )
    group.add_argument(
        '--mount-roll', type=float, metavar='DEG', help='roll to the right; 0 by default'
    )
    group.add_argument(
        '--mount-lever',
        type=float,
        nargs=3,
        metavar=('X', 'Y', 'Z'),
        help='position relative to the antenna, in metres along the axes of the body; 0 0 0 by '
        'default',
    )
    group.add_argument(
        '--focal-35mm',
        type=float,
        metavar='MM',
        help='focal length of a video, or of photos placed by a log, as of 35 mm film; by '
        'default as subtitles and tags tell',
    )
    group.add_argument(
        '--log',
        default='',
        metavar='FILE',
        help='log of the autopilot of a video or of photos (.tlog, .bin, .ulg); by default the '
        'one beside a video that has no subtitles, or beside photos that do not tell their place',
    )
    group.add_argument(
        '--log-begin',
        type=float,
        metavar='S',
        help="the log's time at the start of the video; by default as the turns of image and "
        'vehicle agree, or by the times of day in both',
    )
    group.add_argument(
        '--no-adjust',
        action='store_true',
        help='keep the positions in the tags of photos; overlapping photos are adjusted to each '
        'other by default',
    )
    _add_telemetry(parser.add_argument_group('telemetry of a bag (geojson)'))


def _add_telemetry(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--telemetry',
        default='',
        metavar='NAME',
        help='set of topics: mavros, px4, psdk, tf, or ros (any NavSatFix and pose, by type); by '
        'default the one that the bag holds',
    )
    for what, kind in (
        ('fix', 'the position on Earth: NavSatFix, or as PX4 and psdk_ros2 publish it'),
        ('pose', 'the attitude: a stamped pose, Odometry, Imu, or as PX4 publishes it'),
        ('gimbal', 'the attitude of the gimbal, as MAVROS, PX4 or psdk_ros2 publish it'),
    ):
        group.add_argument(
            f'--{what}-topic',
            default='',
            metavar='TOPIC',
            help=f"{kind}; by default that of the set, or the name most like the image topic's",
        )
    group.add_argument(
        '--origin',
        type=float,
        nargs=3,
        metavar=('LAT', 'LON', 'ALT'),
        help='place on Earth of the origin of the recorded poses (degrees, degrees, metres), for '
        'a bag that has poses and no NavSatFix; without it positions are in metres of their map',
    )
    group.add_argument(
        '--world-frame',
        default='',
        metavar='FRAME',
        help='frame of /tf whose axes are east, north, up; map or else odom by default',
    )


def _add_ground(group: argparse._ArgumentGroup) -> None:
    level = group.add_mutually_exclusive_group()
    level.add_argument(
        '--ground-z',
        type=float,
        metavar='M',
        help='z of the roofs in the frame of the recorded pose; 0 if none of these four is given',
    )
    level.add_argument(
        '--ground-altitude',
        type=float,
        metavar='M',
        help='altitude of the roofs as in the fix (above the WGS 84 ellipsoid)',
    )
    level.add_argument(
        '--flight-height',
        type=float,
        metavar='M',
        help='height above the roofs, constant over the flight',
    )
    level.add_argument(
        '--ground',
        metavar='FILE.tif',
        help='raster of heights (DEM, DSM; GeoTIFF) on which rays are cast, in any coordinate '
        "reference system; heights count from the same level as the camera's altitude",
    )
    group.add_argument(
        '--roof-height',
        type=float,
        default=0.0,
        metavar='M',
        help='height of the roofs above that ground; %(default)s by default',
    )
    group.add_argument(
        '--geoid-height',
        type=float,
        default=0.0,
        metavar='M',
        help='added to the heights of --ground: that of the sea level above the WGS 84 ellipsoid, '
        'where the raster counts from the sea and the fix from the ellipsoid',
    )
    group.add_argument(
        '--ground-sigma',
        type=float,
        metavar='M',
        help='standard deviation of that height; 1 by default',
    )


def georeferencing_of(arguments: argparse.Namespace) -> GeoreferenceSettings:
    """Return the settings for georeferencing; raise GeoError for invalid values."""
    from roof_detector.offline.georeferencing import GeoreferenceSettings  # noqa: PLC0415
    from roof_detector.offline.video_georeferencing import LogSettings  # noqa: PLC0415
    from roof_detector.telemetry.recorded_track import TelemetrySettings  # noqa: PLC0415
    from roof_detector.telemetry.topic_choice import TopicNames  # noqa: PLC0415
    from roof_detector.telemetry.topic_presets import preset_named  # noqa: PLC0415

    if arguments.telemetry:
        preset_named(arguments.telemetry)
    return GeoreferenceSettings(
        ground=_ground_of(arguments),
        body_mount=_mount_of(arguments),
        telemetry=TelemetrySettings(
            preset=arguments.telemetry,
            names=TopicNames(
                fix=arguments.fix_topic, pose=arguments.pose_topic, gimbal=arguments.gimbal_topic
            ),
            world_frame=arguments.world_frame,
            origin=_origin_of(arguments),
        ),
        adjust_photos=not arguments.no_adjust,
        focal_35mm=arguments.focal_35mm,
        log=LogSettings(arguments.log, arguments.log_begin),
    )


def _origin_of(arguments: argparse.Namespace) -> tuple[float, float, float] | None:
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane  # noqa: PLC0415

    if arguments.origin is None:
        return None
    latitude, longitude, altitude = arguments.origin
    LocalTangentPlane(latitude, longitude, altitude)  # one that is not on Earth is refused
    return latitude, longitude, altitude


def _ground_of(arguments: argparse.Namespace) -> Ground | None:
    from roof_detector.georeference.errors import GeoError  # noqa: PLC0415
    from roof_detector.georeference.ground import Ground  # noqa: PLC0415

    levels = {
        'map_z_m': arguments.ground_z,
        'altitude_m': arguments.ground_altitude,
        'height_m': arguments.flight_height,
    }
    given: dict[str, Any] = {name: value for name, value in levels.items() if value is not None}
    if arguments.ground is not None:
        given['surface'] = str(arguments.ground)
    if arguments.ground_sigma is not None:
        if not given:
            msg = (
                '--ground-sigma is the deviation of the height of the roofs, but no height was '
                'given; add --ground-z, --ground-altitude, --flight-height or --ground.'
            )
            raise GeoError(msg)
        given['sigma_m'] = arguments.ground_sigma
    if arguments.geoid_height and arguments.ground is None:
        msg = (
            '--geoid-height is added to the heights of a raster, but none was given; add --ground '
            'FILE.tif, or give the altitude of the roofs as in the fix.'
        )
        raise GeoError(msg)
    if not given and not arguments.roof_height:
        return None
    ground = Ground(
        **(given or {'map_z_m': 0.0}),
        roof_height_m=arguments.roof_height,
        geoid_height_m=arguments.geoid_height,
    )
    if ground.surface is not None:
        ground.model  # noqa: B018 - a file that cannot be used is refused before the detection
    return ground


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
