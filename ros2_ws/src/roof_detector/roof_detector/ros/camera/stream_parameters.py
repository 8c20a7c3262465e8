# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters that all nodes that publish frames share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from roof_detector.ros.common.parameters import HANG_LIMIT, Parameter

OutputTransport = Literal['raw', 'compressed', 'both']
Reliability = Literal['reliable', 'best_effort']
StampSource = Literal['now', 'source']
AtEnd = Literal['exit', 'idle']

STREAM_PARAMETERS = (
    Parameter(
        'transport',
        'raw',
        'What is published: image (raw), image/compressed (compressed) or both.',
        choices=get_args(OutputTransport),
    ),
    Parameter(
        'jpeg_quality',
        90,
        'JPEG quality of the images that this node compresses.',
        minimum=1,
        maximum=100,
        live=True,
    ),
    Parameter(
        'frame_id',
        'camera_optical_frame',
        "frame_id of the headers; messages of a bag keep the bag's own.",
    ),
    Parameter(
        'reliability',
        'reliable',
        'Reliability that the image topics offer.',
        choices=get_args(Reliability),
    ),
    Parameter(
        'queue_depth',
        5,
        'Images kept for readers that have not received them yet.',
        minimum=1,
        maximum=100,
    ),
    Parameter(
        'stamp',
        'now',
        'Stamp of a frame: its time of publication (now) or its time in the source (source). '
        'A live camera always uses the time of the grab.',
        choices=get_args(StampSource),
    ),
    Parameter(
        'wait_for_subscribers',
        0,
        'Nodes that must subscribe to the images before the first frame is published.',
        minimum=0,
        maximum=100,
    ),
    Parameter(
        'wait_for_all_topics',
        default=False,
        description='Publish the first frame only when every topic of this node has a subscriber, '
        'so that a recorder misses nothing.',
    ),
    Parameter(
        'wait_timeout_s',
        60.0,
        'Longest wait for those nodes; then the frames are published without them.',
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        'start_delay_s',
        0.5,
        'Pause before the first frame, in which new connections are set up.',
        minimum=0.0,
        maximum=3600.0,
    ),
    Parameter(
        'at_end',
        'exit',
        'After the last frame, exit or stay idle.',
        choices=get_args(AtEnd),
    ),
    HANG_LIMIT,
)


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How frames are published; each field is the parameter of its name."""

    transport: OutputTransport
    jpeg_quality: int
    frame_id: str
    reliability: Reliability
    queue_depth: int
    stamp: StampSource
    wait_for_subscribers: int
    wait_for_all_topics: bool
    wait_timeout_s: float
    start_delay_s: float
    at_end: AtEnd

    @property
    def raw(self) -> bool:
        """Return whether raw images are published."""
        return self.transport in ('raw', 'both')

    @property
    def compressed(self) -> bool:
        """Return whether compressed images are published."""
        return self.transport in ('compressed', 'both')


def stream_settings(values: dict[str, Any]) -> StreamSettings:
    """Return the settings of parameter values."""
    return StreamSettings(
        **{p.name: values[p.name] for p in STREAM_PARAMETERS if p is not HANG_LIMIT}
    )
