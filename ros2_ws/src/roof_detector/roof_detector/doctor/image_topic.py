# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What was observed on one image topic."""

from __future__ import annotations

from dataclasses import dataclass

VIDEO_TYPES = {
    'ffmpeg_image_transport_msgs/msg/FFMPEGPacket': 'ffmpeg',
    'foxglove_msgs/msg/CompressedVideo': 'foxglove',
}


@dataclass(frozen=True, kw_only=True)
class VideoReport:
    """What was seen in the packets of a video topic.

    `encoding` is what the newest packet calls itself, `keyframes` counts those a decoder can begin
    at. `fault` says why the newest packet cannot be decoded, empty where it can; `missing_package`
    is the one with the messages, where it is not installed.
    """

    encoding: str = ''
    keyframes: int = 0
    fault: str = ''
    missing_package: str = ''


@dataclass(frozen=True, kw_only=True)
class ImageTopic:
    """An image topic as observed for a few seconds.

    `age_s` is the smallest age of a stamp on arrival, None if no stamp was valid; `unstamped`
    counts images without a valid stamp; `publishers` and `listeners` are full names of nodes;
    `reliabilities` are those that the publishers offer; `video` is None for images.
    """

    name: str
    type_name: str
    publishers: tuple[str, ...]
    reliabilities: tuple[str, ...]
    listeners: tuple[str, ...]
    received: int
    rate_hz: float
    largest_bytes: int
    age_s: float | None
    unstamped: int = 0
    video: VideoReport | None = None
