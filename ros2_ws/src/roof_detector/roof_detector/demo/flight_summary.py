# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Summarises the bag of a flight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.demo.errors import FlightError
from roof_detector.vision.matching import MatchCounts

if TYPE_CHECKING:
    from pathlib import Path

_OLDEST_S = 86_400.0
_DETECTIONS = '/detector/detections'
_GROUND_TRUTH = '/camera/ground_truth'
_DIAGNOSTICS = '/diagnostics'


@dataclass(frozen=True, kw_only=True)
class FlightSummary:
    """The outcome of one flight, read from its bag.

    `published` counts the frames that the camera sent, `detected` the results in the bag;
    `dropped` maps a cause to the frames without a result. `age_s` holds the 50th and 95th
    percentile of the time from an image's stamp to the arrival of its result in another process.
    `score` is None where the flight has no ground truth.
    """

    published: int
    detected: int
    dropped: dict[str, int]
    detections: dict[str, int]
    age_s: tuple[float, float]
    score: MatchCounts | None
    true_counts: dict[str, int]

    @property
    def unaccounted(self) -> int:
        """Return how many frames have neither a result nor a reason for having none."""
        return self.published - self.detected - sum(self.dropped.values())


def summarise_flight(bag: Path) -> FlightSummary:
    """Read a bag of the recorder and return what happened."""
    found: dict[int, Any] = {}
    truth: dict[int, Any] = {}
    ages_s: list[float] = []
    camera: dict[str, str] = {}
    detector: dict[str, str] = {}
    with BagReader(bag) as reader:
        for message in reader.messages((_DETECTIONS, _GROUND_TRUTH, _DIAGNOSTICS)):
            try:
                content = reader.deserialize(message)
            except BagError:
                continue  # one damaged record does not spoil the flight
            if message.topic == _DETECTIONS:
                stamp_ns = _stamp_ns(content.header.stamp)
                found[stamp_ns] = content
                age_s = (message.log_time_ns - stamp_ns) / 1e9
                if stamp_ns > 0 and 0 <= age_s < _OLDEST_S:  # otherwise the stamp gives no age
                    ages_s.append(age_s)
            elif message.topic == _GROUND_TRUTH:
                truth[_stamp_ns(content.header.stamp)] = content
            else:
                for status in content.status:
                    values = {pair.key: pair.value for pair in status.values}
                    if status.name.startswith('camera'):
                        camera = values
                    elif status.name.startswith('detector'):
                        detector = values
    if not detector:
        msg = f'{bag} holds no diagnostics of the detector, record /diagnostics too.'
        raise FlightError(msg)
    counts: dict[str, int] = {}
    for content in found.values():
        for name in _names(content):
            counts[name] = counts.get(name, 0) + 1
    return FlightSummary(
        published=_count(camera.get('frames_published', detector.get('frames_seen', ''))),
        detected=len(found),
        dropped={
            key.removeprefix('dropped.'): _count(value)
            for key, value in detector.items()
            if key.startswith('dropped.')
        },
        detections=dict(sorted(counts.items())),
        age_s=tuple(np.percentile(ages_s, (50, 95)).tolist()) if ages_s else (0.0, 0.0),
        score=_score(found, truth) if truth else None,
        true_counts=_true_counts(found, truth),
    )


def _count(text: str) -> int:
    """Return a number of a status, 0 for a text that is none: anybody may publish a status."""
    return int(text) if re.fullmatch(r'[0-9]{1,18}', text) else 0


def _score(found: dict[int, Any], truth: dict[int, Any]) -> MatchCounts:
    score = MatchCounts()
    for stamp_ns, content in found.items():
        if stamp_ns in truth:
            score.add(
                predicted_xyxy=_boxes(content),
                predicted_names=_names(content),
                target_xyxy=_boxes(truth[stamp_ns]),
                target_names=_names(truth[stamp_ns]),
            )
    return score


def _true_counts(found: dict[int, Any], truth: dict[int, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stamp_ns in found.keys() & truth.keys():
        for name in _names(truth[stamp_ns]):
            counts[name] = counts.get(name, 0) + 1
    return counts


def _stamp_ns(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def _names(content: Any) -> list[str]:
    found = (detection for detection in content.detections if len(detection.results))
    return [detection.results[0].hypothesis.class_id for detection in found]


def _boxes(content: Any) -> npt.NDArray[np.float64]:
    boxes = [
        (
            box.center.position.x - box.size_x / 2,
            box.center.position.y - box.size_y / 2,
            box.center.position.x + box.size_x / 2,
            box.center.position.y + box.size_y / 2,
        )
        for box in (one.bbox for one in content.detections if len(one.results))
    ]
    return np.array(boxes, np.float64).reshape(-1, 4)
