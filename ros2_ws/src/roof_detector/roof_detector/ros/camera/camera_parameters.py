# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters of the camera node."""

from __future__ import annotations

import re

from roof_detector.ros.camera.stream_parameters import STREAM_PARAMETERS
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.parameters import Parameter, ParameterTable

CAMERA_TABLE = ParameterTable(
    Parameter(
        'source',
        '',
        'Where frames come from: a camera (0, /dev/video0), a stream (rtsp://...), a video file, '
        'an image, a folder of images, or a bag.',
        is_address=True,
    ),
    Parameter(
        'credentials_file',
        '',
        'File with one line user:password for a stream, readable by its owner alone (chmod 600); '
        'every user of this computer can read what stands in source.',
    ),
    Parameter(
        'rate_hz',
        0.0,
        "Frames per second; 0 uses the source's own rate.",
        minimum=0.0,
        maximum=1000.0,
    ),
    Parameter('loop', default=False, description='Start a file again at its end.'),
    Parameter('topic', '', 'Image topic of a bag that has several.'),
    Parameter(
        'size',
        '',
        'Image size to request from a camera of this computer, such as 1280x720; empty uses its '
        'default, often 640x480.',
    ),
    Parameter(
        'pixel_format',
        '',
        'Pixel format to request from a camera of this computer; most need MJPG for high rates.',
    ),
    Parameter(
        'calibration',
        '',
        'Calibration file for camera_info, in the format of camera_calibration; empty for none.',
    ),
    *STREAM_PARAMETERS,
)


def parse_size(text: str) -> tuple[int, int] | None:
    """Return (width, height) of '1280x720', None of ''; raise ParameterError for anything else."""
    if not text:
        return None
    match = re.fullmatch(r'([1-9]\d{0,4})x([1-9]\d{0,4})', text)
    if match is None:
        msg = f'size must be width x height such as 1280x720, not {text!r}.'
        raise ParameterError(msg)
    return int(match[1]), int(match[2])
