# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Counts the detections of each class while the frames are exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.vision.frame_findings import FrameFindings


class ClassSummary:
    """The detections, frames and confidences of each class."""

    HEADER: ClassVar[tuple[str, ...]] = (
        'class',
        'detections',
        'frames',
        'mean confidence',
        'highest confidence',
    )

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._by_name = {name: np.zeros(4) for name in class_names}
        self._frames = self._frames_found = self._measured = 0
        self._first_ns: int | None = None
        self._last_ns = 0
        self._inference_s = 0.0

    def add(self, findings: FrameFindings) -> None:
        """Count one frame."""
        self._frames += 1
        self._first_ns = findings.stamp_ns if self._first_ns is None else self._first_ns
        self._last_ns = findings.stamp_ns
        if findings.inference_s is not None:
            self._measured += 1
            self._inference_s += findings.inference_s
        detections = findings.detections
        self._frames_found += bool(len(detections))
        for class_id in np.unique(detections.class_ids):
            scores = detections.scores[detections.class_ids == class_id]
            tally = self._by_name.setdefault(findings.class_names[class_id], np.zeros(4))
            tally[:3] += len(scores), 1, scores.sum(dtype=np.float64)
            tally[3] = max(tally[3], float(scores.max()))

    def rows(self) -> Iterator[tuple[str, int, int, float | None, float | None]]:
        """Yield the row under `HEADER` of each class, detected or not."""
        for name, (count, frames, scores, highest) in self._by_name.items():
            mean = scores / count if count else None
            yield name, int(count), int(frames), mean, highest if count else None

    def totals(self) -> Iterator[tuple[str, float | str]]:
        """Yield the figures of the whole flight."""
        yield 'detections', sum(int(tally[0]) for tally in self._by_name.values())
        yield 'frames', self._frames
        yield 'frames with detections', self._frames_found
        if self._first_ns is not None:
            duration_s = round((self._last_ns - self._first_ns) / 1e9, 3)
            # Stamps that go back, as in a loop or after a clock was set, give no duration.
            yield 'duration in s', duration_s if duration_s >= 0 else 'unknown'
        if self._measured:
            yield 'mean inference in ms', round(self._inference_s / self._measured * 1e3, 3)
