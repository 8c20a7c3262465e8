# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports the flight as a video with the detections drawn in."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError

from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.vision.drawing import draw_detections

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.vision.frame_findings import FrameFindings

_TICKS = 90_000  # per second, as MPEG counts; every common frame rate is a whole number of them
_DEFAULT_TICKS = _TICKS // 10
# A recorded stamp may be years off, which must not make a video of years.
_LONGEST_GAP_S = 60
# Browsers play yuv420p with even sizes and the index in front. x264's lookahead of `veryfast`
# keeps 10 frames in memory instead of 40. A short group of pictures makes seeking quick. Without
# B-frames the last packet is the last frame, whose duration must be set.
_CODEC = {
    'preset': 'veryfast',
    'crf': '23',
    'g': '60',
    'bf': '0',
    # The matrix of swscale's YUV; without it, players take HD for Rec. 709 and shift the colours.
    'x264-params': 'colormatrix=smpte170m',
}
_CONTAINER = {'movflags': '+faststart'}


class AnnotatedVideo(Export):
    """Writes H.264 in MP4 and shows each frame from its own stamp to the next one's.

    The first frame sets the size, rounded up to even; others are fitted into it. A frame whose
    stamp does not rise is shown one usual interval after the one before. Nothing is drawn into
    images that are `already_annotated`.
    """

    raises = (FFmpegError,)

    def __init__(
        self, path: Path, *, already_annotated: bool = False, overwrite: bool = False
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._without = 0
        self._jumps = 0
        self._already_annotated = already_annotated
        self._size_wh = (0, 0)
        self._first_ns = self._ticks = 0
        self._interval_ticks = _DEFAULT_TICKS
        self._stream: av.VideoStream | None = None
        with export_errors(path, *self.raises):
            self._container = av.open(
                str(self._products[0].part), 'w', format='mp4', options=_CONTAINER
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many frames had no image, and how many gaps were left out."""
        path = self._products[0].path
        if self._stream is None and self._ended:
            return (f'{path} was not written: no frame has an image.',)
        notes = []
        if self._without:
            notes.append(f'{path} lacks {self._without} frames whose images are not available.')
        if self._jumps:
            notes.append(
                f'{path} leaves out {self._jumps} gaps of more than {_LONGEST_GAP_S} s between '
                'the stamps of its frames.'
            )
        return tuple(notes)

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        if image_bgr is None:
            self._without += 1
            return
        drawn = image_bgr
        if not self._already_annotated:
            drawn = draw_detections(image_bgr, findings.detections, findings.class_names)
        if self._stream is None:
            self._stream = self._open_stream(findings)
        else:
            ticks = round((findings.stamp_ns - self._first_ns) * _TICKS / 1e9)
            if 0 < ticks - self._ticks <= _LONGEST_GAP_S * _TICKS:
                self._interval_ticks, self._ticks = ticks - self._ticks, ticks
            else:
                self._jumps += ticks > self._ticks
                self._ticks += self._interval_ticks
                self._first_ns = findings.stamp_ns - round(self._ticks * 1e9 / _TICKS)
        frame = av.VideoFrame.from_ndarray(self._fitted(drawn), format='bgr24')
        frame.pts = self._ticks
        frame.time_base = Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(frame))

    def _complete(self) -> None:
        if self._stream is None:
            self._container.close()
            self._products[0].discard()
            return
        packets = self._stream.encode()
        if packets:
            # The file's last frame is shown as long as the one before it.
            packets[-1].duration = self._interval_ticks
        self._container.mux(packets)
        self._container.close()

    def _release(self) -> None:
        with suppress(FFmpegError, OSError, ValueError):
            self._container.close()

    def _open_stream(self, findings: FrameFindings) -> av.VideoStream:
        width, height = findings.size_wh
        self._size_wh = width + width % 2, height + height % 2
        self._first_ns = findings.stamp_ns
        stream = self._container.add_stream('libx264', options=dict(_CODEC))
        stream.width, stream.height = self._size_wh
        stream.pix_fmt = 'yuv420p'
        stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
        return stream

    def _fitted(self, image_bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the whole image in the size of the video; an edge of odd size is repeated."""
        width, height = self._size_wh
        own_h, own_w = image_bgr.shape[:2]
        if 0 <= width - own_w <= 1 and 0 <= height - own_h <= 1:
            border, margins = cv2.BORDER_REPLICATE, (0, height - own_h, 0, width - own_w)
        else:
            scale = min(width / own_w, height / own_h)
            fitted_wh = max(round(own_w * scale), 1), max(round(own_h * scale), 1)
            image_bgr = cv2.resize(image_bgr, fitted_wh, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            over_w, over_h = width - fitted_wh[0], height - fitted_wh[1]
            border = cv2.BORDER_CONSTANT
            margins = (over_h // 2, over_h - over_h // 2, over_w // 2, over_w - over_w // 2)
        if any(margins):
            image_bgr = cv2.copyMakeBorder(image_bgr, *margins, border)  # type: ignore[assignment]
        return np.ascontiguousarray(image_bgr)
