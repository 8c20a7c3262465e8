# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a model over the recorded flights of an inspection, as the inspection was made."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.findings.errors import FindingsError
from roof_detector.georeference.errors import GeoError
from roof_detector.history.errors import HistoryError
from roof_detector.history.recorded_inspection import read_inspection
from roof_detector.inputs.errors import InputError
from roof_detector.offline.batch import FAILURES
from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.errors import ReplayError, one_line
from roof_detector.offline.georeference_record import read_georeference
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.image_search import input_path
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.offline.inspection_images import recorded_results
from roof_detector.offline.manifest import PARAMETERS, manifest_table
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.results.text import file_name
from roof_detector.vision.errors import VisionError
from roof_detector.vision.thresholds import Thresholds, parse_class_confidence
from roof_detector.vision.tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.history.recorded_inspection import RecordedInspection
    from roof_detector.inference.detector import Detector
    from roof_detector.offline.progress import ProgressKind

_ERRORS = (HistoryError, ReplayError, BagError, InputError, VisionError, FindingsError, GeoError)


@dataclass(frozen=True, kw_only=True)
class ModelReplaySettings:
    """What replaces what the inspection recorded, None for nothing; and where it goes.

    `images` is where recordings are now, if they were moved. `area` is what was inspected.
    """

    georeferencing: GeoreferenceSettings | None = None
    images: Path | None = None
    area: InspectionArea | None = None
    progress: ProgressKind = 'none'


@dataclass(kw_only=True)
class ModelReplay:
    """The inspection that a model makes of recorded flights.

    `flights` are those that were replayed, `lost` says which were not and why.
    """

    inspection: RecordedInspection | None = None
    flights: list[str] = field(default_factory=list)
    frames: int = 0
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def replay_model(
    old: RecordedInspection, detector: Detector, output: Path, settings: ModelReplaySettings
) -> ModelReplay:
    """Detect in the recordings of an inspection with its own thresholds, and make findings again.

    A flight whose recording is gone, or differs from what was inspected, is left out. What an
    interrupted replay detected is used.
    """
    return _InspectionReplay(old, detector, output, settings).run()


class _InspectionReplay:
    """One replay while it runs."""

    def __init__(
        self,
        old: RecordedInspection,
        detector: Detector,
        output: Path,
        settings: ModelReplaySettings,
    ) -> None:
        self._old = old
        self._detector = detector
        self._output = output
        self._given = settings
        self._replay = ModelReplay()

    def run(self) -> ModelReplay:
        replay, name = self._replay, self._old.name
        results: list[InspectedResults] = []
        for given in self._old.inputs:
            flight = str(given.get('flight', ''))
            try:
                results.append(self._flight(flight, given))
                replay.flights.append(flight)
            except (*_ERRORS, *FAILURES) as error:
                replay.lost.append(f'{flight} of {name} is left out: {one_line(error)}')
        if not self._old.inputs:
            replay.lost.append(f'{name} does not say what it was made of; inspect it again.')
        if not results:
            return replay
        try:
            chosen = self._georeferencing()
            inspect_results(results, self._output, georeferencing=chosen, area=self._given.area)
            replay.inspection = read_inspection(self._output)
            replay.frames = len(replay.inspection.frames)
        except _ERRORS as error:
            replay.lost.append(f'{name} cannot be compared: {one_line(error)}')
        return replay

    def _flight(self, flight: str, given: Mapping[str, Any]) -> InspectedResults:
        place = recorded_results(self._old.folder, given)
        if place is None:
            msg = f'its results are no longer in {self._old.folder / "detections"}.'
            raise HistoryError(msg)
        with ResultBag(place) as bag:
            source = self._given.images or input_path(bag) or bag.path
            if not source.exists():
                msg = f'its recording {source} is gone; name its place with --images.'
                raise HistoryError(msg)
            settings = self._settings(bag)
        detection = FlightDetection(
            source,
            self._output / 'detections' / file_name(flight),
            detector=self._detector,
            settings=settings,
            resume=True,
            progress=self._given.progress,
        )
        outcome = detection.run()
        assert outcome.output is not None
        self._replay.notes += [f'{flight}: {warning}' for warning in outcome.warnings]
        _check_same(place, outcome.output)
        return InspectedResults(outcome.output, flight, source)

    def _settings(self, bag: ResultBag) -> DetectSettings:
        """Return the thresholds and tiles that the results were made with."""
        values = manifest_table(bag.manifest, PARAMETERS)
        try:
            listed = [str(one) for one in values.get('class_confidence') or ()]
            plain = {k: values[k] for k in ('confidence', 'iou', 'max_detections') if k in values}
            thresholds = Thresholds(
                **plain,
                classes=tuple(str(one) for one in values.get('classes') or ()),
                class_confidence=parse_class_confidence(listed),
            )
        except (TypeError, ValueError) as error:
            msg = f'its thresholds cannot be read ({error}).'
            raise HistoryError(msg) from error
        named = {*thresholds.classes, *(name for name, _ in thresholds.class_confidence)}
        if named - set(self._detector.names):
            self._replay.notes.append(
                f'{bag.stem} was inspected with thresholds of classes that the model does not '
                f'have; all its classes count from {thresholds.confidence:g} here.'
            )
            thresholds = Thresholds(**plain)
        tiling = None
        if 'tile_size' in values:
            tiling = Tiling(
                size=int(values['tile_size']),
                overlap=float(values['tile_overlap']),
                only_reduced=bool(values.get('auto_tiles', False)),
            )
        topics = tuple(topic for topic in bag.image_topics if topic)
        return DetectSettings(thresholds, OutputSettings(formats=(), image_topics=topics), tiling)

    def _georeferencing(self) -> GeoreferenceSettings:
        if self._given.georeferencing is not None:
            return self._given.georeferencing
        record = self._old.provenance.get('georeferencing')
        if isinstance(record, dict):
            return read_georeference(record)
        self._replay.notes.append(
            f'{self._old.name} was made by an earlier version and does not say how it was '
            'georeferenced; give the options that it was made with, such as --ground-z, if there '
            'were any.'
        )
        return GeoreferenceSettings()


def _check_same(place: Path, output: Path) -> None:
    """Raise HistoryError unless the frames are those that were inspected, by their content."""
    with ExitStack() as stack:
        before, now = (
            {
                (one.record.topic, one.record.index): one.record.content
                for one in stack.enter_context(ResultBag(path)).frames()
                if one.findings is not None
            }
            for path in (place, output)
        )
    other = sum(
        now.get(key) != content
        for key, content in before.items()
        if content is not None or key not in now
    )
    if other or now.keys() - before.keys():
        msg = (
            f'its recording differs from what was inspected: {other} of {len(before)} frames have '
            f'another content or are gone, and {len(now.keys() - before.keys())} are new.'
        )
        raise HistoryError(msg)
