# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detector's messages in serialised form, written and read without ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.stamp_fields import stamp_fields
from roof_detector.vision.candidates import Candidates
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

DETECTIONS = 'vision_msgs/msg/Detection2DArray'
LABELS = 'vision_msgs/msg/LabelInfo'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
# geometry_msgs/Quaternion has this default; a message made by rclpy has it too.
_UPRIGHT = {'pose': {'orientation': {'w': 1.0}}}


def header_values(stamp_ns: int, frame_id: str) -> dict[str, Any]:
    """Return the values of a std_msgs/Header."""
    sec, nanosec = stamp_fields(stamp_ns)
    return {'stamp': {'sec': sec, 'nanosec': nanosec}, 'frame_id': frame_id}


def detections_bytes(
    detections: Detections, *, names: Sequence[str], stamp_ns: int, frame_id: str
) -> bytes:
    """Return the Detection2DArray that the node publishes for these detections."""
    return _array_bytes(detections.message_rows(), names, header_values(stamp_ns, frame_id))


def candidates_bytes(
    candidates: Candidates, *, names: Sequence[str], stamp_ns: int, frame_id: str
) -> bytes:
    """Return candidates as a Detection2DArray, with boxes in pixels of the network's input.

    Every number in it is the network's own, so that thresholds can be applied to it exactly.
    """
    rows = zip(
        *candidates.boxes_cxcywh.T.tolist(),
        candidates.scores.tolist(),
        candidates.class_ids.tolist(),
        strict=True,
    )
    return _array_bytes(rows, names, header_values(stamp_ns, frame_id))


def labels_bytes(
    names: Sequence[str], *, threshold: float, stamp_ns: int, frame_id: str = ''
) -> bytes:
    """Return the LabelInfo that gives consumers the model's classes."""
    classes = [{'class_id': i, 'class_name': name} for i, name in enumerate(names)]
    header = header_values(stamp_ns, frame_id)
    return message_bytes(LABELS, {'header': header, 'class_map': classes, 'threshold': threshold})


def jpeg_bytes(jpeg: bytes, *, stamp_ns: int, frame_id: str) -> bytes:
    """Return a CompressedImage."""
    header = header_values(stamp_ns, frame_id)
    return message_bytes(COMPRESSED_IMAGE, {'header': header, 'format': 'jpeg', 'data': jpeg})


def label_names(message: Any) -> tuple[str, ...]:
    """Return the class names of a LabelInfo in order of class id."""
    classes = sorted(message.class_map, key=lambda one: one.class_id)
    if [one.class_id for one in classes] != list(range(len(classes))):
        numbers = ', '.join(str(one.class_id) for one in classes)
        msg = f'The labels number their classes {numbers}; expected 0, 1, 2 and so on.'
        raise BagError(msg)
    return tuple(one.class_name for one in classes)


def read_detections(message: Any, *, names: Sequence[str]) -> Detections:
    """Return the detections of a Detection2DArray; the best hypothesis of each counts."""
    rows = _read_rows(message, names)
    boxes = np.array([row[:4] for row in rows], np.float64).reshape(-1, 4)
    centres, half_sizes = boxes[:, :2], boxes[:, 2:] / 2
    return Detections(
        boxes_xyxy=np.concatenate((centres - half_sizes, centres + half_sizes), axis=1).astype(
            np.float32
        ),
        scores=np.array([row[4] for row in rows], np.float32),
        class_ids=np.array([row[5] for row in rows], np.int32),
    )


def read_candidates(message: Any, *, names: Sequence[str]) -> Candidates:
    """Return the candidates that `candidates_bytes` wrote, bit for bit."""
    rows = _read_rows(message, names)
    return Candidates(
        boxes_cxcywh=np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        scores=np.array([row[4] for row in rows], np.float32),
        class_ids=np.array([row[5] for row in rows], np.int32),
        coefficients=np.zeros((len(rows), 0), np.float32),
    )


def _array_bytes(rows: Any, names: Sequence[str], header: dict[str, Any]) -> bytes:
    found = [
        {
            'header': header,
            'results': [
                {'hypothesis': {'class_id': names[class_id], 'score': score}, 'pose': _UPRIGHT}
            ],
            'bbox': {
                'center': {'position': {'x': x, 'y': y}},
                'size_x': width,
                'size_y': height,
            },
        }
        for x, y, width, height, score, class_id in rows
    ]
    return message_bytes(DETECTIONS, {'header': header, 'detections': found})


def _read_rows(message: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    ids = {name: i for i, name in enumerate(names)}
    rows = []
    for detection in message.detections:
        if not len(detection.results):
            continue
        best = max((one.hypothesis for one in detection.results), key=lambda one: one.score)
        if best.class_id not in ids:
            msg = f'A detection is called {best.class_id!r}, but the labels are {tuple(names)}.'
            raise BagError(msg)
        box = detection.bbox
        position = box.center.position
        rows.append(
            (position.x, position.y, box.size_x, box.size_y, best.score, ids[best.class_id])
        )
    return rows
