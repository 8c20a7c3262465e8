# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check that images are published, arrive, and have a detector that subscribes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.doctor.finding import Finding, fail, ok, warn
from roof_detector.doctor.image_topic import VIDEO_TYPES

if TYPE_CHECKING:
    from roof_detector.doctor.graph_snapshot import GraphSnapshot, NodeReport
    from roof_detector.doctor.image_topic import ImageTopic, VideoReport

_SUBJECT = 'images'
_START_CAMERA = 'ros2 launch roof_detector camera.launch.py source:=/dev/video0'
_SLOW_HZ = 1.0
_ENCODER = 'ros2 param list  # the encoder: H.264 or H.265, Annex B, a keyframe each second'


def check_images(
    snapshot: GraphSnapshot, *, image_topic: str | None, listened_s: float
) -> list[Finding]:
    """Check one image topic, or all that were seen."""
    seen = {topic.name: topic for topic in snapshot.images}
    if image_topic is not None:
        name = '/' + image_topic.lstrip('/')
        if name not in seen:
            others = ', '.join(seen) or 'none'
            return [
                fail(
                    _SUBJECT,
                    f'No node publishes images on {name}. Image topics: {others}.',
                    f'ros2 topic list -t, or start the camera: {_START_CAMERA}',
                )
            ]
        seen = {name: seen[name]}
    if not seen:
        return [warn(_SUBJECT, 'No image topic is published yet.', _START_CAMERA)]
    detectors = snapshot.of_kind('detection')
    return [_check(topic, detectors, listened_s) for topic in seen.values()]


def _check(topic: ImageTopic, detectors: tuple[NodeReport, ...], listened_s: float) -> Finding:
    type_name = topic.type_name.rpartition('/')[2]
    by = f'{", ".join(topic.publishers)} ({", ".join(topic.reliabilities)})'
    summary = f'{topic.name}: {type_name} by {by}'
    if not topic.publishers:
        return fail(_SUBJECT, f'{topic.name}: its publisher has left.', _START_CAMERA)
    if not topic.received:
        return _silence(topic, summary, listened_s)
    summary = f'{summary}, {topic.rate_hz:.1f}/s of {topic.largest_bytes / 1e6:.2f} MB'
    if topic.video is not None:
        if fault := _fault_of(topic, topic.video, listened_s):
            return fail(_SUBJECT, f'{summary}. {fault}', _ENCODER)
        summary += f' of {topic.video.encoding}'
    receivers = [
        r.name.partition(':')[0] for r in detectors if r.values.get('topic') == topic.name
    ]
    if detectors and not receivers:
        others = ', '.join(f'{r.name.partition(":")[0]} to {_topic(r)}' for r in detectors)
        return warn(
            _SUBJECT,
            f'{summary}; no detector subscribes to it ({others}).',
            _listen_command(topic),
        )
    if topic.rate_hz < _SLOW_HZ:
        return warn(_SUBJECT, f'{summary}: slower than 1/s.', f'ros2 topic hz {topic.name}')
    listeners = f'received by {", ".join(receivers)}' if receivers else 'no detector is running'
    return ok(_SUBJECT, f'{summary}; {listeners}.')


def _silence(topic: ImageTopic, summary: str, listened_s: float) -> Finding:
    """Return why nothing arrived on a topic that has a publisher."""
    if topic.video is not None and topic.video.missing_package:
        package = topic.video.missing_package.replace('_', '-')
        return fail(
            _SUBJECT,
            f'{summary}, whose messages are not installed here.',
            f'sudo apt install ros-$ROS_DISTRO-{package}',
        )
    return fail(
        _SUBJECT,
        f'{summary}, but no image arrived in {listened_s:.0f} s.',
        f'ros2 topic hz {topic.name}  # and restart its publisher where '
        'FASTRTPS_DEFAULT_PROFILES_FILE is set (see DDS above)',
    )


def _fault_of(topic: ImageTopic, video: VideoReport, listened_s: float) -> str:
    """Return why no image of a video can be shown, empty where they can."""
    if video.fault or video.keyframes:
        return video.fault
    return (
        f'None of {topic.received} packets of {video.encoding!r} in {listened_s:.0f} s was a '
        'keyframe: who joins such a stream never sees an image.'
    )


def _topic(report: NodeReport) -> str:
    return report.values.get('topic') or 'nothing'


def _listen_command(topic: ImageTopic) -> str:
    launch = 'ros2 launch roof_detector detector.launch.py'
    transport = VIDEO_TYPES.get(topic.type_name)
    if transport is not None:
        suffix = f'/{transport}'
        if topic.name.endswith(suffix):
            return f'{launch} image_transport:={transport} image:={topic.name[: -len(suffix)]}'
        return f'{launch} image_transport:={transport} image_compressed:={topic.name}'
    if topic.type_name.endswith('CompressedImage'):
        return f'{launch} image_transport:=compressed image_compressed:={topic.name}'
    return f'{launch} image:={topic.name}'
