# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A frame on its way through the node: arrived, ready for the model, with its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.inference.detector import PreprocessedImage
from roof_detector.ros.detector.image_decoder import Picture
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    from roof_detector.ros.detector.camera_channel import CameraChannel
    from roof_detector.ros.detector.detector_parameters import DetectorSettings


@dataclass(frozen=True, eq=False)
class Arrival:
    """Hold an image message, its camera and when it came, on the clock of perf_counter.

    Whoever settles it accounts for it; of several threads only one does.
    """

    camera: CameraChannel
    message: Any
    arrived_s: float
    _unsettled: list[None] = field(default_factory=lambda: [None], repr=False)

    def settle(self) -> bool:
        """Return True to the first who asks: that one accounts for the frame."""
        try:
            self._unsettled.pop()
        except IndexError:
            return False
        return True

    def drop(self, cause: str) -> None:
        """Count the frame as dropped, unless it is accounted for already."""
        if self.settle():
            self.camera.stats.drop(cause)


@dataclass(frozen=True, eq=False)
class ReadyFrame:
    """Hold a frame that is fitted to the network, and how long that took."""

    arrival: Arrival
    picture: Picture
    prepared: PreprocessedImage
    waited_s: float
    decode_s: float
    ready_s: float

    @property
    def prepare_s(self) -> float:
        """Return the seconds from the frame's turn until it was ready."""
        return self.decode_s + self.prepared.letterbox_s


@dataclass(frozen=True, eq=False)
class Result:
    """Hold what was found in one image message: the message itself and its picture.

    `names` are those of the model that found it.
    """

    message: Any
    picture: Picture
    detections: Detections
    names: tuple[str, ...]
    settings: DetectorSettings
