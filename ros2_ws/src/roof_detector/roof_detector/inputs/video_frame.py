# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Turns decoded video frames into upright BGR images with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import BlockingIOError as NoFrameYet
from av.error import EOFError as EndOfFrames
from av.video.reformatter import ColorRange, VideoReformatter

from roof_detector.vision.orientation import UPRIGHT, matrix_orientation, upright

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

# The transfer characteristics of high dynamic range (ITU-T H.273, table 3).
_HDR = {16: 'PQ', 18: 'HLG'}
# Pixels of video are never more oblong; other ratios are mistakes of a writer.
_MOST_OBLONG = 4


class FrameConverter:
    """Converts the frames of one video; `notes` report what was done beside.

    `orientation` is that of the latest frame, as EXIF numbers it. It is read again where the
    rotation of the frames changes or their size; a mirroring alone that begins midway is not seen.

    Colours follow the matrix and range (limited or full) of each frame; those of a frame that
    states none are BT.601 in limited range, as FFmpeg takes them. Frames are turned by the display
    matrix, pixels of another shape are made square by the width, and interlaced frames are
    deinterlaced. High dynamic range is not tone-mapped.
    """

    def __init__(self, *, aspect: Fraction | None) -> None:
        self._aspect = aspect
        self._reformatter = VideoReformatter()
        self._deinterlacer: av.filter.Graph | None = None
        self._layout: tuple[int, int, str] | None = None
        self._turned: tuple[int, int, int] | None = None
        self.orientation = UPRIGHT
        self.notes: dict[str, None] = {}

    def images(self, frame: av.VideoFrame) -> Iterator[tuple[av.VideoFrame, NDArray[np.uint8]]]:
        """Yield the frames that are ready, each with its image (height, width, 3)."""
        layout = (frame.width, frame.height, frame.format.name)
        if self._layout is not None and layout[:2] != self._layout[:2]:
            yield from self.rest()
            self.notes[
                f'changes its size from {self._layout[0]}x{self._layout[1]} to '
                f'{layout[0]}x{layout[1]}'
            ] = None
        self._layout = layout
        if frame.interlaced_frame and self._deinterlacer is None:
            self._deinterlacer = _deinterlacer(frame)
            self.notes['is interlaced; its fields were merged into frames'] = None
        # What concerns the picture as a whole does not pass through the filter.
        turned = (frame.width, frame.height, frame.rotation)
        if turned != self._turned:
            self._turned, self.orientation = turned, orientation_of(frame)
        if self._deinterlacer is None:
            yield frame, self._to_bgr(frame)
            return
        self._deinterlacer.push(frame)
        yield from self._pulled()

    def rest(self) -> Iterator[tuple[av.VideoFrame, NDArray[np.uint8]]]:
        """Yield the frames that the deinterlacer still holds."""
        if self._deinterlacer is not None:
            self._deinterlacer.push(None)
            yield from self._pulled()
            self._deinterlacer = None

    def _pulled(self) -> Iterator[tuple[av.VideoFrame, NDArray[np.uint8]]]:
        assert self._deinterlacer is not None
        while True:
            try:
                frame = self._deinterlacer.vpull()
            except (NoFrameYet, EndOfFrames):
                return
            yield frame, self._to_bgr(frame)

    def _to_bgr(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        if hdr := _HDR.get(int(frame.color_trc)):
            self.notes[
                f'is of high dynamic range ({hdr}), which is shown without tone mapping: flatter '
                'and darker than a player shows it'
            ] = None
        width = frame.width
        aspect = self._aspect
        if aspect and aspect != 1 and Fraction(1, _MOST_OBLONG) <= aspect <= _MOST_OBLONG:
            width = max(round(frame.width * aspect), 1)
        shown = self._reformatter.reformat(
            frame, width=width, format='bgr24', dst_color_range=ColorRange.JPEG
        )
        image: NDArray[np.uint8] = shown.to_ndarray()  # type: ignore[assignment]
        return upright(image, self.orientation)


def orientation_of(frame: av.VideoFrame) -> int:
    """Return the orientation of a frame's display matrix as EXIF numbers it.

    A frame whose side data was looked at is part of a reference cycle (PyAV 18.1). A hundred of
    them, a gigabyte at 4K, wait for the garbage collector, so a small copy is looked at instead.
    """
    matrix = frame.reformat(width=16, height=16).side_data.get('DISPLAYMATRIX')
    return UPRIGHT if matrix is None else matrix_orientation(bytes(matrix))  # type: ignore[call-overload]


def _deinterlacer(frame: av.VideoFrame) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, 1000),
    )
    filtered = graph.add('bwdif', 'mode=send_frame:deint=interlaced')
    sink = graph.add('buffersink')
    source.link_to(filtered)
    filtered.link_to(sink)
    graph.configure()
    return graph
