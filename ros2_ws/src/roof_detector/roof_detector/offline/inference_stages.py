# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a detector on a recorded input, with decoding and inference in parallel threads."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from roof_detector.bags.finding_messages import candidates_bytes, detections_bytes
from roof_detector.inference.tiled import infer_tiles
from roof_detector.inputs.frame import Frame, PassthroughMessages
from roof_detector.inputs.prefetcher import Prefetcher
from roof_detector.offline.errors import one_line
from roof_detector.offline.journal import Inferred, Journal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inference.detector import Detector, PreprocessedImage
    from roof_detector.offline.settings import DetectSettings
    from roof_detector.vision.content_identity import ContentIdentity
    from roof_detector.vision.detections import Detections
    from roof_detector.vision.tiles import Tiling

# Between two stages: enough to even out a slow picture, little memory at 4K.
_FRAMES_AHEAD = 4
_STOP_S = 30.0


@dataclass(frozen=True, eq=False)
class FrameResult:
    """Hold what came of a frame; `is_new` tells whether it was inferred in this run.

    `encoded` is the image as it was read, where that was a file or a compressed message.
    """

    frame: Frame
    inferred: Inferred
    image_bgr: NDArray[np.uint8] | None
    is_new: bool
    encoded: bytes = b''


@dataclass(frozen=True, eq=False)
class _Ready:
    """Hold a frame before the network: fitted to it, or inferred by an earlier run."""

    frame: Frame
    content: ContentIdentity | None = None
    image_bgr: NDArray[np.uint8] | None = None
    prepared: PreprocessedImage | None = None
    earlier: Inferred | None = None
    encoded: bytes = b''
    error: str = ''


class InferenceStages:
    """Infer every frame once, but for those of which an earlier run's result is in the journal.

    The network runs in one thread, decoding and letterboxing in another, at most a few frames
    ahead of whoever takes the results. Pictures come along only where they are wanted.
    """

    def __init__(
        self,
        detector: Detector,
        settings: DetectSettings,
        *,
        earlier: Journal | None = None,
        wants_images: bool = False,
    ) -> None:
        self._detector = detector
        self._settings = settings
        self._earlier = earlier
        self._wants_pictures = wants_images

    def results(
        self, items: Iterable[Frame | PassthroughMessages]
    ) -> Generator[FrameResult | PassthroughMessages, None, None]:
        """Yield the items in their order, each frame with what was found."""
        ready = Prefetcher(self._ready(items), depth=_FRAMES_AHEAD)
        results = Prefetcher(self._inferred(ready), depth=_FRAMES_AHEAD)
        try:
            yield from results
        finally:
            for stage in (results, ready):
                stage.stop()
            for stage in (results, ready):
                stage.join(_STOP_S)

    def _ready(
        self, items: Iterable[Frame | PassthroughMessages]
    ) -> Iterator[_Ready | PassthroughMessages]:
        for item in items:
            if isinstance(item, PassthroughMessages):
                yield item
                continue
            yield self._load(item)

    def _load(self, frame: Frame) -> _Ready:
        content = None
        try:
            loaded = frame.load()
            content = loaded.content
            earlier = None
            if self._earlier is not None:
                earlier = self._earlier.find(frame.topic, frame.name, content)
            if earlier is not None and (earlier.error or not self._wants_pictures):
                return _Ready(frame, content, earlier=earlier)
            image_bgr = loaded.image_bgr()
            return _Ready(
                frame,
                content,
                image_bgr,
                None if earlier else self._detector.preprocess(image_bgr),
                earlier,
                loaded.encoded() if self._wants_pictures else b'',
            )
        except Exception as error:  # whatever a record holds, it is the end of that one frame
            return _Ready(frame, content, error=one_line(error) or type(error).__name__)

    def _inferred(
        self, ready: Iterable[_Ready | PassthroughMessages]
    ) -> Iterator[FrameResult | PassthroughMessages]:
        for item in ready:
            if isinstance(item, PassthroughMessages):
                yield item
            elif item.earlier is not None:
                yield FrameResult(
                    item.frame, item.earlier, item.image_bgr, is_new=False, encoded=item.encoded
                )
            elif item.prepared is None or item.image_bgr is None:
                inferred = Inferred(
                    (0, 0),
                    error=item.error,
                    topic=item.frame.topic,
                    name=item.frame.name,
                    content=item.content,
                )
                yield FrameResult(item.frame, inferred, None, is_new=True)
            else:
                yield self._infer(item, item.image_bgr, item.prepared)

    def _infer(
        self, ready: _Ready, image_bgr: NDArray[np.uint8], prepared: PreprocessedImage
    ) -> FrameResult:
        frame = ready.frame
        (output,) = self._detector.infer(prepared)
        finishing_s = perf_counter()
        detections = self._detector.postprocess(output, self._settings.thresholds)
        if self._settings.tiling is not None:
            detections = self._infer_tiles(image_bgr, detections, self._settings.tiling)
        inference_s = output.letterbox_s + output.forward_s + perf_counter() - finishing_s
        floor = self._settings.output.keep_candidates
        names, stamp_ns, frame_id = self._detector.names, frame.stamp_ns, frame.frame_id
        inferred = Inferred(
            prepared.geometry.source_wh,
            detections_bytes(detections, names=names, stamp_ns=stamp_ns, frame_id=frame_id),
            b''
            if floor is None
            else candidates_bytes(
                self._detector.candidates(output, floor=floor),
                names=names,
                stamp_ns=stamp_ns,
                frame_id=frame_id,
            ),
            inference_s=round(inference_s, 6),  # as timing.csv has it
            topic=frame.topic,
            name=frame.name,
            content=ready.content,
        )
        wanted = image_bgr if self._wants_pictures else None
        return FrameResult(frame, inferred, wanted, is_new=True, encoded=ready.encoded)

    def _infer_tiles(
        self, image_bgr: NDArray[np.uint8], whole: Detections, tiling: Tiling
    ) -> Detections:
        """Look through all tiles, whatever the time: so a replay repeats exactly."""
        size_wh = image_bgr.shape[1], image_bgr.shape[0]
        grid = tiling.grid(size_wh, input_wh=self._detector.image_size)
        return infer_tiles(
            self._detector,
            image_bgr,
            whole,
            self._settings.thresholds,
            grid=grid,
            positions=range(len(grid)),
        )
