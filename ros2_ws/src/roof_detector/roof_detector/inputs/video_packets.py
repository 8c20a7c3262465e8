# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The decoder of H.264 and H.265 packets that come one by one, in messages."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange, VideoReformatter

from roof_detector.vision.encodings import MOST_PIXELS
from roof_detector.vision.errors import AwaitingKeyframe, BadPacket, UnsupportedEncoding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Token = TypeVar('Token')
VideoCodec = Literal['h264', 'hevc']

_CODECS: dict[str, VideoCodec] = {'264': 'h264', 'avc': 'h264', '265': 'hevc', 'hevc': 'hevc'}
_START = b'\0\0\1'  # what each unit begins with in Annex B of ITU-T H.264 and H.265
# A stream shows a picture at most 16 after its place among the packets.
_MOST_REORDERED = 16
# More that are begun mean a decoder that gives nothing any more.
_MOST_PENDING = 32
_KEYFRAME_FLAG = 1  # AV_PKT_FLAG_KEY of libavcodec
_MOST_PARAMETER_BYTES = 1 << 16
# A damaged slice is an error instead of grey blocks; no picture may claim more than an image may.
_OPTIONS = {'err_detect': 'explode', 'max_pixels': str(MOST_PIXELS)}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class VideoPicture(Generic[Token]):
    """A decoded picture, and the token of the packet that it came in."""

    token: Token
    frame: av.VideoFrame

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        return self.frame.width, self.frame.height

    def to_bgr(self) -> NDArray[np.uint8]:
        """Convert to (height, width, 3) BGR, by the colour matrix and range of the stream."""
        shown = VideoReformatter().reformat(
            self.frame, format='bgr24', dst_color_range=ColorRange.JPEG
        )
        image: NDArray[np.uint8] = shown.to_ndarray()  # type: ignore[assignment]
        return image


class PacketDecoder(Generic[Token]):
    """Decodes the packets of one stream in their order; for one thread.

    Nothing is decoded before a keyframe: at the beginning, after `lose`, after a damaged packet
    and after a change of the codec. A packet may give no picture yet (B-frames are decoded before
    they are shown), or several. `lost` counts pictures that were begun and will not come.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.codec: VideoCodec | Literal[''] = ''
        self._context: Any = None
        self._pending: dict[int, Token] = {}
        self._number = 0
        self._parameters = b''
        self._is_waiting = True

    @property
    def is_waiting(self) -> bool:
        """Return whether nothing is decoded until a keyframe comes."""
        return self._is_waiting

    def decode(
        self, data: bytes, *, encoding: str, token: Token, is_keyframe: bool = False
    ) -> list[VideoPicture[Token]]:
        """Decode a packet in Annex B; return the pictures that are ready, in the order shown.

        `encoding` names the codec, or an encoder of it such as libx264; `is_keyframe` is what the
        message tells, which counts beside what the packet holds. Raises UnsupportedEncoding,
        AwaitingKeyframe or BadPacket: the packet then gives no picture.
        """
        codec = codec_of(encoding)
        if codec != self.codec:
            self.lose()
            self.codec, self._parameters = codec, b''
        units = _unit_types(data, codec)
        if not units:
            self.lose()
            raise _without_unit(data, codec)
        if not units & _PICTURES[codec]:
            # Parameters that travel alone belong to the picture after them.
            self._parameters = (self._parameters + data)[-_MOST_PARAMETER_BYTES:]
            return []
        is_key = bool(units & _KEYFRAMES[codec]) or is_keyframe
        if self._is_waiting and not is_key:
            msg = (
                f'The {codec} stream is not shown before its next keyframe: it was joined midway, '
                'or packets were lost. Let the encoder send one each second (its GOP size).'
            )
            raise AwaitingKeyframe(msg)
        if self._is_waiting:
            self._open(codec)
        if self._parameters and not units & _PARAMETERS[codec]:
            data = self._parameters + data
        self._parameters = b''
        return self._decode(data, token)

    def flush(self) -> list[VideoPicture[Token]]:
        """Return the pictures that the decoder still holds, at the end of a stream."""
        pictures: list[VideoPicture[Token]] = []
        if self._context is not None:
            try:
                pictures = self._pictures(self._context.decode(None))
            except FFmpegError as error:
                _log.debug('The end of a stream could not be decoded: %s', error)
        self.lose()
        return pictures

    def lose(self) -> None:
        """Give up what was begun, and wait for a keyframe, as after packets that did not come."""
        self.lost += len(self._pending)
        self._pending.clear()
        self._context = None
        self._is_waiting = True

    def take_lost(self) -> int:
        """Return how many pictures were lost since the last call."""
        lost, self.lost = self.lost, 0
        return lost

    def _open(self, codec: VideoCodec) -> None:
        context = av.CodecContext.create(codec, 'r')
        # Threads of frames would hold back a picture each; the pipeline has its own threads.
        context.thread_count = 1
        context.options = _OPTIONS
        self._context = context
        self._is_waiting = False

    def _decode(self, data: bytes, token: Token) -> list[VideoPicture[Token]]:
        packet = av.Packet(data)
        # Not a time: the number leads from a picture back to the packet that it came in.
        packet.pts = self._number
        self._pending[self._number] = token
        self._number += 1
        try:
            pictures = self._pictures(self._context.decode(packet))
        except (FFmpegError, ValueError) as error:
            self._pending.pop(self._number - 1, None)
            self.lose()
            msg = (
                f'A packet of {len(data)} bytes of {self.codec} is damaged '
                f'({str(error)[:120]}); the next keyframe is waited for.'
            )
            raise BadPacket(msg) from error
        if len(self._pending) > _MOST_PENDING:
            self._pending.pop(self._number - 1, None)
            self.lose()
            msg = (
                f'{_MOST_PENDING} packets of {self.codec} gave no picture; the next keyframe is '
                'waited for.'
            )
            raise BadPacket(msg)
        return pictures

    def _pictures(self, frames: list[av.VideoFrame]) -> list[VideoPicture[Token]]:
        found = []
        for frame in frames:
            number = next(iter(self._pending), None) if frame.pts is None else frame.pts
            if number is None or number not in self._pending:
                continue
            token = self._pending.pop(number)
            for late in [one for one in self._pending if one < number - _MOST_REORDERED]:
                del self._pending[late]  # damaged in a way that the decoder does not tell
                self.lost += 1
            if frame.is_corrupt:
                self.lost += 1
            else:
                found.append(VideoPicture(token, frame))
        return found


# Types of units with a part of a picture, those of keyframes, and parameters (ITU-T H.264 table
# 7-1; H.265 table 7-1).
_PICTURES = {'h264': {1, 2, 3, 4, 5}, 'hevc': set(range(32))}
_KEYFRAMES = {'h264': {5}, 'hevc': set(range(16, 22))}
_PARAMETERS = {'h264': {7}, 'hevc': {33}}


def packet_of(message: Any) -> tuple[bytes, str, bool]:
    """Return the packet of an FFMPEGPacket or a CompressedVideo, its encoding, and its own word.

    The last is whether the message says that it is a keyframe.
    """
    if hasattr(message, 'encoding'):
        return bytes(message.data), str(message.encoding), bool(message.flags & _KEYFRAME_FLAG)
    return bytes(message.data), str(message.format), False


def codec_of(encoding: str) -> VideoCodec:
    """Return the codec of an encoding such as h264, hevc_nvenc or libx265; yuv420p may follow."""
    name = encoding.split(';', maxsplit=1)[0].strip().lower()
    for part, codec in _CODECS.items():
        if part in name:
            return codec
    msg = f'Video of encoding {encoding[:80]!r} is not decoded here, expected H.264 or H.265.'
    raise UnsupportedEncoding(msg)


def begins_at_keyframe(data: bytes, *, encoding: str) -> bool:
    """Return whether a decoder can begin at a packet, without decoding it.

    Raises UnsupportedEncoding or BadPacket for one that is not decoded at all.
    """
    codec = codec_of(encoding)
    units = _unit_types(data, codec)
    if not units:
        raise _without_unit(data, codec)
    return bool(units & _KEYFRAMES[codec])


def _without_unit(data: bytes, codec: VideoCodec) -> BadPacket:
    return BadPacket(
        f'A packet of {len(data)} bytes holds no unit of {codec} in Annex B. Publish the '
        'stream with start codes (h264_mp4toannexb), a whole image in each message.'
    )


def _unit_types(data: bytes, codec: VideoCodec) -> set[int]:
    """Return the types of the units up to the first one of a picture; empty if none begins."""
    found: set[int] = set()
    place = data.find(_START, 0, 1 << 16)
    while 0 <= place < len(data) - len(_START):
        head = data[place + len(_START)]
        kind = head & 0x1F if codec == 'h264' else head >> 1 & 0x3F
        found.add(kind)
        if kind in _PICTURES[codec]:
            break
        place = data.find(_START, place + len(_START))
    return found
