# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An inspection: the detections of any number of inputs become findings in one file."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.bags.provenance import software_versions
from roof_detector.findings.coverage import Coverage, CoverageGoal
from roof_detector.findings.decisions import apply_decisions, tracks_apart
from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.inspection_path import STORE_NAME
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import Register
from roof_detector.findings.register_settings import RegisterSettings
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.sightings import ORTHOGRAPHIC_M
from roof_detector.offline.class_resolution import FrameResolution, unproven_note
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.finding_tables import write_tables
from roof_detector.offline.georeference_record import georeference_record
from roof_detector.offline.inspection_coverage import write_coverage
from roof_detector.offline.inspection_frames import InspectionFrames, share_origin
from roof_detector.offline.result_bag import ResultBag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.findings.register import SightingKey
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.store_run import StoreRun
    from roof_detector.offline.georeferencing import GeoreferenceSettings
    from roof_detector.offline.outcome import InputOutcome


@dataclass(frozen=True)
class InspectedResults:
    """A result folder or a flight's bag, the name of the flight, and where its images are."""

    path: Path
    flight: str
    images: Path | None = None


def results_of(outcomes: Iterable[InputOutcome], folder: Path) -> list[InspectedResults]:
    """Return the results that detecting in inputs left in a folder, without those that failed."""
    return [
        InspectedResults(one.output, one.output.relative_to(folder).as_posix(), Path(one.source))
        for one in outcomes
        if one.output is not None and not one.failure
    ]


@dataclass(frozen=True, kw_only=True)
class InspectionOutcome:
    """The findings of an inspection and the files that hold them."""

    findings: tuple[RoofFinding, ...]
    numbers: Mapping[SightingKey, int]
    frames: int
    detections: int
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each state, inside the area."""
        found = Counter(one.state.value for one in self.findings if not one.is_outside)
        return {state.value: found[state.value] for state in FindingState if found[state.value]}

    def confirmed(self) -> dict[str, int]:
        """Return how many confirmed findings there are of each class."""
        found = Counter(
            one.class_name
            for one in self.findings
            if one.state is FindingState.CONFIRMED and not one.is_outside
        )
        return dict(sorted(found.items()))

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        states = ', '.join(f'{count} {state}' for state, count in self.counts().items())
        classes = ', '.join(f'{count} {name}' for name, count in self.confirmed().items())
        found = f'{len(self.findings)} findings from {self.detections} detections'
        lines = [f'{found} in {self.frames} frames ({states or "none"}).']
        if classes:
            lines.append(f'Confirmed: {classes}.')
        lines += [f'  {note}' for note in self.notes]
        return [*lines, 'See ' + ', '.join(map(str, self.files)) + '.']


@dataclass(kw_only=True)
class _InspectionTally:
    frames: int = 0
    detections: int = 0
    notes: list[str] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)


def inspect_results(
    results: Sequence[InspectedResults],
    output: Path,
    *,
    georeferencing: GeoreferenceSettings,
    curves: DetectionCurves | None = None,
    settings: RegisterSettings | None = None,
    area: InspectionArea | None = None,
) -> InspectionOutcome:
    """Make the findings of all results, in one store and as tables in the folder `output`.

    Decisions that the store holds are kept and followed, those that come meanwhile as well: the
    store is locked only at the end. Findings outside the `area` are marked.
    What was not seen well enough is written beside them. Raises ReplayError, BagError or
    FindingsError.
    """
    if not results:
        msg = 'There are no results to inspect: nothing could be detected in the inputs.'
        raise ReplayError(msg)
    output.mkdir(parents=True, exist_ok=True)
    tally = _InspectionTally()
    with ExitStack() as stack:
        bags = [stack.enter_context(ResultBag(one.path)) for one in results]
        names = _class_names(bags)
        sources = [
            InspectionFrames(
                bag, flight=one.flight, georeferencing=georeferencing, images=one.images
            )
            for one, bag in zip(results, bags, strict=True)
        ]
        origin = share_origin(sources)
        store = stack.enter_context(InspectionStore(output / STORE_NAME))
        register = Register(
            names,
            origin=origin,
            curves=curves,
            settings=settings,
            apart=tracks_apart(store.decisions()),
        )
        table, goal = (curves or DetectionCurves.shipped()).of(names), CoverageGoal()
        provenance = _provenance(results, bags, settings or RegisterSettings(), output)
        provenance['georeferencing'] = georeference_record(georeferencing)
        with store.run(origin) as run:
            for source in sources:
                _read(source, register, run, names, tally)
            result = register.finish()
            found = result.findings if area is None else area.mark(result.findings)
            grid = None if origin is None else tally.coverage.grid(table, goal)
            if grid is not None:
                run.add_coverage(grid)
            # People may have decided while the recordings were read.
            run.publish()
            decided = apply_decisions(found, result.numbers, store.decisions())
            run.finish(
                decided.findings, decided.numbers, result.events, provenance, computed=found
            )
        doubts = unproven_note(
            [bag.manifest for bag in bags], [one.class_name for one in decided.findings]
        )
        notes = (*dict.fromkeys(tally.notes), *result.notes, *decided.notes, *doubts)
    tables = write_tables(output, decided.findings, provenance)
    if grid is not None and origin is not None:
        covered = write_coverage(
            tally.coverage,
            grid,
            output,
            origin=origin,
            area=area,
            goal=goal,
            roofs_up_m=None if georeferencing.ground is None else georeferencing.ground.map_up_m,
        )
        notes = (*notes, *covered.notes)
        tables = (*tables, *covered.files)
    return InspectionOutcome(
        findings=decided.findings,
        numbers=decided.numbers,
        frames=tally.frames,
        detections=tally.detections,
        files=(output / STORE_NAME, *tables),
        notes=notes,
    )


def _read(
    source: InspectionFrames,
    register: Register,
    run: StoreRun,
    names: Sequence[str],
    tally: _InspectionTally,
) -> None:
    resolution = FrameResolution(source.manifest)
    for sightings in source:
        run.add_frame(sightings, register.add(sightings), names)
        tally.coverage.add(sightings)
        ground = sightings.ground
        if ground is None or ground.height_m < ORTHOGRAPHIC_M:  # of orthophotos `detect` says it
            scale_m = None if ground is None else ground.height_m / ground.focal_px
            resolution.count(sightings.size_wh, scale_m)
    tally.frames += source.counts.frames
    tally.detections += source.counts.detections
    tally.notes += [
        *source.counts.sentences(source.flight),
        *resolution.counts.notes(f'frames of {source.flight}'),
    ]


def _class_names(bags: Sequence[ResultBag]) -> tuple[str, ...]:
    """Return the class names of all bags; raise ReplayError where they differ."""
    found = {bag.class_names for bag in bags if bag.class_names}
    if len(found) > 1:
        listed = ' and '.join(', '.join(names) for names in sorted(found))
        msg = (
            f'The results have different classes ({listed}), so they are of different models; '
            'inspect those of one model at a time.'
        )
        raise ReplayError(msg)
    return next(iter(found), ('object',))


def _provenance(
    results: Sequence[InspectedResults],
    bags: Sequence[ResultBag],
    settings: RegisterSettings,
    output: Path,
) -> dict[str, Any]:
    return {
        'inputs': [
            {
                'flight': one.flight,
                'source': bag.source,
                # From the inspection's folder, so that both can be moved together.
                'results': relpath(one.path.resolve(), output.resolve()),
                **dict(bag.manifest),
            }
            for one, bag in zip(results, bags, strict=True)
        ],
        'settings': asdict(settings),
        'software': software_versions(),
    }
