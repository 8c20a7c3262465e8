# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a recorded input through the frame pipeline, every frame, and yields results in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.finding_messages import candidates_bytes, detections_bytes
from roof_detector.bags.mask_messages import masks_bytes
from roof_detector.inputs.frame import Frame, PassthroughMessages
from roof_detector.inputs.raster_tile import RasterTile
from roof_detector.offline.errors import one_line
from roof_detector.offline.journal import Inferred, Journal
from roof_detector.pipeline.frame import DecodedImage, FrameResult, FrameStream, PipelineFrame
from roof_detector.pipeline.frame_pipeline import FramePipeline
from roof_detector.pipeline.model_opening import OpenedModel
from roof_detector.pipeline.settings import FramePolicy, PipelineSettings
from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inference.detector import Detector
    from roof_detector.offline.settings import DetectSettings
    from roof_detector.pipeline.frame_stats import DropCause
    from roof_detector.vision.content_identity import ContentIdentity
    from roof_detector.vision.moment import Moment

# Results that wait to be written: enough to even out a slow image, little memory at 4K.
_RESULTS_AHEAD = 4
_STOP_S = 30.0
_STAGES = ('letterbox', 'forward', 'suppression', 'tiles')


@dataclass(frozen=True, eq=False, kw_only=True)
class InferredFrame:
    """A frame with what was detected in it; `is_new` where this run inferred it.

    `encoded` is the image as it was read, where that was a file or a compressed message. `moment`
    is when it was taken, where that is known.
    """

    frame: Frame
    inferred: Inferred
    image_bgr: NDArray[np.uint8] | None
    is_new: bool
    encoded: bytes = b''
    moment: Moment | None = None


@dataclass(frozen=True)
class _EndOfInput:
    """The end of the input, with the error that ended it where it could not be read on."""

    error: Exception | None = None


class OfflineFrame(PipelineFrame):
    """One item of a recorded input on its way through the pipeline.

    Messages to pass through, frames that an earlier run inferred and the end of the input have no
    pixels for the network: they keep their places among the other frames.
    """

    def __init__(
        self,
        item: Frame | PassthroughMessages | _EndOfInput,
        *,
        stream: FrameStream,
        journal: Journal | None,
        keeps_images: bool,
    ) -> None:
        super().__init__(stream)
        self.item = item
        self.content: ContentIdentity | None = None
        self.earlier: Inferred | None = None
        self.image_bgr: NDArray[np.uint8] | None = None
        self.encoded = b''
        self.notes: tuple[str, ...] = ()
        self.moment: Moment | None = None
        self.is_blank = False
        self._journal = journal
        self._keeps_images = keeps_images

    def decode(
        self, *, needed_wh: Callable[[tuple[int, int]], tuple[int, int]] | None
    ) -> DecodedImage | None:
        """Read and decode the image, unless an earlier run's result makes that needless."""
        if not isinstance(self.item, Frame):
            return None
        loaded = self.item.load()
        self.content, self.moment = loaded.content, loaded.moment
        if self._journal is not None:
            self.earlier = self._journal.find(self.item.topic, self.item.name, self.content)
        if self.earlier is not None and (self.earlier.error or not self._keeps_images):
            return None
        if isinstance(loaded.image, RasterTile):
            return self._decode_tile(loaded.image)
        decoded = loaded.decoded()
        image_bgr, self.notes = decoded.image_bgr, decoded.notes
        if self._keeps_images:
            self.image_bgr, self.encoded = image_bgr, loaded.encoded()
        if self.earlier is not None:
            return None
        return DecodedImage(image_bgr, (image_bgr.shape[1], image_bgr.shape[0]))

    def _decode_tile(self, tile: RasterTile) -> DecodedImage | None:
        """Read a tile at the scale of the network; boxes are in pixels of the raster."""
        image_bgr = tile.read()
        self.is_blank = image_bgr is None
        return None if image_bgr is None else DecodedImage(image_bgr, tile.source_wh)


class OfflineInference:
    """Infers every frame of an input once, except those whose result is in the journal.

    Reading, preprocessing and the model have a thread each and run at most a few frames ahead of
    the consumer of `results`. Images come along only with `keeps_images`. `on_tiles` hears, in the
    model's thread, how many tiles of a frame are done, and of how many. The detector stays open.
    """

    def __init__(
        self,
        detector: Detector,
        settings: DetectSettings,
        *,
        journal: Journal | None = None,
        keeps_images: bool = False,
        on_tiles: Callable[[int, int], None] | None = None,
    ) -> None:
        self._detector = detector
        self._settings = PipelineSettings(
            thresholds=settings.thresholds,
            tiling=settings.tiling,
            # All tiles, in whatever time that takes: so a second run gives the same results.
            tile_budget_s=0.0 if settings.tiling is None else float('inf'),
            candidate_floor=settings.output.keep_candidates,
        )
        self._journal = journal
        self._keeps_images = keeps_images
        self._stream = FrameStream()
        self._stream.tiles.on_done = on_tiles
        # Appended by the model's thread, taken by the consumer.
        self._results: deque[InferredFrame | PassthroughMessages | _EndOfInput] = deque()
        self._filled, self._emptied = Doorbell(), Doorbell()
        self._stopped = False

    def results(
        self, items: Iterable[Frame | PassthroughMessages]
    ) -> Generator[InferredFrame | PassthroughMessages, None, None]:
        """Yield the items in their order, each frame with its detections.

        Raises what ended the input, or what kept the model from running.
        """
        pipeline = FramePipeline(
            self,
            model=str(self._detector.model_path),
            settings=self._settings,
            policy=FramePolicy.EVERY,
        )
        pipeline.start()
        reading = WatchedThread(lambda: self._submit_all(items, pipeline), name='reading')
        reading.start()
        try:
            while not isinstance(result := self._next(pipeline, reading), _EndOfInput):
                yield result
            if result.error is not None:
                raise result.error
        finally:
            self._stopped = True
            self._emptied.ring()
            pipeline.close()
            reading.join(_STOP_S)
            reading.abandon()

    def open_model(self, model: str) -> OpenedModel:
        """Return the detector, which others may use afterwards."""
        return OpenedModel(detector=self._detector, is_shared=True)

    def on_result(self, result: FrameResult) -> None:
        """Queue a result for the consumer, once there is room; in the model's thread."""
        try:
            item = self._item_of(result)
        except Exception as error:  # the consumer raises it
            item = _EndOfInput(error)
        while len(self._results) >= _RESULTS_AHEAD and not self._stopped:
            self._emptied.wait()
        self._results.append(item)
        self._filled.ring()

    def on_dropped(self, cause: DropCause, message: str) -> None:
        """End the run with an error: no frame may be missing."""
        self._results.append(_EndOfInput(RuntimeError(message)))
        self._filled.ring()

    def on_pipeline_changed(self) -> None:
        """Have the consumer look whether the pipeline still runs."""
        self._filled.ring()

    def _submit_all(
        self, items: Iterable[Frame | PassthroughMessages], pipeline: FramePipeline
    ) -> None:
        error = None
        try:
            for item in items:
                self._submit(item, pipeline)
                if self._stopped:
                    return
        except Exception as failure:  # it is raised after the results of what came before
            error = failure
        self._submit(_EndOfInput(error), pipeline)

    def _submit(
        self, item: Frame | PassthroughMessages | _EndOfInput, pipeline: FramePipeline
    ) -> None:
        pipeline.submit(
            OfflineFrame(
                item,
                stream=self._stream,
                journal=self._journal,
                keeps_images=self._keeps_images,
            )
        )

    def _next(
        self, pipeline: FramePipeline, reading: WatchedThread
    ) -> InferredFrame | PassthroughMessages | _EndOfInput:
        """Wait for the next result; raise RuntimeError where none comes, for a thread is dead."""
        while not self._results:
            if death := reading.death or pipeline.death:
                msg = f'A thread of the frame pipeline died ({death}).'
                raise RuntimeError(msg)
            self._filled.wait()
        result = self._results.popleft()
        self._emptied.ring()
        return result

    def _item_of(self, result: FrameResult) -> InferredFrame | PassthroughMessages | _EndOfInput:
        submitted = result.frame
        assert isinstance(submitted, OfflineFrame)
        frame = submitted.item
        if not isinstance(frame, Frame):
            return frame
        if result.error is not None and result.image is not None:
            return _EndOfInput(result.error)  # of the model, not of the image
        if result.error is not None:
            inferred = Inferred(
                size_wh=(0, 0),
                error=one_line(result.error) or type(result.error).__name__,
                topic=frame.topic,
                name=frame.name,
                content=submitted.content,
            )
            return InferredFrame(frame=frame, inferred=inferred, image_bgr=None, is_new=True)
        is_new = submitted.earlier is None
        inferred = submitted.earlier or _inferred(submitted, frame, result)
        return InferredFrame(
            frame=frame,
            inferred=inferred,
            image_bgr=submitted.image_bgr,
            is_new=is_new,
            encoded=submitted.encoded,
            moment=submitted.moment,
        )


def _inferred(submitted: OfflineFrame, frame: Frame, result: FrameResult) -> Inferred:
    """Return what the journal keeps of a result; a blank tile has no detections message."""
    if submitted.is_blank:
        return Inferred(
            size_wh=(0, 0), topic=frame.topic, name=frame.name, content=submitted.content
        )
    assert result.image is not None and result.detections is not None
    names, stamp_ns, frame_id = result.names, frame.stamp_ns, frame.frame_id
    candidates = b''
    if result.candidates is not None:
        candidates = candidates_bytes(
            result.candidates, names=names, stamp_ns=stamp_ns, frame_id=frame_id
        )
    seconds = sum(result.durations_s.get(stage, 0.0) for stage in _STAGES)
    return Inferred(
        size_wh=result.image.source_wh,
        detections=detections_bytes(
            result.detections, names=names, stamp_ns=stamp_ns, frame_id=frame_id
        ),
        candidates=candidates,
        masks=masks_bytes(result.detections),
        inference_s=round(seconds, 6),  # as timing.csv has it
        topic=frame.topic,
        name=frame.name,
        content=submitted.content,
        notes=submitted.notes,
    )
