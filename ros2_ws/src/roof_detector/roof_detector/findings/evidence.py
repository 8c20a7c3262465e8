# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What speaks for and against one object: looks at its place, votes on its class, its sizes."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from roof_detector.findings.detection_curves import seen_again

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from roof_detector.findings.detection_curves import CurveTable
    from roof_detector.findings.sightings import FrameReference

LookKey = tuple[str, int, int]
# A frame and the position of a detection in it: the first sighting is what names a finding.
Anchor = tuple['FrameReference', int]
_SIZES = 20
# As many of each step of the slope of the view, so that walls can be told from the area.
_SLOPES = 5
_SLOPE_STEP = 0.1
# Of a look's further frames, by how much each lessens the weight of all.
_CORRELATION = 0.5
_MOST_LIKELIHOOD = 12.0
# Fitted by `benchmarks/findings_curves.py`. What looks like an object does so from most sides, and
# is confidently detected: looks and confidence tell in part the same.
_CONFIDENCE_WEIGHT = 1.5
_LOOK_WEIGHT = 0.4


@dataclass
class Look:
    """The frames that saw a place from nearly the same direction: how many, and how many hit."""

    frames: int = 0
    hits: int = 0
    resolution_sum: float = 0.0

    def add(self, *, hit: bool, metres_per_pixel: float) -> None:
        """Count a frame."""
        self.frames += 1
        self.hits += hit
        self.resolution_sum += metres_per_pixel

    @property
    def metres_per_pixel(self) -> float:
        """Return the mean resolution of the frames."""
        return self.resolution_sum / max(self.frames, 1)


@dataclass(frozen=True, kw_only=True)
class BestImage:
    """The sighting that shows an object best: its frame, detection, box, and why it is best."""

    frame: FrameReference
    detection: int
    box_xyxy: tuple[float, float, float, float]
    confidence: float
    metres_per_pixel: float
    quality: float


class SizeSample(NamedTuple):
    """The size of an object in one sighting, as if it lay on the plane `height_m` below.

    `slope` is the tangent of the angle from nadir.
    """

    quality: float
    length_m: float
    width_m: float
    area_m2: float
    metres_per_pixel: float
    height_m: float
    slope: float = 0.0


@dataclass(kw_only=True)
class Evidence:
    """The sightings of one object, summed up in bounded memory."""

    votes: npt.NDArray[np.float64]
    anchors: list[Anchor]
    """The first sighting, and those of the objects that were merged into this one."""
    last: FrameReference
    looks: dict[LookKey, Look] = field(default_factory=dict)
    sightings: int = 0
    confidence_sum: float = 0.0
    best_confidence: float = 0.0
    sizes: list[SizeSample] = field(default_factory=list)
    best: BestImage | None = None
    tracks: set[tuple[str, int]] = field(default_factory=set)
    frames: array[int] = field(default_factory=lambda: array('I'))
    """The serial numbers of the frames with a sighting: two objects of one frame are two."""
    leading: int = -1
    """The class with most votes, -1 where they have to be counted."""

    def add_sighting(
        self,
        frame: FrameReference,
        *,
        serial: int,
        class_id: int,
        confidence: float,
        weight: float,
        track: tuple[str, int] | None,
    ) -> None:
        """Add a sighting; `weight` is what its resolution is worth, 0 to 1."""
        self.votes[class_id] += confidence * weight
        if class_id != self.leading:
            self.leading = -1
        self.sightings += 1
        self.confidence_sum += confidence
        self.best_confidence = max(self.best_confidence, confidence)
        self.frames.append(serial)
        if track is not None:
            self.tracks.add(track)
        self.last = max(self.last, frame, key=_stamp)

    def add_look(self, key: LookKey, *, hit: bool, metres_per_pixel: float) -> None:
        """Count a frame that saw the place, with or without a sighting."""
        look = self.looks.get(key)
        if look is None:
            look = self.looks[key] = Look()
        look.add(hit=hit, metres_per_pixel=metres_per_pixel)

    def add_size(self, sample: SizeSample) -> None:
        """Keep a size if it is among the best."""
        self.sizes.append(sample)
        if len(self.sizes) > 2 * _SIZES:
            self._trim_sizes()

    def consider_best(self, image: BestImage) -> None:
        """Keep an image if it shows the object better than the best so far."""
        if self.best is None or image.quality > self.best.quality:
            self.best = image

    def absorb(self, other: Evidence) -> None:
        """Add the evidence of another, which is the same object."""
        self.votes, self.leading = self.votes + other.votes, -1
        for key, look in other.looks.items():
            own = self.looks.get(key)
            if own is None:
                self.looks[key] = Look(look.frames, look.hits, look.resolution_sum)
                continue
            # Both counted the frames of one look; a frame that hit one of them missed the other.
            mean = (own.metres_per_pixel + look.metres_per_pixel) / 2
            own.frames = max(own.frames, look.frames, own.hits + look.hits)
            own.hits += look.hits
            own.resolution_sum = mean * own.frames
        self.sightings += other.sightings
        self.confidence_sum += other.confidence_sum
        self.best_confidence = max(self.best_confidence, other.best_confidence)
        self.sizes += other.sizes
        self._trim_sizes()
        if other.best is not None:
            self.consider_best(other.best)
        self.tracks |= other.tracks
        self.frames.extend(other.frames)
        self.anchors = sorted([*self.anchors, *other.anchors], key=_anchor_order)
        self.last = max(self.last, other.last, key=_stamp)

    def copy(self) -> Evidence:
        """Return a copy that may absorb others without changing this one."""
        return replace(
            self,
            looks={key: replace(look) for key, look in self.looks.items()},
            sizes=list(self.sizes),
            tracks=set(self.tracks),
            frames=array('I', self.frames),
        )

    @property
    def first(self) -> FrameReference:
        """Return the frame of the first sighting."""
        return self.anchors[0][0]

    @property
    def class_id(self) -> int:
        """Return the class with most votes."""
        if self.leading < 0:
            self.leading = int(self.votes.argmax())
        return self.leading

    def class_probabilities(self) -> npt.NDArray[np.float64]:
        """Return the share of each class in the votes, with half a vote spread over all."""
        votes = self.votes + 0.1 / len(self.votes)
        found: npt.NDArray[np.float64] = votes / votes.sum()
        return found

    def existence(self, curves: CurveTable, *, prior: float) -> float:
        """Return the probability that the object exists, from its looks and confidences.

        The odds are those of a detection of its class at its best confidence, and the likelihood
        ratio of how often it was seen again (`detection_curves.seen_again`), once its first
        sighting is left out, which made it a finding. Neighbouring frames repeat each other's
        errors, so the further frames of a look weigh less. `prior` is that of classes for which
        the curves hold none.
        """
        class_id = self.class_id
        own = curves.prior(class_id)
        odds = _log_odds(prior if own is None else own)
        odds += _CONFIDENCE_WEIGHT * _log_odds(self.best_confidence)
        hits = misses = frames = detected_sum = false_sum = 0.0
        for look in self.looks.values():
            weight = 1 / (1 + _CORRELATION * (look.frames - 1))
            hits += look.hits * weight
            misses += (look.frames - look.hits) * weight
            frames += look.frames
            detected, false_alarm = curves.at(class_id, look.metres_per_pixel)
            detected_sum += look.frames * detected
            false_sum += look.frames * false_alarm
        if frames:
            again = max(hits - 1, 0.0), misses
            detected, false_alarm = detected_sum / frames, false_sum / frames
            ratio = seen_again(*again, detected) - seen_again(*again, false_alarm)
            odds += _LOOK_WEIGHT * ratio
        odds = min(max(odds, -_MOST_LIKELIHOOD), _MOST_LIKELIHOOD)
        return 1 / (1 + math.exp(-odds))

    def independent_hits(self) -> int:
        """Return in how many looks the object was sighted."""
        return sum(look.hits > 0 for look in self.looks.values())

    def frame_count(self) -> int:
        """Return how many frames could have shown the object."""
        return sum(look.frames for look in self.looks.values())

    def _trim_sizes(self) -> None:
        kept: dict[int, list[SizeSample]] = {}
        for sample in sorted(self.sizes, key=lambda sample: -sample.quality):
            of_slope = kept.setdefault(min(int(sample.slope / _SLOPE_STEP), _SLOPES - 1), [])
            if len(of_slope) < _SIZES // _SLOPES:
                of_slope.append(sample)
        self.sizes = [sample for samples in kept.values() for sample in samples]


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, 0.02), 0.98)
    return math.log(bounded / (1 - bounded))


def _stamp(frame: FrameReference) -> int:
    return frame.stamp_ns


def _anchor_order(anchor: Anchor) -> tuple[int, str, str, int, int]:
    frame, detection = anchor
    return frame.stamp_ns, frame.flight, frame.topic, frame.index, detection
