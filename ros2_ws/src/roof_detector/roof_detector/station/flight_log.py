# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a camera's flight has brought so far, in bounded memory."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from roof_detector.station.finding import LiveFinding

KEPT_FINDINGS = 3000
KEPT_THUMBNAILS = 600
# Classes of a model are few; names of a stranger are as many as they like.
_MOST_LABELS, _OTHER_LABELS = 500, '...'
KEPT_SAMPLES = 600  # ten minutes, one a second


@dataclass(frozen=True)
class FlightSample:
    """Hold one second: results per second, their mean age and their mean score, 0 for none.

    The age is None where no result of that second had a stamp that can be an age.
    """

    time_s: float
    rate_hz: float
    age_s: float | None
    score: float


class FlightLog:
    """Keep the newest findings, all counts, and a sample of each second.

    One thread adds; `findings` and `samples` may be copied from any.
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
        self._scores: list[float] = []
        self._sampled_at_s = time.monotonic()

    @property
    def total(self) -> int:
        """Return how many findings there were."""
        return self.counts.total()

    @property
    def dropped(self) -> int:
        """Return how many earlier findings are no longer kept."""
        return self.total - len(self.findings)

    def add(self, findings: tuple[LiveFinding, ...], *, age_s: float | None) -> None:
        """Take in what was found in one frame; `age_s` is None where its stamp tells none."""
        self.frames += 1
        self._sampled_frames += 1
        self.current = findings
        self.findings.extend(findings)
        for finding in findings:
            is_known = finding.label in self.counts or len(self.counts) < _MOST_LABELS
            self.counts[finding.label if is_known else _OTHER_LABELS] += 1
        if age_s is not None:
            self._ages_s.append(age_s)
        self._scores += [finding.score for finding in findings]

    def illustrate(self, finding: LiveFinding, jpeg: bytes) -> None:
        """Keep a finding's picture; the newest few hundred stay."""
        self._thumbnails[finding.number] = jpeg
        if len(self._thumbnails) > KEPT_THUMBNAILS:
            self._thumbnails.popitem(last=False)

    def thumbnail(self, number: int) -> bytes:
        """Return a finding's JPEG, b'' where nobody looked when it was found or it is gone."""
        return self._thumbnails.get(number, b'')

    def sample(self) -> None:
        """Close the present second, if it is over."""
        now_s = time.monotonic()
        passed_s = now_s - self._sampled_at_s
        if passed_s < 1.0:
            return
        ages_s, scores = self._ages_s, self._scores
        frames, self._sampled_frames = self._sampled_frames, 0
        self._ages_s, self._scores, self._sampled_at_s = [], [], now_s
        self.samples.append(
            FlightSample(
                time_s=time.time(),
                rate_hz=frames / passed_s,
                age_s=sum(ages_s) / len(ages_s) if ages_s else (None if frames else 0.0),
                score=sum(scores) / len(scores) if scores else 0.0,
            )
        )

    def clear(self) -> None:
        """Begin a new flight."""
        self.current = ()
        self.counts = Counter()
        self.frames = 0
        self.findings.clear()
        self.samples.clear()
        self._thumbnails.clear()
