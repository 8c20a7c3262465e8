# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The right to write to an object store, which one run has at a time and a killed one loses."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from uuid import uuid4

from roof_detector.fleet.errors import FleetError

if TYPE_CHECKING:
    from roof_detector.fleet.store_files import StoreFiles

LEASES = 'work/lease'
# A holder writes its lease again so often; without that for so long it counts as dead.
_BEAT_S, _EXPIRY_S = 5.0, 60.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Lease:
    """What the object of a lease says; no two writings of one are the same."""

    number: int
    holder: str
    who: str
    since: str
    beat: int = 0
    is_released: bool = False

    @property
    def path(self) -> str:
        return f'{LEASES}/{self.number:09d}.json'

    def as_bytes(self) -> bytes:
        return (json.dumps(asdict(self), sort_keys=True) + '\n').encode()


class StoreLease:
    """The lease of one run on an object store, kept alive by a thread until `release`.

    Each lease is an object with the next number, which the store creates for one run alone
    (If-None-Match); the highest number counts. A run that dies leaves one that does not change:
    who watches it that long by a clock of its own takes the next number. A run that finds a
    higher number than its own, or could not write its lease for so long, has lost it.

    Raises FleetError where another run has the lease.
    """

    def __init__(
        self, files: StoreFiles, *, beat_s: float = _BEAT_S, expiry_s: float = _EXPIRY_S
    ) -> None:
        self._files = files
        self._beat_s, self._expiry_s = beat_s, expiry_s
        self._holder = uuid4().hex
        self._lost = ''
        self._ended = threading.Event()
        self._lease = self._gained()
        self._kept_s = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name='store lease', daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise FleetError where the lease is lost, and nothing may be written any more."""
        if not self._lost and time.monotonic() - self._kept_s > self._expiry_s:
            self._lost = 'it could not be renewed in time'
        if self._lost:
            msg = (
                f'This run has lost {self._files.address} ({self._lost}) and stops, so that two '
                'do not write to it. The same command continues when no other run is left.'
            )
            raise FleetError(msg)

    def release(self) -> None:
        """Let another run have the store at once. A second call does nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        if not self._lost:
            try:
                self._write(is_released=True)
            except FleetError as error:
                _LOG.warning('The next run waits until the lease has expired: %s', error)

    def _gained(self) -> _Lease:
        """Return a lease of our own as soon as the last one has ended."""
        seen: _Lease | None = None
        seen_s = time.monotonic()
        while True:
            last = self._last()
            if last is not None and last.holder == self._holder:
                self._remove_before(last)
                return last
            if last is None or last.is_released:
                self._create(1 if last is None else last.number + 1)
                continue
            if last != seen:
                if seen is not None and seen.number == last.number:
                    raise self._taken(last)
                if seen is None:
                    _LOG.warning(
                        '%s was left by a run on %s, or is being written by it: looking for '
                        '%g seconds whether it lives.',
                        *(self._files.address, last.who, self._expiry_s),
                    )
                seen, seen_s = last, time.monotonic()
            elif time.monotonic() - seen_s > self._expiry_s:
                self._create(last.number + 1)
                seen = None
                continue
            time.sleep(self._beat_s / 2)

    def _create(self, number: int) -> None:
        """Try to create the lease of a number; the next look shows who has it."""
        lease = _Lease(
            number=number,
            holder=self._holder,
            who=f'{socket.gethostname()} (process {os.getpid()})',
            since=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        )
        self._files.create(lease.path, lease.as_bytes())

    def _last(self) -> _Lease | None:
        for path in reversed(self._files.below(LEASES)):
            content = self._files.read(path)
            if content is None:
                continue  # removed by the run that has a higher one
            try:
                return _Lease(**json.loads(content))
            except (ValueError, TypeError) as error:
                msg = (
                    f'{self._files.path(path)} is no lease of a run ({error}). Remove it where '
                    'no run writes to the store.'
                )
                raise FleetError(msg) from error
        return None

    def _remove_before(self, own: _Lease) -> None:
        for path in self._files.below(LEASES):
            if path < own.path:
                self._files.remove(path)

    def _taken(self, last: _Lease) -> FleetError:
        return FleetError(
            f'{self._files.address} is being written by another run at this moment, on {last.who} '
            f'since {last.since}; let it finish.'
        )

    def _keep(self) -> None:
        while not self._ended.wait(self._beat_s):
            begun_s = time.monotonic()
            try:
                last = self._last()
                if last is None or last.holder != self._holder:
                    who = 'its lease is gone' if last is None else f'{last.who} has it'
                    self._lost = who
                    return
                self._write(beat=self._lease.beat + 1)
            except FleetError as error:  # the network may come back in time
                _LOG.warning('The lease was not renewed: %s', error)
            else:
                self._kept_s = begun_s

    def _write(self, *, beat: int = 0, is_released: bool = False) -> None:
        values = {**asdict(self._lease), 'beat': beat, 'is_released': is_released}
        self._lease = _Lease(**values)
        self._files.write(self._lease.path, self._lease.as_bytes())
