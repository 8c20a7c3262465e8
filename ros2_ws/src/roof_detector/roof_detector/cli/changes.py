# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector changes`: what changed between two inspections of one roof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from roof_detector.findings.changes import Inspected


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        'changes',
        help='compare two inspections of one roof',
        description='Say of every finding whether it is new, grown, shrunk, gone, unchanged, or '
        'was not seen this time, with the reason; it is gone only where the new flights looked.',
    )
    parser.add_argument('old', type=Path, metavar='OLD', help='folder or .gpkg of an inspection')
    parser.add_argument('new', type=Path, metavar='NEW', help='that of a later one')
    parser.add_argument(
        '--output', type=Path, metavar='FILE', help='CSV file for the changes; none by default'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and return 0."""
    from roof_detector.findings.changes import changes, counted  # noqa: PLC0415
    from roof_detector.offline.change_table import write_changes  # noqa: PLC0415

    found, notes = changes(_read(arguments.old), _read(arguments.new))
    print('\n'.join(notes))
    for one in found:
        finding = one.new or one.old
        assert finding is not None
        numbers = ' -> '.join(str(end.number) if end else '-' for end in (one.old, one.new))
        print(f'{one.kind.value:18}  {finding.class_name} {numbers}: {one.reason}')
    print(', '.join(f'{count} {kind}' for kind, count in counted(found).items()) or 'Nothing.')
    if arguments.output is not None:
        write_changes(arguments.output, found)
    return 0


def _read(path: Path) -> Inspected:
    from roof_detector.findings.changes import Inspected  # noqa: PLC0415
    from roof_detector.findings.inspection_path import inspection_path  # noqa: PLC0415
    from roof_detector.findings.inspection_store import InspectionStore  # noqa: PLC0415
    from roof_detector.findings.seen_frames import read_seen_frames  # noqa: PLC0415

    file = inspection_path(path)
    with InspectionStore(file) as store:
        return Inspected(store.findings(), read_seen_frames(file))
