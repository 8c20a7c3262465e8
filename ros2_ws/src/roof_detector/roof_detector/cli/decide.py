# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector decide`: what a person says of a finding, kept by every rerun."""

from __future__ import annotations

import getpass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'decide',
        help='confirm, reject, rename, merge, split or annotate a finding',
        description='Write a decision about a finding into the file of its inspection. "inspect", '
        'run again, follows it: decisions outrank whatever is computed, and are only ever added.',
    )
    parser.add_argument('store', type=Path, metavar='FILE', help='inspection.gpkg')
    parser.add_argument('number', type=int, metavar='NUMBER', help='number of the finding')
    parser.add_argument(
        'kind',
        choices=('confirm', 'reject', 'rename', 'merge', 'split', 'note'),
        metavar='DECISION',
        help='confirm; reject; rename CLASS; merge NUMBER, which it is part of; split TRACK, '
        'which is an object of its own; note TEXT',
    )
    parser.add_argument('value', nargs='?', default='', metavar='VALUE', help='see DECISION')
    parser.add_argument('--who', default='', metavar='NAME', help='who decides; you by default')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the decision and return 0."""
    from roof_detector.findings.decisions import Decision, DecisionKind  # noqa: PLC0415
    from roof_detector.findings.errors import FindingsError  # noqa: PLC0415
    from roof_detector.findings.inspection_store import InspectionStore  # noqa: PLC0415

    if not arguments.store.is_file():
        msg = f'{arguments.store} does not exist; name the inspection.gpkg of an inspection.'
        raise FindingsError(msg)
    with InspectionStore(arguments.store) as store:
        findings = {finding.number: finding for finding in store.findings()}
        wanted = [arguments.number]
        kind, value = DecisionKind(arguments.kind), arguments.value
        if kind is DecisionKind.MERGE:
            if not value.isdecimal():
                msg = f'merge needs the number of the finding that it is part of, not {value!r}.'
                raise FindingsError(msg)
            wanted.append(int(value))
        for number in wanted:
            if number not in findings:
                msg = f'{arguments.store} has no finding {number}, take one of {len(findings)}.'
                raise FindingsError(msg)
        finding = findings[arguments.number]
        if kind is DecisionKind.MERGE:
            value = str(findings[int(value)].uuid)
        elif kind is DecisionKind.SPLIT and '|' not in value:
            value = f'{finding.flights[0]}|{value}'
        place = finding.place
        store.decide(
            Decision(
                kind=kind,
                uuid=finding.uuid,
                who=arguments.who or getpass.getuser(),
                made_at=datetime.now(timezone.utc)
                .isoformat(timespec='seconds')
                .replace('+00:00', 'Z'),
                value=value,
                class_name=finding.class_name,
                place_deg=None if place is None else (place.latitude_deg, place.longitude_deg),
            )
        )
    print(f'Finding {arguments.number}: {arguments.kind} is kept. "inspect" follows it.')
    return 0
