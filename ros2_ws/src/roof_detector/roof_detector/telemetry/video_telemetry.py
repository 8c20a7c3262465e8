# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the telemetry of a video: subtitles beside or inside it, or a track of data."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from roof_detector.telemetry import gopro_track, motion_track
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.subtitles import read_subtitle_telemetry, subtitle_file_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.stream import Stream

    from roof_detector.telemetry.telemetry_sample import VideoTelemetry

_PACKETS_TO_TELL = 8
_LONGEST_S = 1e7


def read_video_telemetry(video: Path) -> VideoTelemetry:
    """Return the telemetry of a video's subtitles or, without any, of its tracks of data.

    Raises TelemetryError where it has none of both, or none that holds a position.
    """
    beside = subtitle_file_of(video)
    if beside is not None:
        return read_subtitle_telemetry(beside)
    try:
        return read_subtitle_telemetry(video)
    except TelemetryError:
        found = _read_data(video)
        if found is None:
            raise
    if not found.samples:
        which = 'GPS5 or GPS9' if found.holder == gopro_track.NAME else 'types 5 or 6'
        msg = f'{video} holds {found.holder}, and no position with a fix in it ({which}).'
        raise TelemetryError(msg)
    return found


def _read_data(video: Path) -> VideoTelemetry | None:
    """Return the telemetry of the first track of data of a known kind, None without one."""
    import av  # noqa: PLC0415 - an .srt file needs no decoder

    try:
        with av.open(str(video), metadata_errors='replace') as container:
            number_of_data = sum(one.type == 'data' for one in container.streams)
        for number in range(number_of_data):
            with av.open(str(video), metadata_errors='replace') as container:
                begun = list(islice(_packets(container, number), _PACKETS_TO_TELL))
            contents = [content for _, _, content in begun]
            is_gopro = any(one.startswith(gopro_track.START) for one in contents)
            is_motion = bool(contents) and all(map(motion_track.is_motion_packet, contents))
            if is_gopro or is_motion:
                read = gopro_track.gopro_telemetry if is_gopro else motion_track.motion_telemetry
                with av.open(str(video), metadata_errors='replace') as container:
                    return read(video, _packets(container, number))
    except (av.FFmpegError, OSError) as error:
        msg = f'{video} cannot be opened ({" ".join(str(error).split())}).'
        raise TelemetryError(msg) from error
    return None


def _packets(container: InputContainer, number: int) -> Iterator[tuple[float, float, bytes]]:
    """Yield begin and length in seconds and content of each packet of a track of data."""
    tracks: list[Stream] = [one for one in container.streams if one.type == 'data']
    for packet in container.demux(tracks[number]):
        content = bytes(packet)
        if not content or packet.pts is None or packet.time_base is None:
            continue
        begin_s = float(packet.pts * packet.time_base)
        length_s = float((packet.duration or 0) * packet.time_base)
        if 0 <= begin_s <= _LONGEST_S and 0 <= length_s <= _LONGEST_S:
            yield begin_s, length_s, content
