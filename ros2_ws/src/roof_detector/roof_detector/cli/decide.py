# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector decide`: what a person says of a finding, kept by every rerun."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'decide',
        help='confirm, reject, rename, merge, split, annotate or grade a finding',
        description='Write a decision about a finding into the file of its inspection. "inspect", '
        'run again, follows it: decisions outrank whatever is computed, and are only ever added.',
    )
    parser.add_argument(
        'store', type=Path, metavar='INSPECTION', help='folder or inspection.gpkg of an inspection'
    )
    parser.add_argument('number', type=int, metavar='NUMBER', help='number of the finding')
    parser.add_argument(
        'kind',
        choices=(*('confirm', 'reject', 'rename', 'merge', 'split', 'note', 'severity', 'undo'),),
        metavar='DECISION',
        help='confirm; reject; rename CLASS; merge NUMBER, which it is part of; split TRACK, '
        'which is an object of its own; note TEXT; severity low, medium or high; undo, which '
        'takes back the last decision about it',
    )
    parser.add_argument('value', nargs='?', default='', metavar='VALUE', help='see DECISION')
    parser.add_argument('--who', default='', metavar='NAME', help='who decides; you by default')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the decision and return 0."""
    from roof_detector.findings.decisions import DecisionKind  # noqa: PLC0415
    from roof_detector.findings.inspection_path import inspection_path  # noqa: PLC0415
    from roof_detector.findings.inspection_store import InspectionStore  # noqa: PLC0415
    from roof_detector.findings.reviewer import FindingVerdict, Reviewer  # noqa: PLC0415

    kind = DecisionKind(arguments.kind)
    with InspectionStore(inspection_path(arguments.store)) as store:
        reviewer = Reviewer(store, arguments.who or getpass.getuser())
        if kind is DecisionKind.UNDO:
            reviewer.undo(arguments.number)
        else:
            reviewer.decide(
                FindingVerdict(number=arguments.number, kind=kind, value=arguments.value)
            )
    print(f'Finding {arguments.number}: {arguments.kind} is kept. "inspect" follows it.')
    return 0
