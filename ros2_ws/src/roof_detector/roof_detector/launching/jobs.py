# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The nodes that launch files start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from roof_detector.launching.argument import Argument
from roof_detector.launching.errors import LaunchError
from roof_detector.launching.node_job import NodeJob, refuse_idle
from roof_detector.ros.camera.camera_parameters import CAMERA_TABLE
from roof_detector.ros.camera.simulated_flight_parameters import SIMULATED_FLIGHT_TABLE
from roof_detector.ros.common.parameters import Parameter
from roof_detector.ros.detector.detector_parameters import DETECTOR_TABLE
from roof_detector.ros.inspector.inspector_parameters import INSPECTOR_TABLE
from roof_detector.ros.recorder.recorder_parameters import RECORDER_TABLE
from roof_detector.station.station_parameters import STATION_TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DETECTOR = NodeJob(name='detector', table=DETECTOR_TABLE)
CAMERA = NodeJob(name='camera', table=CAMERA_TABLE)
SIMULATED_FLIGHT = NodeJob(
    name='simulated_flight', table=SIMULATED_FLIGHT_TABLE, node_name='camera'
)
# launch's default of 5 s would cut the bag off on a slow disk.
RECORDER = NodeJob(name='recorder', table=RECORDER_TABLE, finish_s=60.0)
INSPECTOR = NodeJob(name='inspector', table=INSPECTOR_TABLE, finish_s=60.0)
STATION = NodeJob(name='station', table=STATION_TABLE)

# A replay uses the time of the bag.
REPLAYED_DETECTOR = replace(DETECTOR, fixed={'use_sim_time': True})

IMAGE = Argument('image', 'camera/image', 'Topic of raw images.')
IMAGE_COMPRESSED = Argument(
    'image_compressed',
    '',
    'Topic of compressed images or video, used if image_transport is not raw; empty uses the '
    'value of image followed by the transport, such as /compressed.',
)

# The nodes of a drone; a parameter that two of them share has an argument for each, or for all.
SIMULATED = Parameter(
    'simulated',
    default=False,
    description='Publish a simulated flight instead of a source.',
)
INSPECTED = Parameter(
    'inspector',
    default=False,
    description='Make findings of the detections while flying: every object once, in its place.',
)
_OF_CAMERA = {'jpeg_quality': 'camera_jpeg_quality'}
DRONE_CAMERA = replace(CAMERA, renamed=_OF_CAMERA, params_argument='camera_params_file')
DRONE_SIMULATED_FLIGHT = replace(
    SIMULATED_FLIGHT, renamed=_OF_CAMERA, params_argument='camera_params_file'
)
DRONE_DETECTOR = replace(
    DETECTOR,
    renamed={'jpeg_quality': 'annotated_jpeg_quality'},
    params_argument='detector_params_file',
)
DRONE_RECORDER = replace(RECORDER, params_argument='recorder_params_file')
DRONE_INSPECTOR = replace(INSPECTOR, params_argument='inspector_params_file')


def flying_jobs(
    given: Mapping[str, str], *, is_simulated: bool, is_inspected: bool
) -> tuple[NodeJob, ...]:
    """Return the nodes to start; raise LaunchError for an argument of another node."""
    if is_simulated:
        camera, idle = DRONE_SIMULATED_FLIGHT, DRONE_CAMERA
        refuse_idle(given, idle, camera, because='with simulated:=true')
    else:
        camera, idle = DRONE_CAMERA, DRONE_SIMULATED_FLIGHT
        refuse_idle(given, idle, camera, because='without simulated:=true')
    jobs = camera, DRONE_DETECTOR, DRONE_RECORDER
    if is_inspected:
        return *jobs, DRONE_INSPECTOR
    refuse_idle(given, DRONE_INSPECTOR, *jobs, because='without inspector:=true')
    return jobs


def image_remappings(job: NodeJob, given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Return the remappings of a detector's images; raise LaunchError for an unused topic."""
    values = job.parameters(given)
    named = [one.name for one in (IMAGE, IMAGE_COMPRESSED) if given.get(one.name)]
    if values.get('cameras') and named:
        msg = (
            f'{named[0]} is for a single camera without a name, but cameras lists named ones; '
            'give the topic there, as name:topic.'
        )
        raise LaunchError(msg)
    transport = values.get('image_transport', DETECTOR_TABLE['image_transport'].default)
    if given.get(IMAGE_COMPRESSED.name) and transport == 'raw':
        msg = (
            f'{IMAGE_COMPRESSED.name} has no effect with image_transport {transport}; add '
            'image_transport:=compressed, ffmpeg or foxglove.'
        )
        raise LaunchError(msg)
    image = given.get(IMAGE.name) or str(IMAGE.default)
    suffix = 'compressed' if transport == 'raw' else transport
    compressed = given.get(IMAGE_COMPRESSED.name) or f'{image}/{suffix}'
    return [('image', image), (f'image/{suffix}', compressed)]
