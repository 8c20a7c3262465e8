# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The data card of a flight: how good its images are, and what its model found in them."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.seen_frames import SeenFrame
from roof_detector.fleet.sites import UNDATED, UNPLACED, FlightGround, assign_sites
from roof_detector.history.image_quality import ImageQuality
from roof_detector.offline.inspection_images import InspectionImages
from roof_detector.results.text import utc_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.recorded_inspection import RecordedInspection
    from roof_detector.vision.moment import Moment

_DAY = re.compile(r'(20\d\d)[-_]?([01]\d)[-_]?([0-3]\d)')


@dataclass(frozen=True, kw_only=True)
class ClassCard:
    """What a model found of one class: detections, those in a frame, and their confidence."""

    detections: int
    per_frame: float
    mean_confidence: float
    low_confidence: float
    """A tenth of the detections is less sure."""


@dataclass(frozen=True, kw_only=True)
class FlightCard:
    """One flight with one camera.

    `measured` are the images whose quality was measured, in their order, by the numbers of their
    frames; `quality` is their median, None where no image was found. `silent_from` is the frame
    after the last one with a detection, None where the last frame has one.
    """

    site: str
    date: str
    inspection: str
    flight: str
    camera: str
    model: str
    frames: int
    detections: int
    silent_from: int | None
    silent_frames: int
    quality: ImageQuality | None
    measured: tuple[tuple[int, ImageQuality], ...]
    classes: Mapping[str, ClassCard]
    confirmed: int
    metres_per_pixel: float | None

    @property
    def per_frame(self) -> float:
        """Return the detections in a frame."""
        return self.detections / max(self.frames, 1)

    @property
    def mean_confidence(self) -> float | None:
        """Return the mean confidence of all detections, None without any."""
        if not self.detections:
            return None
        total = sum(one.mean_confidence * one.detections for one in self.classes.values())
        return total / self.detections

    @property
    def name(self) -> str:
        """Return what people call it."""
        camera = f', {self.camera}' if self.camera else ''
        return f'{self.inspection}: {self.flight}{camera}'

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        quality = None if self.quality is None else _plain(asdict(self.quality))
        return {
            **{
                name: getattr(self, name)
                for name in (
                    *('site', 'date', 'inspection', 'flight', 'camera', 'model', 'frames'),
                    *('detections', 'per_frame', 'mean_confidence', 'confirmed'),
                    *('silent_from', 'silent_frames', 'metres_per_pixel'),
                )
            },
            'quality': quality,
            'measured': [{'frame': frame, **_plain(asdict(one))} for frame, one in self.measured],
            'classes': {name: asdict(one) for name, one in sorted(self.classes.items())},
        }


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def flight_cards(
    inspection: RecordedInspection, *, samples: int, images: Path | None, lost: list[str]
) -> list[FlightCard]:
    """Return a card of each flight and camera; `lost` gets what images could not be measured.

    The cards have no site yet, see `with_sites`.
    """
    streams: dict[tuple[str, str], list[StoredFrame]] = {}
    for frame in inspection.frames:
        streams.setdefault(frame.key[:2], []).append(frame)
    wanted = [
        frames[k]
        for frames in streams.values()
        for k in sorted(set(np.linspace(0, len(frames) - 1, samples).round().astype(int).tolist()))
    ]
    source = InspectionImages(inspection.folder, inspection.inputs, images=images)
    measured: dict[tuple[str, str], list[tuple[int, ImageQuality]]] = {}
    for frame, image in source.read(wanted):
        if isinstance(image, np.ndarray):  # an orthophoto has no one quality
            of_stream = measured.setdefault(frame.key[:2], [])
            of_stream.append((frame.key[2], ImageQuality.of(image)))
    lost += [f'{inspection.name}: {note}' for note in source.notes]
    return [
        _card(
            inspection,
            frames,
            measured=sorted(measured.get(key, []), key=lambda one: one[0]),
            camera=' '.join(one for one in (source.cameras.get(key[0], ''), key[1]) if one),
            moment=source.moments.get(key[0]),
        )
        for key, frames in streams.items()
    ]


def _card(
    inspection: RecordedInspection,
    frames: Sequence[StoredFrame],
    *,
    measured: Sequence[tuple[int, ImageQuality]],
    camera: str,
    moment: Moment | None,
) -> FlightCard:
    flight = frames[0].key[0]
    confidences: dict[str, list[float]] = {}
    last = -1
    for k, frame in enumerate(frames):
        for one in inspection.of_frame(frame):
            confidences.setdefault(one.class_name, []).append(one.confidence)
            last = k
    states = Counter(
        one.state
        for one in inspection.findings.values()
        if flight in one.flights or any(name.startswith(f'{flight} part ') for name in one.flights)
    )
    scales = [_scale(frame) for frame in frames if frame.footprint_deg]
    return FlightCard(
        site=UNPLACED,
        date=_date(frames[0].stamp_ns, moment, f'{flight} {inspection.name}'),
        inspection=inspection.name,
        flight=flight,
        camera=camera,
        model=_model(inspection, flight),
        frames=len(frames),
        detections=sum(map(len, confidences.values())),
        silent_from=None if last == len(frames) - 1 else frames[last + 1].index,
        silent_frames=len(frames) - 1 - last,
        quality=ImageQuality.median([one for _, one in measured]),
        measured=tuple(measured),
        classes={
            name: ClassCard(
                detections=len(values),
                per_frame=round(len(values) / len(frames), 4),
                mean_confidence=round(float(np.mean(values)), 4),
                low_confidence=round(float(np.quantile(values, 0.1)), 4),
            )
            for name, values in confidences.items()
        },
        confirmed=states[FindingState.CONFIRMED],
        metres_per_pixel=round(float(np.median(scales)), 5) if scales else None,
    )


def _date(stamp_ns: int, moment: Moment | None, name: str) -> str:
    """Return the day by the images' own clock, the recording's, or a name; undated without."""
    if moment is not None and moment.utc_ns is None and moment.local:
        return moment.local[:10]
    own_ns = stamp_ns if moment is None or moment.utc_ns is None else moment.utc_ns
    time = utc_time(own_ns)
    if time is not None:
        return time.date().isoformat()
    named = _DAY.search(name)
    return '-'.join(named.groups()) if named else UNDATED


def _model(inspection: RecordedInspection, flight: str) -> str:
    given = (one for one in inspection.inputs if one.get('flight') == flight)
    return str(next((one.get('model') for one in given if one.get('model')), ''))


def _scale(frame: StoredFrame) -> float:
    return SeenFrame(frame.footprint_deg, 0.0, frame.size_wh).metres_per_pixel


def with_sites(
    cards: Sequence[FlightCard], inspections: Sequence[RecordedInspection]
) -> list[FlightCard]:
    """Return the cards with the sites that they show, by place as a fleet's store names them."""
    outlines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for inspection in inspections:
        for frame in inspection.frames:
            key = (inspection.name, frame.key[0])
            outlines.setdefault(key, []).extend(frame.footprint_deg)
    grounds = []
    for key, date in {(one.inspection, one.flight): one.date for one in cards}.items():
        hull = shapely.MultiPoint(outlines.get(key, [])).convex_hull
        outline = hull if isinstance(hull, shapely.Polygon) else None
        grounds.append(FlightGround('|'.join(key), date, outline))
    sites = {
        flight_id: site.name for site in assign_sites((), grounds) for flight_id in site.flight_ids
    }
    return [
        replace(one, site=sites.get(f'{one.inspection}|{one.flight}', UNPLACED)) for one in cards
    ]
