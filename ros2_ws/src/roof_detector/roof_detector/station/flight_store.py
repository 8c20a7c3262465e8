# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The flights that the recorder wrote, as they lie in its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from roof_detector.bags.errors import BagError
from roof_detector.bags.folder_lock import is_locked
from roof_detector.bags.mcap_scan import is_complete
from roof_detector.bags.metadata import NAME, read_metadata
from roof_detector.bags.provenance import STARTED_AT
from roof_detector.bags.retention_policy import is_kept
from roof_detector.station.errors import StationError

RECORDING, CUT_OFF, COMPLETE = 'recording', 'cut_off', 'complete'


@dataclass(frozen=True)
class RecordedFlight:
    """Describe a bag; `duration_s` is None where nobody knows, as while it is being written."""

    path: Path
    began_at_s: float
    duration_s: float | None
    size_bytes: int
    state: str
    is_kept: bool

    @property
    def name(self) -> str:
        """Return the folder's name."""
        return self.path.name


class FlightStore:
    """List, find and delete the flights of a folder, and touch nothing outside it."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._facts: dict[Path, tuple[float, dict[str, Any]]] = {}

    @property
    def folder(self) -> Path:
        """Return where the recorder writes at present."""
        return self._folder()

    def flights(self) -> tuple[RecordedFlight, ...]:
        """Return the flights, the newest first."""
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            try:
                is_flight = path.is_dir() and not path.is_symlink() and any(path.glob('*.mcap'))
                if is_flight:
                    found.append(self._look_at(path))
            except OSError:
                continue  # deleted by the recorder, to make room, while this looked
        return tuple(sorted(found, key=lambda flight: flight.began_at_s, reverse=True))

    def flight(self, name: str) -> RecordedFlight:
        """Return a flight of the folder; raise StationError where none has this name."""
        found = next((flight for flight in self.flights() if flight.name == name), None)
        if found is None:
            raise StationError(f'There is no flight {name!r} in {self.folder}.', status=404)
        return found

    def delete(self, name: str) -> None:
        """Delete a flight with all that lies in its folder; raise StationError if it may not."""
        flight = self.flight(name)
        if flight.state == RECORDING:
            raise StationError(f'{name} is being recorded; end the recording first.', status=409)
        try:
            shutil.rmtree(flight.path)
        except OSError as error:
            msg = f'{name} cannot be deleted ({error.strerror}). Is it yours?'
            raise StationError(msg) from error

    def _look_at(self, path: Path) -> RecordedFlight:
        files = [file for file in path.iterdir() if file.is_file() and not file.is_symlink()]
        bags = [file for file in files if file.suffix == '.mcap']
        facts = self._read(path)
        if is_locked(path):
            state = RECORDING
        else:
            is_whole = bool(facts) and all(is_complete(file) for file in bags)
            state = COMPLETE if is_whole else CUT_OFF
        started_at = (facts.get('custom_data') or {}).get(STARTED_AT)
        duration_s = facts.get('duration', {}).get('nanoseconds', 0) / 1e9
        return RecordedFlight(
            path=path,
            began_at_s=_seconds(started_at) or path.stat().st_ctime,
            duration_s=duration_s if state == COMPLETE else None,
            size_bytes=sum(file.stat().st_size for file in files),
            state=state,
            is_kept=is_kept(path),
        )

    def _read(self, path: Path) -> dict[str, Any]:
        """Return what a bag says of itself, {} where it says nothing; read once while it stays."""
        metadata = path / NAME
        changed_at_s = metadata.stat().st_mtime if metadata.is_file() else 0.0
        known_at_s, facts = self._facts.get(path, (-1.0, {}))
        if changed_at_s != known_at_s:
            try:
                facts = read_metadata(path)
            except BagError:
                facts = {}
            self._facts[path] = changed_at_s, facts
        return facts


def _seconds(moment: str | None) -> float | None:
    try:
        return datetime.fromisoformat(moment).timestamp() if moment else None
    except ValueError:
        return None
