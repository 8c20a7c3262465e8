# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A person who decides about the findings of an inspection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from roof_detector.findings.decisions import Decision, DecisionKind, standing
from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from roof_detector.findings.inspection_store import InspectionStore
    from roof_detector.findings.roof_finding import RoofFinding

_LONGEST_NAME = 80


def _now() -> str:
    """Return the time that names an act."""
    now = datetime.now(timezone.utc).isoformat(timespec='microseconds')
    return now.replace('+00:00', 'Z')


def checked_name(who: str) -> str:
    """Return a person's name without blanks around it; raise FindingsError for what is none."""
    if not who.strip() or len(who) > _LONGEST_NAME or not who.isprintable():
        msg = (
            f'A decision needs the name of who decides, 1 to {_LONGEST_NAME} printable '
            f'characters, not {who[:_LONGEST_NAME]!r}.'
        )
        raise FindingsError(msg)
    return who.strip()


@dataclass(frozen=True, kw_only=True)
class FindingVerdict:
    """What is decided of a finding, by the numbers that a person sees.

    `value` is the name of a class, the number of the finding to merge with, a track as
    [FLIGHT|]TOPIC#NUMBER, a note, a severity, or nothing.
    """

    number: int
    kind: DecisionKind
    value: str = ''


class Reviewer:
    """Writes one person's decisions to a store; raises FindingsError and writes nothing.

    What is decided with one call is one act, which `undo` takes back as a whole.
    """

    def __init__(self, store: InspectionStore, who: str, *, now: Callable[[], str] = _now) -> None:
        self._store = store
        self._who = checked_name(who)
        self._now = now

    def decide(self, *verdicts: FindingVerdict) -> list[Decision]:
        """Write decisions about findings, all or none, and return them."""
        decided = self._store.decided()
        findings = {one.number: one for one in decided.findings}
        findings |= {part: findings[whole] for part, whole in decided.merged.items()}
        made_at = self._now()
        made = [
            self._decision(
                _found(findings, one.number),
                one.kind,
                _value(one, findings),
                made_at=made_at,
            )
            for one in verdicts
        ]
        self._store.decide(*made)
        return made

    def undo(self, number: int | None = None) -> list[Decision]:
        """Take back this person's last act, or the last decision of anybody about a finding."""
        stand = standing(self._store.decisions())
        if number is None:
            own = [one for one in stand if one.who == self._who]
            last = [one for one in own if one.act == own[-1].act]
        else:
            finding = _found({one.number: one for one in self._store.decided().findings}, number)
            last = [one for one in stand if one.uuid in (finding.uuid, *finding.aliases)][-1:]
        if not last:
            whose = f'of {self._who}' if number is None else f'about finding {number}'
            msg = f'There is no decision {whose} to take back.'
            raise FindingsError(msg)
        return self.take_back([one.serial for one in last])

    def take_back(self, serials: Iterable[int]) -> list[Decision]:
        """Take back decisions by the numbers that the store gave them."""
        known = {one.serial: one for one in self._store.decisions()}
        made_at = self._now()
        made = []
        for serial in serials:
            if serial not in known:
                msg = f'{self._store.path} has no decision {serial} to take back.'
                raise FindingsError(msg)
            old = known[serial]
            made.append(
                Decision(
                    kind=DecisionKind.UNDO,
                    uuid=old.uuid,
                    who=self._who,
                    made_at=made_at,
                    value=str(serial),
                    class_name=old.class_name,
                    place_deg=old.place_deg,
                )
            )
        self._store.decide(*made)
        return made

    def _decision(
        self, finding: RoofFinding, kind: DecisionKind, value: str, *, made_at: str
    ) -> Decision:
        place = finding.place
        return Decision(
            kind=kind,
            uuid=finding.uuid,
            who=self._who,
            made_at=made_at,
            value=value,
            class_name=finding.class_name,
            place_deg=None if place is None else (place.latitude_deg, place.longitude_deg),
        )


def disputed(decisions: Sequence[Decision]) -> set[UUID]:
    """Return the findings about which two people decided differently; the last one counts."""
    said: dict[tuple[UUID, str], dict[str, str]] = {}
    for one in standing(decisions):
        subject, answer = one.kind.value, one.value
        if one.kind in (DecisionKind.CONFIRM, DecisionKind.REJECT):
            subject, answer = 'state', one.kind.value
        elif one.kind not in (DecisionKind.RENAME, DecisionKind.SEVERITY):
            continue
        said.setdefault((one.uuid, subject), {})[one.who] = answer
    return {uuid for (uuid, _), answers in said.items() if len(set(answers.values())) > 1}


def _found(findings: dict[int, RoofFinding], number: int) -> RoofFinding:
    if number not in findings:
        msg = f'The inspection has no finding {number}, take one of {len(findings)}.'
        raise FindingsError(msg)
    return findings[number]


def _value(verdict: FindingVerdict, findings: dict[int, RoofFinding]) -> str:
    """Return the value as the store keeps it."""
    finding, value = _found(findings, verdict.number), verdict.value
    if verdict.kind is DecisionKind.MERGE:
        if not value.isdecimal():
            msg = f'merge needs the number of the finding that it is part of, not {value!r}.'
            raise FindingsError(msg)
        whole = _found(findings, int(value))
        if whole.uuid == finding.uuid:
            msg = f'Finding {verdict.number} cannot be a part of itself; name another one.'
            raise FindingsError(msg)
        return str(whole.uuid)
    if verdict.kind is DecisionKind.SPLIT and '|' not in value and finding.flights:
        return f'{finding.flights[0]}|{value}'
    return value
