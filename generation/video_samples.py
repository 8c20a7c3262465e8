# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Video files of every container, codec and layout that cameras and programs write."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from generation.format_sample import Sample, chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Make = Callable[[Path], Path]
_SIZE_WH = (192, 128)
_COUNT = 6
_RATE = 10
_LOSSY = 5.0
_BT709, _BT601, _BT2020, _PQ, _HLG = 1, 6, 9, 16, 18
# a, b, u, c, d, v, x, y, w of each EXIF orientation; u, v and w have 30 bits behind the point.
_MATRICES = {
    number: (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    for number, (a, b, c, d) in {
        **{1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1)},
        **{5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0)},
    }.items()
}


@dataclass(frozen=True, kw_only=True)
class VideoSample(Sample):
    """A video with its frames, `numbered(k)` for each number of `frames`, turned by `turn`.

    `loss` is part of what is reported as lost.
    """

    frames: tuple[int, ...] = tuple(range(_COUNT))
    loss: str = ''
    tolerance: float = _LOSSY
    shown: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = np.asarray

    def row(self) -> str:
        """Return the row of the page."""
        if self.loss and not self.refusal:
            return f'| {self.name} | what is there reads right; reported: “{self.loss}” |'
        return super().row()


def numbered(number: int, size_wh: tuple[int, int] = _SIZE_WH) -> NDArray[np.uint8]:
    """Return the chart with a black square whose place tells a number."""
    image = chart(*size_wh)
    image[-16:, 16 * (number % 8) : 16 * (number % 8) + 16] = 0
    return image


def encoded(
    suffix: str,
    codec: str,
    *,
    pixels: str = 'yuv420p',
    count: int = _COUNT,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    matrix: tuple[int, ...] = (),
    aspect: Fraction | None = None,
    colours: tuple[int, int, int] = (0, 0, 0),
    sound: bool = False,
    interlaced: bool = False,
    size_wh: tuple[int, int] = _SIZE_WH,
    image_of: Callable[[int], NDArray[np.uint8]] | None = None,
) -> Make:
    """Return what writes a video; `colours` are matrix, range and transfer, 0 for not stated."""

    def write(path: Path) -> Path:
        path = path.with_name(path.name + suffix)
        with (
            _own_scheduling(),
            av.open(str(path), 'w', container_options=container_options or {}) as container,
        ):
            stream: Any = container.add_stream(codec, rate=_RATE, options=options or {})
            stream.width, stream.height, stream.pix_fmt = *size_wh, pixels
            context = stream.codec_context
            space, value_range, transfer = colours
            if any(colours):
                context.colorspace, context.color_range = space, value_range or 1
                context.color_trc = transfer or space
                context.color_primaries = _BT2020 if space == _BT2020 else space
            if aspect:
                context.sample_aspect_ratio = aspect
            if matrix:
                stream.set_display_matrix(matrix)
            voice: Any = container.add_stream('aac', rate=8000, layout='mono') if sound else None
            for number in range(count):
                image = numbered(number, size_wh) if image_of is None else image_of(number)
                frame = _frame(image, pixels, colours)
                frame.pts, frame.time_base = number, Fraction(1, _RATE)
                container.mux(stream.encode(frame))
                if voice is not None:
                    container.mux(voice.encode(_silence(number)))
            container.mux(stream.encode())
            if voice is not None:
                container.mux(voice.encode())
        return path

    return write


@contextmanager
def _own_scheduling() -> Iterator[None]:
    """Keep this thread's scheduling: as root, SVT-AV1 makes it a real-time thread for ever.

    Nothing else would get a CPU then, and every process started afterwards would inherit it.
    """
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)


def _frame(image: NDArray[np.uint8], pixels: str, colours: tuple[int, int, int]) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(image, format='bgr24')
    space, value_range, _ = colours
    if not any(colours):
        return frame.reformat(format=pixels)
    matrix = {_BT709: Colorspace.ITU709, _BT2020: Colorspace.BT2020}.get(space, Colorspace.ITU601)
    return frame.reformat(
        format=pixels,
        dst_colorspace=matrix,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange(value_range or 1),
    )


def _silence(number: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.float32), 'fltp', 'mono')
    frame.sample_rate, frame.pts, frame.time_base = 8000, 800 * number, Fraction(1, 8000)
    return frame


def sound_alone(path: Path) -> Path:
    """Write an MP4 without a video."""
    path = path.with_name(f'{path.name}.mp4')
    with av.open(str(path), 'w') as container:
        voice: Any = container.add_stream('aac', rate=8000, layout='mono')
        for number in range(10):
            container.mux(voice.encode(_silence(number)))
        container.mux(voice.encode())
    return path


def cut(make: Make, share: float = 0.6) -> Make:
    """Return what writes the first part of a file."""

    def write(path: Path) -> Path:
        whole = make(path)
        whole.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share) | 1])
        return whole

    return write


def renamed(make: Make, suffix: str) -> Make:
    """Return what writes a file under another suffix."""

    def write(path: Path) -> Path:
        written = make(path)
        return written.rename(path.with_name(path.name + suffix))

    return write


def of_bytes(suffix: str, data: bytes) -> Make:
    """Return what writes bytes."""

    def write(path: Path) -> Path:
        path = path.with_name(path.name + suffix)
        path.write_bytes(data)
        return path

    return write


def repacked(
    make: Make,
    suffix: str,
    *,
    first: int = 0,
    shift: int = 0,
    options: dict[str, str] | None = None,
) -> Make:
    """Return what writes the packets of a video from one of them on, with times shifted."""

    def write(path: Path) -> Path:
        source = make(path.with_name(f'{path.name}_source'))
        path = path.with_name(path.name + suffix)
        with (
            av.open(str(source)) as read,
            av.open(str(path), 'w', container_options=options or {}) as written,
        ):
            stream = written.add_stream_from_template(read.streams.video[0])
            for number, packet in enumerate(read.demux(read.streams.video[0])):
                if packet.dts is None or number < first:
                    continue
                assert packet.pts is not None and packet.time_base is not None
                moved = round(Fraction(shift, _RATE) / packet.time_base)
                packet.pts, packet.dts, packet.stream = (
                    packet.pts + moved,
                    packet.dts + moved,
                    stream,
                )
                written.mux(packet)
        return path

    return write


def joined(*makes: Make) -> Make:
    """Return what writes several transport streams one after another."""

    def write(path: Path) -> Path:
        parts = [
            make(path.with_name(f'{path.name}_{number}')).read_bytes()
            for number, make in enumerate(makes)
        ]
        path = path.with_name(f'{path.name}.ts')
        path.write_bytes(b''.join(parts))
        return path

    return write


def damaged(make: Make) -> Make:
    """Return what writes a video with a piece in its middle overwritten."""

    def write(path: Path) -> Path:
        path = make(path)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 300] = bytes(range(100)) * 3
        path.write_bytes(bytes(data))
        return path

    return write


def squared(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image of pixels of 4:3 with square ones."""
    return cv2.resize(image, (_SIZE_WH[0] * 4 // 3, _SIZE_WH[1])).astype(np.uint8, copy=False)


def turned(orientation: int, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image as it is shown under an orientation."""
    shown = {
        1: image,
        2: image[:, ::-1],
        3: image[::-1, ::-1],
        4: image[::-1],
        5: image.transpose(1, 0, 2),
        6: np.rot90(image, 3),
        7: image[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(image, 1),
    }
    return np.ascontiguousarray(shown[orientation])


_H264 = partial(encoded, codec='libx264', options={'crf': '12'})
_H265 = {'crf': '10', 'x265-params': 'log-level=none'}
_FAST = {'cpu-used': '8', 'deadline': 'realtime', 'crf': '10', 'b': '0'}
_AV1 = {'crf': '15', 'preset': '12', 'svtav1-params': 'lp=1'}
_ENCRYPTED = {
    'encryption_scheme': 'cenc-aes-ctr',
    'encryption_key': '00112233445566778899aabbccddeeff',
    'encryption_kid': '112233445566778899aabbccddeeff00',
}
_CUT = 'is cut short: it lacks'

CODECS = (
    VideoSample(name='H.264 in MP4', make=_H264('.mp4')),
    VideoSample(
        name='H.264 in MP4 with sound, suffix in upper case', make=_H264('.MP4', sound=True)
    ),
    VideoSample(name='H.264 in MOV', make=_H264('.mov')),
    VideoSample(name='H.264 in Matroska', make=_H264('.mkv')),
    VideoSample(name='H.264 in AVI', make=_H264('.avi', options={'crf': '12', 'bf': '0'})),
    VideoSample(name='H.264 in a transport stream (TS)', make=_H264('.ts')),
    VideoSample(
        name='H.264 in a transport stream of camcorders (MTS, packets of 192 bytes)',
        make=_H264('.mts', container_options={'mpegts_m2ts_mode': '1'}),
    ),
    VideoSample(
        name='H.264 in MP4 in fragments',
        make=_H264('.mp4', container_options={'movflags': 'frag_keyframe+empty_moov'}),
    ),
    VideoSample(name='H.264, 4:4:4', make=_H264('.mp4', pixels='yuv444p')),
    VideoSample(
        name='H.264 of 10 bits, 4:2:2',
        make=encoded('.mp4', 'libx264', pixels='yuv422p10le', options={'crf': '12'}),
    ),
    VideoSample(
        name='HEVC in MP4, open groups of pictures', make=encoded('.mp4', 'libx265', options=_H265)
    ),
    VideoSample(
        name='HEVC of 10 bits',
        make=encoded('.mp4', 'libx265', pixels='yuv420p10le', options=_H265),
    ),
    VideoSample(name='AV1 in MP4', make=encoded('.mp4', 'libsvtav1', options=_AV1)),
    VideoSample(name='AV1 in WebM', make=encoded('.webm', 'libsvtav1', options=_AV1)),
    VideoSample(name='VP9 in WebM', make=encoded('.webm', 'libvpx-vp9', options=_FAST)),
    VideoSample(name='ProRes 422 in MOV', make=encoded('.mov', 'prores_ks', pixels='yuv422p10le')),
    VideoSample(name='Motion JPEG in AVI', make=encoded('.avi', 'mjpeg', pixels='yuvj420p')),
    VideoSample(
        name='MPEG-4 in MP4', make=encoded('.mp4', 'mpeg4', options={'qscale': '2'}), tolerance=7
    ),
    VideoSample(
        name='MPEG-2 in a transport stream', make=encoded('.ts', 'mpeg2video'), tolerance=7
    ),
    VideoSample(name='FFV1 in Matroska', make=encoded('.mkv', 'ffv1')),
)

LAYOUTS = (
    *(
        VideoSample(
            name=f'Video turned or mirrored by its display matrix, as EXIF orientation {number}',
            make=_H264('.mp4', matrix=_MATRICES[number]),
            shown=partial(turned, number),
        )
        for number in range(1, 9)
    ),
    VideoSample(
        name='Pixels that are not square (4:3)',
        make=_H264('.mp4', aspect=Fraction(4, 3)),
        shown=squared,
    ),
    *(
        VideoSample(
            name=f'{space_name}, {range_name} range',
            make=_H264('.mp4', colours=(space, value_range, 0)),
        )
        for space_name, space in (('BT.601', _BT601), ('BT.709', _BT709))
        for range_name, value_range in (('limited', 1), ('full', 2))
    ),
    VideoSample(
        name='BT.2020, 10 bits, HLG',
        make=encoded(
            '.mp4',
            'libx265',
            pixels='yuv420p10le',
            options=_H265,
            colours=(_BT2020, 1, _HLG),
        ),
        note='is of high dynamic range (HLG), which is shown without tone mapping',
    ),
    VideoSample(
        name='BT.2020, 10 bits, PQ (HDR10)',
        make=encoded(
            '.mp4', 'libx265', pixels='yuv420p10le', options=_H265, colours=(_BT2020, 1, _PQ)
        ),
        note='is of high dynamic range (PQ), which is shown without tone mapping',
    ),
    VideoSample(
        name='Interlaced',
        make=encoded('.mp4', 'libx264', options={'crf': '12', 'x264-params': 'tff=1'}),
        tolerance=7,
        note='is interlaced; its fields were merged into frames',
    ),
    VideoSample(
        name='Size that changes within the video',
        make=joined(_H264('.ts', count=3), _H264('.ts', count=3, size_wh=(160, 96))),
        note='changes its size from 192x128 to 160x96',
        frames=(0, 1, 2, 0, 1, 2),
    ),
    VideoSample(
        name='MP4 whose edit list leaves out its first frames',
        make=repacked(
            encoded('.mkv', 'mpeg4', options={'qscale': '2', 'g': '1'}),
            '.mp4',
            shift=-2,
            options={'avoid_negative_ts': 'disabled', 'use_editlist': '1'},
        ),
        frames=(2, 3, 4, 5),
        tolerance=7,
    ),
    VideoSample(
        name='Recording that begins before its first key frame',
        make=repacked(
            _H264('.mkv', count=12, options={'crf': '12', 'g': '6', 'bf': '0'}), '.ts', first=2
        ),
        frames=tuple(range(6, 12)),
        loss='depend on earlier ones that the file does not hold',
    ),
    VideoSample(name='MP4 under the name of an AVI', make=renamed(_H264('.mp4'), '.avi')),
)

DAMAGE = (
    VideoSample(
        name='MP4 with its index in front, cut short',
        make=cut(
            encoded(
                '.mp4', 'mjpeg', pixels='yuvj420p', container_options={'movflags': '+faststart'}
            )
        ),
        loss=_CUT,
        frames=(0, 1, 2),
    ),
    *(
        VideoSample(
            name=f'{name} cut short',
            make=cut(encoded(suffix, 'mjpeg', pixels='yuvj420p')),
            loss=_CUT,
            frames=frames,
        )
        for name, suffix, frames in (('AVI', '.avi', (0,)), ('Matroska', '.mkv', (0, 1, 2)))
    ),
    VideoSample(
        name='Transport stream of camcorders (MTS) cut within a packet',
        make=cut(
            encoded(
                '.mts',
                'mpeg2video',
                options={'g': '1'},
                container_options={'mpegts_m2ts_mode': '1'},
            )
        ),
        loss=_CUT,
        frames=(0, 1, 2, 3, 4),
        tolerance=7,
    ),
    VideoSample(
        name='Transport stream cut within a packet',
        make=cut(encoded('.ts', 'mpeg2video', options={'g': '1'})),
        loss=_CUT,
        frames=(0, 1, 2),
        tolerance=7,
    ),
    VideoSample(
        name='MP4 without its index (recording not finished, or cut short)',
        make=cut(_H264('.mp4')),
        refusal='has no index (its box moov is missing)',
    ),
    VideoSample(
        name='Encrypted MP4',
        make=_H264('.mp4', container_options=_ENCRYPTED),
        refusal='is encrypted (its track is encv)',
    ),
    VideoSample(name='MP4 with sound alone', make=sound_alone, refusal='has no video'),
    VideoSample(
        name='Video file without content', make=of_bytes('.mp4', b''), refusal='is empty (0 bytes)'
    ),
    VideoSample(
        name='Text under the name of a video',
        make=of_bytes('.mp4', b'remember the milk\n' * 100),
        refusal='is not a video: it holds text.',
    ),
    VideoSample(
        name='Playlist under the name of a video, which could name other files',
        make=of_bytes('.mp4', b'#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/1.ts\n'),
        refusal='is not a video: it holds text.',
    ),
)

VIDEO_GROUPS = {
    'Videos': CODECS,
    'Layouts, colours and times of videos': LAYOUTS,
    'Damaged, encrypted and misnamed videos': DAMAGE,
}
