# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A frame on its way through the pipeline: submitted, preprocessed, with its result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from roof_detector.pipeline.frame_stats import FrameStats
from roof_detector.pipeline.tiles import TileTurns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.detector import PreprocessedImage
    from roof_detector.pipeline.frame_stats import DropCause
    from roof_detector.vision.candidates import Candidates
    from roof_detector.vision.detections import Detections


@dataclass(eq=False)
class FrameStream:
    """The frames of one source, such as a camera: their statistics and their tiles' turns.

    `was_held` is whether the newest message was left unread for a while, until a frame was wanted.
    """

    stats: FrameStats = field(default_factory=FrameStats)
    tiles: TileTurns = field(default_factory=TileTurns)
    was_held: bool = False
    _arrived: int = 0

    def is_thinned(self, every: int) -> bool:
        """Return whether the frame that arrives now is left out, of `every` so many all but one.

        Belongs to the thread of the arrivals.
        """
        self._arrived += 1
        return self._arrived % every != 0


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """Pixels (height, width, 3) uint8 BGR, and the size of the image that they were decoded from.

    The sizes differ where a JPEG was decoded smaller than it is.
    """

    image_bgr: npt.NDArray[np.uint8]
    source_wh: tuple[int, int]

    @property
    def is_reduced(self) -> bool:
        """Return whether the source has more pixels than were decoded."""
        height, width = self.image_bgr.shape[:2]
        return (width, height) != self.source_wh


class PipelineFrame(ABC):
    """One image that is submitted to a pipeline, not decoded yet; a source derives from it.

    Every frame is counted once in its stream's statistics: the thread that settles it does that.
    """

    def __init__(self, stream: FrameStream) -> None:
        self.stream = stream
        self.submitted_s = perf_counter()
        self._unsettled = [None]

    @abstractmethod
    def decode(
        self, *, needed_wh: Callable[[tuple[int, int]], tuple[int, int]] | None
    ) -> DecodedImage | None:
        """Return the pixels, or None for a frame that only keeps its place among the others.

        `needed_wh` tells from the full size the least size that the network needs, None where all
        pixels are needed. Raises an error of any class, VisionError with the cause to count.
        """

    def age_s(self) -> float | None:
        """Return how old the image is now, None where that is unknown."""
        return None

    def settle(self) -> bool:
        """Return True to the first caller alone: that one counts the frame."""
        try:
            self._unsettled.pop()
        except IndexError:
            return False
        return True

    def drop(self, cause: DropCause) -> None:
        """Count the frame as dropped, unless it is counted already."""
        if self.settle():
            self.stream.stats.drop(cause)


@dataclass(frozen=True, eq=False, kw_only=True)
class PreprocessedFrame:
    """A frame that is ready for the network, and how long that took.

    `image` and `preprocessed` are None for a frame without pixels; `error` says why it has none
    where that is a fault.
    """

    frame: PipelineFrame
    image: DecodedImage | None = None
    preprocessed: PreprocessedImage | None = None
    error: Exception | None = None
    waited_s: float = 0.0
    decode_s: float = 0.0
    ready_s: float = 0.0

    @property
    def preprocess_s(self) -> float:
        """Return the seconds from the frame's turn until it was ready."""
        letterbox_s = 0.0 if self.preprocessed is None else self.preprocessed.letterbox_s
        return self.decode_s + letterbox_s


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameResult:
    """What was detected in one frame, with the class `names` of the model that did.

    `image` and `detections` are None for a frame without pixels, or with an `error` whose `cause`
    names the stage; only a pipeline of every frame gives such results. `durations_s` holds the
    seconds of each stage so far.
    """

    frame: PipelineFrame
    image: DecodedImage | None = None
    detections: Detections | None = None
    names: tuple[str, ...] = ()
    candidates: Candidates | None = None
    durations_s: Mapping[str, float] = field(default_factory=dict)
    cause: DropCause | Literal[''] = ''
    error: Exception | None = None
