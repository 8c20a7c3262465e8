# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One image topic of a flight: the tracks through its frames, and the part of each fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roof_detector.findings.camera_motion import FlowMotion, plane_motion
from roof_detector.findings.flight_segments import FlightSegments
from roof_detector.findings.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.vision.detections import Detections

_LONGEST_STEP_S = 1.5  # frames further apart are photos of their own, not of a stream


def part_name(flight: str, part: int) -> str:
    """Return the name of a part of a flight, which has an error of position of its own."""
    return f'{flight} part {part + 1}' if part else flight


def without_numbers(sentence: str) -> str:
    """Return a reason that is the same for frames which differ in a number alone."""
    return ' '.join(
        '#' if any(letter.isdigit() for letter in word) else word for word in sentence.split()
    )


class TrackedStream:
    """Tracks detections from frame to frame, by the ground where the fixes of both are known.

    The frames come in their order. Live and offline inspections use the same class. Without
    times (`timed` false), as of photos, no fix jumps. Fixes before `begin_ns` are wrong.
    """

    def __init__(self, *, timed: bool = True, begin_ns: int | None = None) -> None:
        self.segments: FlightSegments | None = None
        self._timed = timed
        self._begin_ns = begin_ns
        self._tracker = Tracker()
        self._flow = FlowMotion()
        self._fix: CameraFix | None = None
        self._stamp_ns: int | None = None

    def part_of(self, fix: CameraFix, origin: LocalTangentPlane) -> int | None:
        """Return the part of the flight that a fix is of, None where it cannot be used."""
        if self.segments is None:
            self.segments = FlightSegments(origin, timed=self._timed, begin_ns=self._begin_ns)
        return self.segments.part_of(fix)

    def track(
        self,
        detections: Detections,
        *,
        stamp_ns: int,
        fix: CameraFix | None,
        image_bgr: Callable[[], npt.NDArray[Any] | None] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Return the track's number (n,) of each detection of the next frame, 0 for none.

        `image_bgr` is called for the image where no fix tells the camera's motion.
        """
        before_ns, self._stamp_ns = self._stamp_ns, stamp_ns
        if before_ns is not None and not 0 <= stamp_ns - before_ns <= _LONGEST_STEP_S * 1e9:
            self._tracker.end_all()
            self._fix = None
        before, self._fix = self._fix, fix
        motion = None
        if fix is not None:
            motion = None if before is None else plane_motion(before, fix)
        elif image_bgr is not None:
            image = image_bgr()
            motion = None if image is None else self._flow.update(image)
        return self._tracker.update(detections, motion=motion)
