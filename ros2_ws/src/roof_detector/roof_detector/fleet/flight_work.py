# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The work on one flight: infer its pieces, then make its inspection of them."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from roof_detector.findings.detection_curves import DetectionCurves
from roof_detector.findings.inspection_path import STORE_NAME
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.flight_survey import local_input, read_mark
from roof_detector.fleet.publishing import FLIGHT_MARK, OLD
from roof_detector.fleet.store_files import StoreFiles
from roof_detector.inputs.card import is_video_file
from roof_detector.offline.batch import detect_all, plan_inputs
from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.errors import one_line
from roof_detector.offline.inspection import inspect_results, results_of
from roof_detector.offline.outcome import InputOutcome
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.settings import NetworkFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.fleet.catalog import CatalogFlight
    from roof_detector.fleet.fleet_job import FleetJob
    from roof_detector.fleet.flight_survey import FlightPiece, FlightSurvey
    from roof_detector.inference.detector import Detector
    from roof_detector.offline.inspection import InspectedResults

DETECTIONS = 'detections'
SCRATCH = 'work/scratch'


def infer_piece(
    job: FleetJob, flight: CatalogFlight, piece: FlightPiece, detector: Detector
) -> int:
    """Infer a piece, unless the store has it; return how many frames were inferred.

    What ends the recording before the piece does is no error here: it shows in the inspection.
    """
    files = StoreFiles(job.store)
    if files.exists(piece.path):
        return 0
    paths = [local_input(job, one) for one in flight.inputs]
    planned = {one.name: one.path for one in plan_inputs([str(path) for path in paths])}
    if piece.recording not in planned:
        msg = f'{flight.address} has changed: its recording {piece.recording} is gone.'
        raise FleetError(msg)
    detection = FlightDetection(
        planned[piece.recording], Path(), detector=detector, settings=job.settings, progress='none'
    )
    journal = work_folder(job, files) / f'{piece.key}.{uuid4().hex[:8]}.journal'
    try:
        count = detection.infer_part(
            journal, begin=piece.begin, end=piece.end, made_from=piece.key
        )
        files.write(piece.path, journal.read_bytes())
    finally:
        journal.unlink(missing_ok=True)
    return count


def finish_flight(
    job: FleetJob, flight: CatalogFlight, survey: FlightSurvey, detector: Detector
) -> InputOutcome:
    """Make the inspection of a flight of its pieces, as `roof_detector inspect` makes it.

    Decisions on an earlier inspection of the flight are kept. Raises ReplayError or FindingsError
    where nothing comes of it.
    """
    files = StoreFiles(job.store)
    paths = [str(local_input(job, one)) for one in flight.inputs]
    folder = work_folder(job, files) / f'{survey.flight_id}.{uuid4().hex[:8]}'
    folder.mkdir(parents=True)
    try:
        parts = _fetch_pieces(files, survey.pieces, folder / 'pieces')
        outcomes = _detected(job, paths, folder / DETECTIONS, detector, parts)
        shutil.rmtree(folder / 'pieces', ignore_errors=True)
        earlier = files.read(f'{survey.folder}/{STORE_NAME}')
        if earlier is not None:
            (folder / STORE_NAME).write_bytes(earlier)
        results = results_of(outcomes, folder / DETECTIONS)
        if not results:
            failures = ' '.join(one.failure for one in outcomes)
            msg = f'Nothing could be detected in it. {failures}'
            raise FleetError(msg)
        found = inspect_results(
            results,
            folder,
            georeferencing=job.settings.output.georeferencing,
            curves=None if job.curves is None else DetectionCurves.read(job.curves),
        )
        outcome = _outcome(files, flight, survey, outcomes, found.notes)
        outcome = _named(outcome, {str(folder): survey.folder, **_addresses(flight, paths)})
        mark = _mark(survey, outcome, NetworkFacts.of(detector), taken_ns=_taken_ns(results))
        (folder / FLIGHT_MARK).write_text(json.dumps(mark, sort_keys=True, indent=1) + '\n')
        _publish(files, folder, survey)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for piece in survey.pieces:
        files.remove(piece.path)
    return outcome


def earlier_outcome(
    files: StoreFiles, flight: CatalogFlight, survey: FlightSurvey
) -> InputOutcome:
    """Return the outcome of a flight whose inspection the store has already."""
    mark: Mapping[str, Any] = survey.mark or {}
    return InputOutcome(
        source=flight.address,
        output=Path(files.path(survey.folder)),
        frames=mark.get('frames', 0),
        unreadable=mark.get('unreadable', 0),
        detections=mark.get('by_class', {}),
        warnings=tuple(mark.get('warnings', ())),
        notes=tuple(mark.get('notes', ())),
        already_done=True,
    )


def recover_inspections(files: StoreFiles) -> None:
    """Put back inspections that a killed run was about to replace, and clear what it left."""
    if files.folder is None:
        return
    clear_scratch(files)
    files.clear_parts()
    for old in sorted((files.folder / 'inspections').glob(f'*{OLD}')):
        final = old.with_name(old.name.removesuffix(OLD))
        if final.exists():
            shutil.rmtree(old)
        else:
            old.rename(final)


def clear_scratch(files: StoreFiles) -> None:
    """Remove the unfinished work of killed workers; call it while none works."""
    if files.folder is not None:
        shutil.rmtree(files.folder / SCRATCH, ignore_errors=True)


def work_folder(job: FleetJob, files: StoreFiles) -> Path:
    """Return a folder for unfinished work, on the disk of the store where that is a folder."""
    folder = job.scratch if files.folder is None else files.folder / SCRATCH
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fetch_pieces(
    files: StoreFiles, pieces: Sequence[FlightPiece], folder: Path
) -> dict[str, list[Path]]:
    """Copy the journals of pieces to a folder; return them by recording, in order."""
    parts: dict[str, list[Path]] = {}
    for piece in pieces:
        content = files.read(piece.path)
        if content is None:
            continue  # it failed; its frames are inferred now, or fail as they do in inspect
        path = folder / f'{piece.key}.journal'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        parts.setdefault(piece.recording, []).append(path)
    return parts


def _detected(
    job: FleetJob,
    paths: Sequence[str],
    folder: Path,
    detector: Detector,
    parts: Mapping[str, Sequence[Path]],
) -> list[InputOutcome]:
    """Make the results of all recordings of their pieces.

    The frames of a damaged video are counted as they are decoded, so that pieces which begin
    behind the damage may hold others: it is inferred again as a whole.
    """

    def detected(kept: Mapping[str, Sequence[Path]], *, again: bool) -> list[InputOutcome]:
        return list(
            detect_all(
                paths,
                folder,
                detector=detector,
                settings=job.settings,
                overwrite=again,
                resume=not again,
                progress='none',
                parts=kept,
            )
        )

    outcomes = detected(parts, again=False)
    damaged = {
        one.output.relative_to(folder).as_posix()
        for one in outcomes
        if one.output is not None and one.warnings and is_video_file(Path(one.source))
    }
    damaged = {name for name in damaged if len(parts.get(name, ())) > 1}
    if damaged:
        kept = {name: found for name, found in parts.items() if name not in damaged}
        outcomes = detected(kept, again=True)
    return outcomes


def _outcome(
    files: StoreFiles,
    flight: CatalogFlight,
    survey: FlightSurvey,
    outcomes: Sequence[InputOutcome],
    notes: Sequence[str],
) -> InputOutcome:
    """Return the outcome of all recordings of a flight as one."""
    detections: dict[str, int] = {}
    for one in outcomes:
        for name, count in one.detections.items():
            detections[name] = detections.get(name, 0) + count
    failures = [f'{one.source} failed: {one.failure}' for one in outcomes if one.failure]
    return InputOutcome(
        source=flight.address,
        output=Path(files.path(survey.folder)),
        frames=sum(one.frames for one in outcomes),
        inferred=sum(one.inferred for one in outcomes),
        unreadable=sum(one.unreadable for one in outcomes),
        detections=dict(sorted(detections.items())),
        warnings=(*failures, *(text for one in outcomes for text in one.warnings)),
        notes=(*(text for one in outcomes for text in one.notes), *notes),
    )


def _named(outcome: InputOutcome, names: Mapping[str, str]) -> InputOutcome:
    """Return an outcome whose sentences have addresses in place of folders of this computer."""

    def renamed(sentences: Sequence[str]) -> tuple[str, ...]:
        found = list(sentences)
        for path, name in names.items():
            found = [sentence.replace(path, name) for sentence in found]
        return tuple(found)

    values = {
        **outcome.__dict__,
        'warnings': renamed(outcome.warnings),
        'notes': renamed(outcome.notes),
    }
    return InputOutcome(**values)


def _addresses(flight: CatalogFlight, paths: Sequence[str]) -> dict[str, str]:
    return {
        path: one.address
        for path, one in zip(paths, flight.inputs, strict=True)
        if path != one.address
    }


def _mark(
    survey: FlightSurvey, outcome: InputOutcome, network: NetworkFacts, *, taken_ns: int | None
) -> dict[str, Any]:
    return {
        'flight_id': survey.flight_id,
        'name': survey.name,
        'key': survey.key,
        'content_sha256': survey.content_sha256,
        'model': network.model,
        'model_sha256': network.model_sha256,
        'frames': outcome.frames,
        'unreadable': outcome.unreadable,
        'detections': sum(outcome.detections.values()),
        'by_class': outcome.detections,
        'warnings': list(outcome.warnings),
        'notes': list(outcome.notes),
        'taken_ns': taken_ns,
    }


def _taken_ns(results: Sequence[InspectedResults]) -> int | None:
    """Return when the first frame that tells it was taken, by UTC or its camera's clock."""
    for one in results:
        with ResultBag(one.path) as bag:
            for frame in bag.frames():
                if frame.record.moment is not None:
                    return frame.record.moment.clock_ns
    return None


def _publish(files: StoreFiles, folder: Path, survey: FlightSurvey) -> None:
    """Give the inspection its place in the store, with its mark, whole or not at all."""
    if files.folder is None:
        mark = (folder / FLIGHT_MARK).read_bytes()
        (folder / FLIGHT_MARK).unlink()
        files.remove(f'{survey.folder}/{FLIGHT_MARK}')
        files.upload(folder, survey.folder)
        files.write(f'{survey.folder}/{FLIGHT_MARK}', mark)
        return
    mark_now = read_mark(files, survey.folder)
    if mark_now is not None and mark_now.get('key') == survey.key:
        return  # another worker, given up for dead, was quicker
    final = files.folder / survey.folder
    final.parent.mkdir(parents=True, exist_ok=True)
    old = final.with_name(f'{final.name}{OLD}')
    if final.exists():
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    try:
        folder.rename(final)
    except OSError as error:
        with suppress(OSError):
            old.rename(final)
        msg = f'{final} cannot be written ({one_line(error)}).'
        raise FleetError(msg) from error
    shutil.rmtree(old, ignore_errors=True)
