# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detector node: detects roof anomalies in the images of a camera.

    ros2 launch roof_detector detector.launch.py image:=/front/image_raw confidence:=0.4

`-s` after the file's name lists the arguments. Arguments take precedence over
params_file, and params_file over the node's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.launching.descriptions import COMMON, describe, start_node
from roof_detector.launching.jobs import DETECTOR, IMAGE, IMAGE_COMPRESSED, image_remappings

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` starts."""
    return describe(
        __file__,
        [*COMMON, IMAGE, IMAGE_COMPRESSED, *DETECTOR.arguments()],
        lambda context, given: start_node(
            context, DETECTOR, given, remappings=image_remappings(DETECTOR, given)
        ),
    )
