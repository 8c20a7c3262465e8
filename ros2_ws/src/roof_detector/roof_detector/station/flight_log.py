# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The detections and rates of a camera's present flight, in bounded memory."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.station.finding import LiveFinding

KEPT_FINDINGS = 3000
KEPT_THUMBNAILS = 600
# A model has few classes; an untrusted publisher may send any number of names.
_MOST_LABELS, _OTHER_LABELS = 500, '...'
KEPT_SAMPLES = 600  # ten minutes, one a second


@dataclass(frozen=True, kw_only=True)
class FlightSample:
    """One second of a flight: results per second, their mean age and mean confidence.

    Values without results are 0; the age is None if no result had a valid stamp.
    """

    time_s: float
    rate_hz: float
    age_s: float | None
    confidence: float


class FlightLog:
    """The newest findings of a flight, all counts, and a sample of each second.

    Only one thread may add; any thread may copy `findings` and `samples`.
    """

    def __init__(self) -> None:
        self.current: tuple[LiveFinding, ...] = ()
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.frames = 0
        self.findings: deque[LiveFinding] = deque(maxlen=KEPT_FINDINGS)
        self.samples: deque[FlightSample] = deque(maxlen=KEPT_SAMPLES)
        self._thumbnails: OrderedDict[int, bytes] = OrderedDict()
        self._sampled_frames = 0
        self._ages_s: list[float] = []
        self._confidences: list[float] = []
        self._sampled_at_s = time.monotonic()

    @property
    def total(self) -> int:
        """Return the number of all findings."""
        return self.counts.total()

    @property
    def dropped(self) -> int:
        """Return the number of earlier findings that are no longer kept."""
        return self.total - len(self.findings)

    def add(self, findings: tuple[LiveFinding, ...], *, age_s: float | None) -> None:
        """Add the findings of one frame; `age_s` is None if its stamp is not valid."""
        self.frames += 1
        self._sampled_frames += 1
        self.current = findings
        self.findings.extend(findings)
        for finding in findings:
            is_known = finding.label in self.counts or len(self.counts) < _MOST_LABELS
            self.counts[finding.label if is_known else _OTHER_LABELS] += 1
        if age_s is not None:
            self._ages_s.append(age_s)
        self._confidences += [finding.confidence for finding in findings]

    def add_thumbnail(self, finding: LiveFinding, jpeg: bytes) -> None:
        """Store the thumbnail of a finding; the newest few hundred are kept."""
        self._thumbnails[finding.number] = jpeg
        if len(self._thumbnails) > KEPT_THUMBNAILS:
            self._thumbnails.popitem(last=False)

    def thumbnail(self, number: int) -> bytes:
        """Return a finding's JPEG; b'' if no page was open then or it is no longer kept."""
        return self._thumbnails.get(number, b'')

    def sample(self) -> None:
        """Add a sample if the present second is over."""
        now_s = time.monotonic()
        passed_s = now_s - self._sampled_at_s
        if passed_s < 1.0:
            return
        ages_s, confidences = self._ages_s, self._confidences
        frames, self._sampled_frames = self._sampled_frames, 0
        self._ages_s, self._confidences, self._sampled_at_s = [], [], now_s
        self.samples.append(
            FlightSample(
                time_s=time.time(),
                rate_hz=frames / passed_s,
                age_s=sum(ages_s) / len(ages_s) if ages_s else (None if frames else 0.0),
                confidence=sum(confidences) / len(confidences) if confidences else 0.0,
            )
        )

    def clear(self) -> None:
        """Start a new flight."""
        self.current = ()
        self.counts = Counter()
        self.frames = 0
        self.findings.clear()
        self.samples.clear()
        self._thumbnails.clear()
