# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What pages show of one inspection, and the decisions that they make."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID

from roof_detector.findings.decisions import DecisionKind, standing
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.reviewer import FindingVerdict, Reviewer, disputed
from roof_detector.findings.severity_file import shipped_severity
from roof_detector.findings.store_reader import open_reader
from roof_detector.findings.surroundings import grades_of
from roof_detector.station.review.drawn_outlines import (
    OutlineKind,
    outlines_signature,
    read_outlines,
)
from roof_detector.station.review.inspection_catalog import is_of_a_flight
from roof_detector.station.review.review_rows import decision_row, finding_row
from roof_detector.vision.palette import class_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.findings.decisions import Decision
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.station.live_frames import LiveFrames
    from roof_detector.station.review.inspection_catalog import ListedInspection

Row = dict[str, Any]


class ReviewBoard:
    """The findings and decisions of one inspection, with what changed since a page last looked.

    Any thread may call it; it reads the file only when that has changed.
    """

    def __init__(
        self, inspection: ListedInspection, *, language: str, live: LiveFrames | None = None
    ) -> None:
        self.inspection = inspection
        self._live = live
        self._language = language
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._revision = 0
        self._signature: object = None
        self._drawn: object = None
        self._outlines: dict[str, str] = {}
        self._rows: dict[int, tuple[int, Row]] = {}
        self._gone: dict[int, int] = {}
        self._numbers: dict[UUID, int] = {}
        self._members: dict[int, list[int]] = {}
        self._decisions: list[Decision] = []
        self._found: Sequence[RoofFinding] = ()
        self._is_of_a_flight = False

    def is_changed(self, since: str) -> bool:
        """Return whether there may be something that a page does not know yet."""
        epoch, revision, _ = _parsed(since)
        if (epoch, revision) != (self._epoch, self._revision):
            return True
        return self._now() != self._signature

    def _now(self) -> tuple[object, object]:
        """Return what differs after every change of the inspection and of what was drawn."""
        return self.inspection.signature, outlines_signature(self.inspection.path.parent)

    def changes(self, since: str) -> dict[str, Any]:
        """Return what is new since the revision that a page knows; raise FindingsError."""
        with self._lock:
            self._update()
            epoch, revision, serial = _parsed(since)
            is_whole = epoch != self._epoch
            if is_whole:
                revision = serial = 0
            last = self._decisions[-1].serial if self._decisions else 0
            stand = {one.serial for one in standing(self._decisions)}
            return {
                'revision': f'{self._epoch}.{self._revision}.{last}',
                'whole': is_whole,
                'findings': [row for at, row in self._rows.values() if at > revision],
                'gone': [number for number, at in self._gone.items() if at > revision],
                'decisions': [decision_row(one) for one in self._decisions if one.serial > serial],
                'undone': [
                    one.serial
                    for one in self._decisions
                    if one.kind is not DecisionKind.UNDO and one.serial not in stand
                ],
                'changed_at_s': self.inspection.changed_at_s,
                'live': self._is_of_a_flight,
                'outlines': self._outlines,
                'colours': _colours({row['class'] for _, row in self._rows.values()}),
            }

    def rows(self) -> list[Row]:
        """Return all findings as they are now; raise FindingsError."""
        with self._lock:
            self._update()
            return [row for _, row in self._rows.values()]

    def members(self, number: int) -> list[int]:
        """Return the numbers that the sightings of a finding have: its own and its parts'."""
        with self._lock:
            return [number, *self._members.get(number, [])]

    def decide(self, who: str, items: Sequence[tuple[UUID, DecisionKind, str]]) -> None:
        """Write decisions about findings by their identity; raise FindingsError."""
        with self._lock:
            self._update()
            verdicts = []
            for uuid, kind, value in items:
                if uuid not in self._numbers:
                    msg = 'This finding is no longer in the inspection; look at the list again.'
                    raise FindingsError(msg)
                whole = value
                if kind is DecisionKind.MERGE:
                    whole = str(self._numbers.get(_uuid(value), 0))
                verdicts.append(FindingVerdict(number=self._numbers[uuid], kind=kind, value=whole))
            with InspectionStore(self.inspection.path) as store:
                Reviewer(store, who).decide(*verdicts)

    def undo(self, who: str, serials: Sequence[int]) -> None:
        """Take decisions back, or the last act of a person; raise FindingsError."""
        with self._lock, InspectionStore(self.inspection.path) as store:
            reviewer = Reviewer(store, who)
            if serials:
                reviewer.take_back(serials)
            else:
                reviewer.undo()

    def _update(self) -> None:
        signature = self._now()
        if signature == self._signature:
            return
        known = {row['uuid'] for _, row in self._rows.values()}
        with open_reader(self.inspection.path) as reader:
            decided = reader.decided()
            decisions = reader.decisions()
            self._is_of_a_flight = is_of_a_flight(reader.provenance())
        if decisions[: len(self._decisions)] != self._decisions or (
            known and not known & {str(one.uuid) for one in decided.findings}
        ):
            self._begin()  # another file is in its place
        self._revision += 1
        self._found = decided.findings
        grades = grades_of(decided.findings, shipped_severity())
        argued = disputed(decisions)
        deciders = {one.uuid: one.who for one in standing(decisions)}
        rows = {}
        for one in decided.findings:
            identities = (one.uuid, *one.aliases)
            rows[one.number] = finding_row(
                one,
                grade=grades.get(one.uuid),
                language=self._language,
                is_disputed=any(uuid in argued for uuid in identities),
                decided_by=next((deciders[uuid] for uuid in identities if uuid in deciders), ''),
            )
        for number, row in rows.items():
            if self._rows.get(number, (0, None))[1] != row:
                self._rows[number] = (self._revision, row)
            self._gone.pop(number, None)
        for number in self._rows.keys() - rows.keys():
            del self._rows[number]
            self._gone[number] = self._revision
        self._members = {}
        for part, whole in decided.merged.items():
            self._members.setdefault(whole, []).append(part)
        self._numbers = {
            uuid: one.number for one in decided.findings for uuid in (one.uuid, *one.aliases)
        }
        self._decisions = decisions
        if signature[1] != self._drawn:
            folder = self.inspection.path.parent
            self._outlines = {one.value: read_outlines(folder, one).version for one in OutlineKind}
            self._drawn = signature[1]
        self._signature = signature
        if self._live is not None and self._is_of_a_flight and self.inspection.is_fresh:
            # Its images are on no disk yet: those that show a finding best are kept.
            self._live.want()
            self._live.keep((one.best.frame.stamp_ns, one.best.box_xyxy) for one in self._found)


def _colours(names: set[str]) -> dict[str, str]:
    listed = tuple(sorted(names))
    colours = class_colours(listed)
    return {
        name: f'#{red:02x}{green:02x}{blue:02x}'
        for name, (blue, green, red) in zip(listed, colours, strict=True)
    }


def _parsed(since: str) -> tuple[str, int, int]:
    """Return epoch, revision and serial number of the last decision."""
    epoch, _, rest = since.partition('.')
    revision, _, serial = rest.partition('.')
    if not (revision.isdecimal() and serial.isdecimal()) or len(since) > 64:
        return '', 0, 0
    return epoch, int(revision), int(serial)


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        msg = f'{value[:80]!r} is no UUID of a finding.'
        raise FindingsError(msg) from None
