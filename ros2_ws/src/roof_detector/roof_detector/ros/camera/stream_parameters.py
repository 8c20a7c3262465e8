# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What every node that publishes frames can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roof_detector.ros.common.parameters import HANG_LIMIT, Parameter

STREAM_PARAMETERS = (
    Parameter(
        'transport',
        'raw',
        'What is published: image (raw), image/compressed (compressed) or both.',
        choices=('raw', 'compressed', 'both'),
    ),
    Parameter(
        'jpeg_quality',
        90,
        'Quality of the compressed images made here.',
        minimum=1,
        maximum=100,
        live=True,
    ),
    Parameter(
        'frame_id',
        'camera_optical_frame',
        "Frame of the headers; what comes from a bag keeps the bag's own.",
    ),
    Parameter(
        'reliability',
        'reliable',
        'Reliability that the image topics offer.',
        choices=('reliable', 'best_effort'),
    ),
    Parameter(
        'queue_depth',
        5,
        'Images kept for readers that have not got them yet.',
        minimum=1,
        maximum=100,
    ),
    Parameter(
        'stamp',
        'now',
        'Stamp of a frame: when it is published (now), or its time in the source (source). '
        'A live camera always stamps the grab.',
        choices=('now', 'source'),
    ),
    Parameter(
        'wait_for_subscribers',
        0,
        'Nodes that must listen to the images before the first frame is sent.',
        minimum=0,
        maximum=100,
    ),
    Parameter(
        'wait_for_all_topics',
        default=False,
        description='Send the first frame only once each topic published here has a listener, so '
        'that a recorder misses nothing.',
    ),
    Parameter(
        'wait_timeout_s',
        60.0,
        'Longest wait for those nodes; then the frames are sent all the same.',
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        'start_delay_s',
        0.5,
        'Pause before the first frame, for both ends of a new connection to get ready.',
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        'at_end',
        'exit',
        'After the last frame, exit or idle (stay, silently).',
        choices=('exit', 'idle'),
    ),
    HANG_LIMIT,
)


@dataclass(frozen=True)
class StreamSettings:
    """Hold how frames are published."""

    transport: str
    jpeg_quality: int
    frame_id: str
    reliability: str
    queue_depth: int
    stamp: str
    wait_for_subscribers: int
    wait_for_all_topics: bool
    wait_timeout_s: float
    start_delay_s: float
    at_end: str

    @property
    def raw(self) -> bool:
        """Tell whether raw images are published."""
        return self.transport in ('raw', 'both')

    @property
    def compressed(self) -> bool:
        """Tell whether compressed images are published."""
        return self.transport in ('compressed', 'both')


def stream_settings(values: dict[str, Any]) -> StreamSettings:
    """Return the settings that parameter values stand for."""
    return StreamSettings(
        **{p.name: values[p.name] for p in STREAM_PARAMETERS if p is not HANG_LIMIT}
    )
