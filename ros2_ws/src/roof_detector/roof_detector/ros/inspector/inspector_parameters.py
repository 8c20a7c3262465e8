# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every parameter of the inspector node."""

from __future__ import annotations

from roof_detector.ros.common.parameters import HANG_LIMIT, Parameter, ParameterTable
from roof_detector.telemetry.topic_presets import presets

AUTO = 'auto'
GROUNDS = ('map', 'altitude', 'flight_height', 'surface')

INSPECTOR_TABLE = ParameterTable(
    Parameter(
        'cameras',
        (),
        'Cameras whose detections are inspected, as the detector has them: name or name:topic of '
        'the images. Empty for one camera without a name.',
    ),
    Parameter(
        'detector',
        'detector',
        'Name of the node that detects; its ~/detections, or ~/<camera>/detections, and ~/labels '
        'are listened to.',
    ),
    Parameter(
        'class_names',
        (),
        'Names of the classes that are detected; empty takes those of the labels.',
    ),
    Parameter(
        'telemetry',
        AUTO,
        'Set of topics that tell where the camera is; auto takes the first one that is published, '
        'topics in the namespace of the images before all others.',
        choices=(AUTO, *presets()),
    ),
    Parameter(
        'fix_topic', '', 'Topic of the position on Earth; empty takes that of the telemetry set.'
    ),
    Parameter('pose_topic', '', 'Topic of the attitude; empty takes that of the telemetry set.'),
    Parameter(
        'gimbal_topic',
        '',
        "Topic of the gimbal's attitude; empty takes that of the telemetry set.",
    ),
    Parameter('info_topic', '', 'Topic of the camera info; empty takes that beside the images.'),
    Parameter(
        'world_frame',
        '',
        'Frame of /tf whose axes are east, north, up; empty takes map, else odom.',
    ),
    Parameter(
        'telemetry_wait_s',
        0.5,
        'How long detections wait for telemetry of their stamp that comes late.',
        minimum=0.0,
        maximum=10.0,
    ),
    Parameter(
        'ground_reference',
        'map',
        'What ground_m counts in: map is z of the recorded pose, altitude that of the fix (above '
        'the WGS 84 ellipsoid), flight_height the constant height of the camera above the roofs; '
        'surface takes surface_file.',
        choices=GROUNDS,
    ),
    Parameter(
        'ground_m',
        0.0,
        'Height of the roofs, or with flight_height that of the camera above them.',
        minimum=-1000.0,
        maximum=10_000.0,
    ),
    Parameter('surface_file', '', 'Raster of heights (GeoTIFF) on which rays are cast.'),
    Parameter(
        'roof_height_m',
        0.0,
        'Height of the roofs above that ground.',
        minimum=-1000.0,
        maximum=1000.0,
    ),
    Parameter(
        'geoid_height_m',
        0.0,
        'Added to the heights of surface_file: that of the sea above the WGS 84 ellipsoid.',
        minimum=-200.0,
        maximum=200.0,
    ),
    Parameter(
        'ground_sigma_m',
        1.0,
        'Standard deviation of the height of the roofs.',
        minimum=0.0,
        maximum=1000.0,
    ),
    Parameter(
        'mount',
        AUTO,
        'How the camera sits on the vehicle whose attitude is told: fixed takes the mount_... '
        'angles, auto the gimbal or the transforms, and else assumes that it looks straight down.',
        choices=(AUTO, 'fixed'),
    ),
    Parameter(
        'mount_down_deg',
        90.0,
        'Angle from ahead down to the view.',
        minimum=-180.0,
        maximum=180.0,
    ),
    Parameter('mount_yaw_deg', 0.0, 'Angle to the left.', minimum=-180.0, maximum=180.0),
    Parameter('mount_roll_deg', 0.0, 'Roll to the right.', minimum=-180.0, maximum=180.0),
    Parameter('map_frame_id', 'map', 'Frame of the findings: east, north, up.'),
    Parameter(
        'area',
        '',
        'GeoJSON or KML with the outline of what is inspected: findings outside are not reported; '
        'empty for none.',
    ),
    Parameter(
        'findings_directory',
        '',
        'Folder in which inspection.gpkg is written, at most a second behind; one that is there '
        'already is kept, and the new one gets a number. Empty writes none.',
    ),
    Parameter(
        'detection_curves',
        '',
        'CSV with class, metres_per_pixel, detected, false_alarm: how probably the model finds an '
        'object; empty takes that of the shipped model.',
    ),
    Parameter(
        'image_size',
        0,
        "Side of the input of the detector's network in pixels, as the detector has it: how "
        'probably an object is found depends on the resolution that the network sees. 0 takes '
        '640, that of the shipped models.',
        minimum=0,
        maximum=4096,
        unit='px',
    ),
    Parameter(
        'update_period_s',
        1.0,
        'How often findings are summed up, published and written.',
        minimum=0.1,
        maximum=60.0,
    ),
    Parameter(
        'register_rate_hz',
        5.0,
        'Most frames of a camera in a second that are placed and registered; those between are '
        'tracked alone. 0 registers every frame.',
        minimum=0.0,
        maximum=1000.0,
    ),
    Parameter(
        'most_objects',
        5000,
        'The weakest of more objects are dropped and counted.',
        minimum=10,
        maximum=20_000,
    ),
    Parameter(
        'autostart',
        default=True,
        description='Configure and activate at once; false waits for lifecycle transitions.',
    ),
    HANG_LIMIT,
)
