# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Surveys a flight of a catalog: whether it is whole, what identifies it, and its pieces."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from roof_detector.bags.folder_lock import is_locked
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.fleet_job import key_of
from roof_detector.fleet.publishing import FLIGHT_MARK, INSPECTIONS
from roof_detector.fleet.store_files import StoreFiles
from roof_detector.offline.batch import FAILURES, plan_inputs
from roof_detector.offline.detection import FlightDetection
from roof_detector.offline.settings import NetworkFacts
from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from roof_detector.fleet.catalog import CatalogFlight, CatalogInput
    from roof_detector.fleet.fleet_job import FleetJob
    from roof_detector.inference.detector import Detector

PIECES, HASHES = 'work/pieces', 'work/hashes'
_ODD = re.compile(r'[^\w.-]+')


@dataclass(frozen=True, kw_only=True)
class FlightPiece:
    """Some frames of one recording; `end` None stands for its last frame.

    `recording` is the name of its results, `key` that of its result in the store.
    """

    recording: str
    begin: int
    end: int | None
    key: str

    @property
    def path(self) -> str:
        """Return where the store keeps what was inferred."""
        return f'{PIECES}/{self.key}.journal'


@dataclass(frozen=True, kw_only=True)
class FlightSurvey:
    """What a flight is: its id, the hash of its content, the key of its result, its pieces.

    `mark` is what an earlier run noted of the finished inspection, None where there is none of
    this content, model and settings.
    """

    flight_id: str
    name: str
    content_sha256: str
    key: str
    pieces: tuple[FlightPiece, ...] = ()
    mark: dict[str, object] | None = None

    @property
    def folder(self) -> str:
        """Return where the store keeps the inspection."""
        return f'{INSPECTIONS}/{self.flight_id}'


def survey(job: FleetJob, flight: CatalogFlight, detector: Detector) -> FlightSurvey:
    """Survey a flight; raise FleetError or OSError where it cannot be worked on."""
    files = StoreFiles(job.store)
    paths = [local_input(job, one) for one in flight.inputs]
    content = _content(files, flight, paths)
    made_from = job.made_from(NetworkFacts.of(detector))
    key = key_of(content, made_from)
    flight_id = f'{_ODD.sub("_", flight.name)[-80:].strip("._")}-{content[:8]}'
    found = FlightSurvey(flight_id=flight_id, name=flight.name, content_sha256=content, key=key)
    mark = read_mark(files, found.folder)
    if mark is not None and mark.get('key') == key:
        return FlightSurvey(**{**found.__dict__, 'mark': mark})
    return FlightSurvey(**{**found.__dict__, 'pieces': _pieces(job, paths, key, detector)})


def read_mark(files: StoreFiles, folder: str) -> dict[str, object] | None:
    """Return what is noted of a finished inspection, None where there is none."""
    content = files.read(f'{folder}/{FLIGHT_MARK}')
    return None if content is None else dict(json.loads(content))


def local_input(job: FleetJob, one: CatalogInput) -> Path:
    """Return the path of an input on this computer, to which it is copied where it is not yet.

    Copies keep the names of files and folder, by which results are called. Raises FleetError for
    what is gone, locked or still growing.
    """
    source = StoreFiles(one.folder)
    if source.folder is not None:
        path = source.folder / one.name if one.name else source.folder
        if not path.exists():
            msg = f'{path} is gone: it was there when the catalog was read.'
            raise FleetError(msg)
        if path.is_dir() and is_locked(path):
            msg = f'{path} is locked: a recorder writes to it at this moment; let it finish.'
            raise FleetError(msg)
        return path
    facts = [(file.name, file.size_bytes, file.version) for file in one.files]
    folder = job.scratch / 'inputs' / key_of(one.folder, facts)[:16]
    folder /= PurePosixPath(one.folder).name or 'input'
    for file in one.files:
        target = folder / file.name
        if not target.is_file() or target.stat().st_size != file.size_bytes:
            source.fetch(file.name, target)
            if target.stat().st_size != file.size_bytes:
                raise _growing(one.folder, file.name)
    return folder / one.name if one.name else folder


def _content(files: StoreFiles, flight: CatalogFlight, paths: list[Path]) -> str:
    """Return the hash of the names and the content of all files of a flight.

    It is kept, so that files that have not changed since by size and version are read once.
    """
    listed = [
        (one.address, [(file.name, file.size_bytes, file.version) for file in one.files])
        for one in flight.inputs
    ]
    noted = f'{HASHES}/{key_of(listed)}.json'
    known = files.read(noted)
    if known is not None:
        return str(json.loads(known)['content_sha256'])
    hashed = []
    for one, path in zip(flight.inputs, paths, strict=True):
        folder = path.parent if one.name else path
        of_input = []
        for file in one.files:
            identity = ContentIdentity.of_file(folder / file.name)
            if identity.size_bytes != file.size_bytes or _has_changed(one, folder, file.name):
                raise _growing(one.folder, file.name)
            of_input.append((file.name, identity.size_bytes, identity.sha256))
        hashed.append((path.name, of_input))
    content = key_of(hashed)
    files.write(noted, json.dumps({'content_sha256': content}).encode())
    return content


def _has_changed(one: CatalogInput, folder: Path, name: str) -> bool:
    """Return whether a file on a disk of this computer was written since it was listed."""
    source = StoreFiles(one.folder)
    if source.folder is None:
        return False
    listed = {file.name: file.version for file in one.files}
    return str(source.filesystem.info(str(folder / name))['mtime']) != listed[name]


def _growing(folder: str, name: str) -> FleetError:
    return FleetError(
        f'{folder}/{name} is half uploaded: it changes while it is read. The next run takes the '
        'flight when it is whole.'
    )


def _pieces(
    job: FleetJob, paths: list[Path], key: str, detector: Detector
) -> tuple[FlightPiece, ...]:
    """Cut the recordings of a flight into pieces, the last of each without an end.

    A recording that cannot be opened has none: its failure shows when it is finished.
    """
    pieces = []
    for planned in plan_inputs([str(path) for path in paths]):
        detection = FlightDetection(
            planned.path, Path(), detector=detector, settings=job.settings, progress='none'
        )
        try:
            count = detection.frame_count() or 1
        except FAILURES:
            continue
        begins = range(0, count, job.piece_frames)
        for begin in begins:
            end = None if begin == begins[-1] else begin + job.piece_frames
            piece_key = key_of(key, planned.name, begin, end)
            pieces.append(FlightPiece(recording=planned.name, begin=begin, end=end, key=piece_key))
    return tuple(pieces)
