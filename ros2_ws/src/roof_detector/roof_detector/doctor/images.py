# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether images are published, arrive, and are listened to."""

from __future__ import annotations

from roof_detector.doctor.finding import Finding, fail, ok, warn
from roof_detector.doctor.graph_look import GraphLook, NodeReport
from roof_detector.doctor.image_topic import ImageTopic

_SUBJECT = 'images'
_START_CAMERA = 'ros2 launch roof_detector camera.launch.py source:=/dev/video0'
_SLOW_HZ = 1.0


def check_images(look: GraphLook, *, image_topic: str | None, listened_s: float) -> list[Finding]:
    """Check one image topic, or every one that is there."""
    seen = {topic.name: topic for topic in look.images}
    if image_topic is not None:
        name = '/' + image_topic.lstrip('/')
        if name not in seen:
            others = ', '.join(seen) or 'none'
            return [
                fail(
                    _SUBJECT,
                    f'Nobody publishes images on {name}. Image topics seen: {others}.',
                    f'ros2 topic list -t, or start the camera: {_START_CAMERA}',
                )
            ]
        seen = {name: seen[name]}
    if not seen:
        return [warn(_SUBJECT, 'No image topic is published yet.', _START_CAMERA)]
    detectors = look.of_kind('detection')
    return [_check(topic, detectors, listened_s) for topic in seen.values()]


def _check(topic: ImageTopic, detectors: tuple[NodeReport, ...], listened_s: float) -> Finding:
    type_name = topic.type_name.rpartition('/')[2]
    by = f'{", ".join(topic.publishers)} ({", ".join(topic.reliabilities)})'
    said = f'{topic.name}: {type_name} by {by}'
    if not topic.publishers:
        return fail(_SUBJECT, f'{topic.name}: its publisher is gone.', _START_CAMERA)
    if not topic.received:
        return fail(
            _SUBJECT,
            f'{said}, but none arrived in {listened_s:.0f} s.',
            f'ros2 topic hz {topic.name}  # and restart its publisher where '
            'FASTRTPS_DEFAULT_PROFILES_FILE is set (see DDS above)',
        )
    said = f'{said}, {topic.rate_hz:.1f}/s of {topic.largest_bytes / 1e6:.2f} MB'
    heard_by = [r.name.partition(':')[0] for r in detectors if r.values.get('topic') == topic.name]
    if detectors and not heard_by:
        listens = ', '.join(f'{r.name.partition(":")[0]} to {_topic(r)}' for r in detectors)
        return warn(
            _SUBJECT,
            f'{said}; no detector listens to it ({listens}).',
            _listen_command(topic),
        )
    if topic.rate_hz < _SLOW_HZ:
        return warn(_SUBJECT, f'{said}: slower than 1/s.', f'ros2 topic hz {topic.name}')
    listeners = f'heard by {", ".join(heard_by)}' if heard_by else 'no detector is running'
    return ok(_SUBJECT, f'{said}; {listeners}.')


def _topic(report: NodeReport) -> str:
    return report.values.get('topic') or 'nothing'


def _listen_command(topic: ImageTopic) -> str:
    launch = 'ros2 launch roof_detector detector.launch.py'
    if topic.type_name.endswith('CompressedImage'):
        return f'{launch} image_transport:=compressed image_compressed:={topic.name}'
    return f'{launch} image:={topic.name}'
