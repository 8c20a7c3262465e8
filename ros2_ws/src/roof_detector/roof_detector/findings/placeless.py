# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings without a place: tracks of videos, detections of photos without telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.evidence import BestImage, Evidence

if TYPE_CHECKING:
    from roof_detector.findings.sightings import FrameSightings

PlacelessKey = tuple[str, str, int]
_LOOK_NS = 1_000_000_000
_MOST = 20_000
_KEPT_SHARE = 0.9
# A resolution in the middle of the curves, where none is known.
_ASSUMED_M = 0.015


class PlacelessFindings:
    """The evidence of objects that are known as tracks alone.

    A detection without a track is an object of its own. Of more than a limit the weakest are
    dropped and counted. `changed` are the keys of what was added to since the last summing up.
    """

    def __init__(self, class_count: int) -> None:
        self.evidence: dict[PlacelessKey, Evidence] = {}
        self.dropped = 0
        self.changed: set[PlacelessKey] = set()
        self._class_count = class_count
        self._frame_counts: dict[tuple[str, str], int] = {}
        self._last_frame: dict[PlacelessKey, int] = {}

    def count_frame(self, sightings: FrameSightings) -> None:
        """Count a frame of a stream."""
        stream = sightings.frame.flight, sightings.frame.topic
        self._frame_counts[stream] = self._frame_counts.get(stream, 0) + 1

    def add(self, sightings: FrameSightings, index: int, serial: int) -> PlacelessKey:
        """Add a sighting of a frame that was counted; return the key of its object."""
        frame = sightings.frame
        track = int(sightings.track_ids[index])
        key = frame.flight, frame.topic, track or -(serial * 100_000 + index + 1)
        self.changed.add(key)
        evidence = self.evidence.get(key)
        if evidence is None:
            votes = np.zeros(self._class_count)
            evidence = self.evidence[key] = Evidence(
                votes=votes, anchors=[(frame, index)], last=frame
            )
        confidence = float(sightings.confidences[index])
        evidence.add_sighting(
            frame,
            serial=serial,
            class_id=int(sightings.class_ids[index]),
            confidence=confidence,
            weight=1.0,
            track=(frame.topic, track) if track else None,
        )
        self._count_looks(key, evidence, frame.stamp_ns)
        left, top, right, bottom = sightings.boxes_xyxy[index].tolist()
        quality = confidence * max((right - left) * (bottom - top), 1.0) ** 0.5
        box = (left, top, right, bottom)
        evidence.consider_best(
            BestImage(
                frame=frame,
                detection=index,
                box_xyxy=box,
                confidence=confidence,
                metres_per_pixel=float('nan'),
                quality=quality,
            )
        )
        if len(self.evidence) > _MOST:
            self._drop_weakest()
        return key

    def take(self, key: PlacelessKey) -> Evidence | None:
        """Take the evidence of a track that has got a place now; None where it has none here.

        Its looks and its best image are left out: they were judged without a resolution.
        """
        evidence = self.evidence.pop(key, None)
        if evidence is not None:
            self._last_frame.pop(key, None)
            self.changed.discard(key)
            evidence.looks.clear()
            evidence.best = None
        return evidence

    def _count_looks(self, key: PlacelessKey, evidence: Evidence, stamp_ns: int) -> None:
        """Count the frame, and those since the last sighting, which a track bridged."""
        now = self._frame_counts.get(key[:2], 1)
        look = key[0], stamp_ns // _LOOK_NS, 0
        for _ in range(now - self._last_frame.get(key, now - 1) - 1):
            evidence.add_look(look, hit=False, metres_per_pixel=_ASSUMED_M)
        self._last_frame[key] = now
        evidence.add_look(look, hit=True, metres_per_pixel=_ASSUMED_M)

    def _drop_weakest(self) -> None:
        order = sorted(
            self.evidence,
            key=lambda key: (self.evidence[key].sightings, self.evidence[key].best_confidence),
        )
        for key in order[: len(order) - int(_KEPT_SHARE * _MOST)]:
            del self.evidence[key]
            self._last_frame.pop(key, None)
            self.dropped += 1
