# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Calibration files of cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from sensor_msgs.msg import CameraInfo

from roof_detector.inference.plain_yaml import parse_plain_yaml
from roof_detector.ros.common.errors import RosError

if TYPE_CHECKING:
    from pathlib import Path


def read_calibration(path: Path) -> CameraInfo:
    """Return the CameraInfo from a YAML file in the format of camera_calibration.

    Raises RosError if the file is missing or has another format.
    """
    try:
        content = parse_plain_yaml(path.read_text(encoding='utf-8'))
        return CameraInfo(
            width=int(content['image_width']),
            height=int(content['image_height']),
            distortion_model=str(content['distortion_model']),
            d=_numbers(content['distortion_coefficients']),
            k=_numbers(content['camera_matrix'], count=9),
            r=_numbers(content['rectification_matrix'], count=9),
            p=_numbers(content['projection_matrix'], count=12),
        )
    except (OSError, UnicodeDecodeError) as error:
        msg = f'The calibration {path} cannot be read: {error}.'
        raise RosError(msg) from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AssertionError) as error:
        reason = ' '.join(str(error).split())
        msg = (
            f'The calibration {path} is not the YAML that camera_calibration writes ({reason}); '
            'it needs image_width, image_height, camera_matrix, distortion_model and so on.'
        )
        raise RosError(msg) from error


def _numbers(matrix: dict[str, Any], *, count: int | None = None) -> list[float]:
    values = [float(value) for value in matrix['data']]
    if count is not None and len(values) != count:
        msg = f'a matrix has {len(values)} numbers, expected {count}'
        raise ValueError(msg)
    return values
