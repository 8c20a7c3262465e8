# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a video file says of itself: its length, its boxes and chunks, its encryption."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from roof_detector.inputs.file_kind import (
    AVI,
    EMPTY,
    MATROSKA,
    MP4,
    TRANSPORT_STREAM,
    Group,
    kind_of_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from av.container import InputContainer
    from av.video.stream import VideoStream

_ROUNDED_S = 0.25
_MOST_INDEX_BYTES = 1 << 26
_TS_PACKET, _M2TS_PACKET = 188, 192
_SEGMENT = b'\x18\x53\x80\x67'
_SCRAMBLED_SHARE = 0.5


@dataclass(frozen=True)
class VideoContainer:
    """The frame count and duration that a container announces, None where unknown.

    A container such as Matroska counts no frames.
    """

    frame_count: int | None
    duration_s: float | None

    @classmethod
    def of(cls, container: InputContainer, stream: VideoStream) -> VideoContainer:
        """Read what an open container announces of a stream."""
        # With sound, the duration of the file may be that of the sound.
        alone = len(container.streams) == 1
        whole_us = container.duration if alone else None
        frames = stream.frames
        if frames and 'mov' in container.format.name:
            # An edit list hides frames that are in the file, and counted.
            frames = sum(not entry.is_discard for entry in stream.index_entries) or frames
        return cls(
            frames or None,
            _tagged_s(stream.metadata.get('DURATION', ''))
            or (None if whole_us is None else whole_us / 1e6),
        )

    def lacks(self, read: int, *, end_s: float) -> bool:
        """Return whether the file should hold more than the `read` frames, which end at `end_s`.

        Containers round: one frame more or less, or a quarter of a second, is no sign of damage.
        """
        if self.frame_count is not None:
            return read < self.frame_count - 1
        return self.duration_s is not None and end_s + _ROUNDED_S < self.duration_s


def missing_bytes(path: Path) -> int:
    """Return how many bytes a file lacks by its own structure, 0 where it is whole or unknown."""
    size, kind = path.stat().st_size, kind_of_file(path)
    with path.open('rb') as file:
        if kind is MP4:
            end = max((end for _, _, end in _boxes(file, size)), default=0)
        elif kind is AVI:
            end = _end_of_riffs(file, size)
        elif kind is MATROSKA:
            end = _end_of_segment(file)
        elif kind is TRANSPORT_STREAM:
            _, step = _packets_of_stream(file)
            end = -(-size // step) * step
        else:
            end = 0
    return max(end - size, 0)


def refusal(path: Path) -> str:  # noqa: PLR0911 - one line for each reason
    """Return why a file is not a video that can be read, as far as its bytes tell, else ''.

    The text continues a sentence that begins with the file.
    """
    kind, size = kind_of_file(path), path.stat().st_size
    if kind is EMPTY:
        return 'is empty (0 bytes); was it copied or recorded to its end?'
    if kind.group in (Group.IMAGE, Group.RAW, Group.UNREAD):
        return f'is an image ({kind.name}) and not a video.'
    if kind.group is Group.SOUND:
        return f'holds sound alone ({kind.name}) and no video.'
    if kind.group is Group.OTHER:
        return f'is not a video: it holds {kind.name}.'
    with path.open('rb') as file:
        if kind is MP4:
            return _refusal_of_boxes(file, size)
        if kind is TRANSPORT_STREAM and _is_scrambled(file):
            return 'is encrypted (its packets are scrambled), so no frame of it can be read.'
        if kind is MATROSKA:
            head = file.read(1 << 16)
            if b'\x6d\x80' in head and b'\x50\x35' in head.partition(b'\x6d\x80')[2][:64]:
                return 'is encrypted (its track has a content encryption), so it cannot be read.'
    return ''


def _refusal_of_boxes(file: BinaryIO, size: int) -> str:
    boxes = {kind: (begin, end) for kind, begin, end in _boxes(file, size)}
    if b'moov' not in boxes and b'moof' not in boxes:
        return (
            'has no index (its box moov is missing): the recording was not finished, or the file '
            'was not copied to its end. Copy it again, or repair it with a program such as '
            'untrunc and a good video of the same camera.'
        )
    begin, end = boxes.get(b'moov', (0, 0))
    file.seek(begin)
    index = file.read(min(end - begin, _MOST_INDEX_BYTES))
    if b'encv' in index:
        return 'is encrypted (its track is encv), so no frame of it can be read.'
    if end > size:
        return 'is cut short within its index (moov), so no frame of it can be read.'
    if b'vide' not in index:
        return 'has no video: its tracks are of other kinds, such as sound.'
    return ''


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and announced end of each box of the file (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], 'big'), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], 'big')
        elif length == 0:
            length = size - at
        if length < 8:
            return
        yield kind, at, at + length
        at += length


def _end_of_riffs(file: BinaryIO, size: int) -> int:
    at = 0
    while at + 12 <= size:
        file.seek(at)
        name, length = struct.unpack('<4sI', file.read(8))
        if name != b'RIFF' or not length:
            break
        at += 8 + length + length % 2
    return at - 1  # the last padding byte is often left out


def _end_of_segment(file: BinaryIO) -> int:
    """Return where the segment of a Matroska file ends, 0 where that is unknown (RFC 8794)."""
    head = file.read(4096)
    at = head.find(_SEGMENT)
    if at < 0 or at + 12 > len(head):
        return 0
    first = head[at + 4]
    width = 9 - first.bit_length() if first else 0
    if not 1 <= width <= 8:
        return 0
    field = head[at + 4 : at + 4 + width]
    length = int.from_bytes(field, 'big') & ((1 << 7 * width) - 1)
    return 0 if length == (1 << 7 * width) - 1 else at + 4 + width + length


def _packets_of_stream(file: BinaryIO) -> tuple[int, int]:
    """Return where the first packet of a transport stream is, and the step to the next one.

    Camcorders (.MTS, .M2TS) write four bytes of time in front of each (ISO 13818-1, BDAV).
    """
    head = file.read(5)
    file.seek(0)
    return (0, _TS_PACKET) if head.startswith(b'G') else (_M2TS_PACKET - _TS_PACKET, _M2TS_PACKET)


def _is_scrambled(file: BinaryIO) -> bool:
    first, step = _packets_of_stream(file)
    data = file.read(step * 2000)
    controls = [data[at + 3] >> 6 for at in range(first, len(data) - _TS_PACKET + 1, step)]
    return bool(controls) and sum(map(bool, controls)) > _SCRAMBLED_SHARE * len(controls)


def _tagged_s(text: str) -> float | None:
    """Return the seconds of a duration tag of Matroska, such as 00:01:02.345000000."""
    hours, _, rest = text.partition(':')
    minutes, _, seconds = rest.partition(':')
    try:
        return timedelta(
            hours=int(hours), minutes=int(minutes), seconds=float(seconds)
        ).total_seconds()
    except ValueError:
        return None
