# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which detections open the black box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.serialization import deserialize_message
from vision_msgs.msg import Detection2DArray

if TYPE_CHECKING:
    from collections.abc import Collection


def reason_to_trigger(data: bytes, *, classes: Collection[str], confidence: float) -> str:
    """Return what in a serialised Detection2DArray opens the box, empty where nothing does.

    `classes` are the names that count; all do where it is empty.
    """
    array = deserialize_message(data, Detection2DArray)
    found = [
        (result.hypothesis.score, result.hypothesis.class_id)
        for detection in array.detections
        for result in detection.results
        if result.hypothesis.score >= confidence
        and (not classes or result.hypothesis.class_id in classes)
    ]
    if not found:
        return ''
    score, name = max(found)
    return f'{name} with confidence {score:.2f}'
