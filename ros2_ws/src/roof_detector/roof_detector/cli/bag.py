# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector bag`: shows what a bag holds, and fixes bags that were cut off."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inputs.plain_text import plain_text

if TYPE_CHECKING:
    import argparse

    from roof_detector.bags.reader import BagReader

# The exit code of a recovery that could not bring back everything.
_WITH_LOSSES = 3
_CHANGE = ('node', 'name', 'old', 'new')  # the values of a record of a changed parameter


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and what it does."""
    parser = subparsers.add_parser('bag', help='show what a recorded flight holds, or fix it')
    actions = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    info = actions.add_parser('info', help='list topics, times and damage')
    info.set_defaults(run=_info)
    recover = actions.add_parser(
        'recover',
        help='fix a bag that was cut off or damaged',
        description=(
            'Fix a bag: every message that can still be read is kept, and replaced files are kept '
            f'beside it. The exit code is {_WITH_LOSSES} if something is lost or may have changed.'
        ),
    )
    recover.set_defaults(run=_recover)
    for action in (info, recover):
        action.add_argument('bag', type=Path, help='rosbag2 folder or file (.mcap, .db3, .bag)')
    info.add_argument(
        '--quick', action='store_true', help='do not search for damage within the files'
    )
    recover.add_argument(
        '--output', type=Path, help='write the fixed bag here and do not change the damaged one'
    )


def _info(arguments: argparse.Namespace) -> int:
    from roof_detector.bags.reader import BagReader  # noqa: PLC0415

    with BagReader(arguments.bag) as bag:
        print(_description(bag))
        for line in _about(arguments.bag):
            print(plain_text(line))
        if not arguments.quick:
            for _ in bag.messages():
                pass
        for sentence in bag.damage:
            print(plain_text(sentence))
    return 0


def _recover(arguments: argparse.Namespace) -> int:
    from roof_detector.bags.recovery import recover  # noqa: PLC0415

    recovery = recover(arguments.bag, output=arguments.output)
    if recovery.changed:
        print(f'{recovery.path}: {recovery.message_count} messages; it was fixed.')
    else:
        print(f'{recovery.path}: {recovery.message_count} messages; nothing needed to be fixed.')
    for note in recovery.notes:
        print(plain_text(note))
    if recovery.metadata_written and not recovery.repaired:
        print('metadata.yaml was written again from what the files hold.')
    if recovery.kept is not None:
        print(f'The replaced files are kept in {recovery.kept}.')
    if recovery.is_whole:
        return 0
    print(f'{recovery.lost_messages} messages are lost, {recovery.doubtful_messages} doubtful.')
    return _WITH_LOSSES


def _about(path: Path) -> list[str]:
    """Return the lines on the models, marks and changes of parameters in a bag of the recorder."""
    from roof_detector.bags import records  # noqa: PLC0415

    if path.is_file() and path.suffix not in ('.mcap', '.yaml'):
        return []
    manifest: dict[str, str] = {}
    lines = []
    for name, values in records.metadata_records(path):
        time = _time(values.get('time_ns', ''))
        if name == records.MANIFEST:
            manifest.update(values)
        elif name == records.MARK:
            lines.append(f'  {time}  mark: {values.get("note", "")}')
        elif name == records.TRIGGER:
            lines.append(f'  {time}  black box opened: {values.get("reason", "")}')
        elif name == records.PARAMETER_CHANGE:
            node, parameter, old, new = (values.get(key, '') for key in _CHANGE)
            lines.append(f'  {time}  {node}: {parameter} {old or "unset"} -> {new}')
    models = [
        f'  {key.removeprefix("model.").removesuffix(".path")}: {value}, '
        f'sha256 {manifest.get(key.removesuffix("path") + "sha256", "unknown")[:12]}'
        for key, value in manifest.items()
        if key.startswith('model.') and key.endswith('.path')
    ]
    return models + lines


def _time(time_ns: str) -> str:
    """Return the time of a record, which may say anything."""
    try:
        return f'{datetime.fromtimestamp(int(time_ns) / 1e9, timezone.utc):%H:%M:%S}'
    except (ValueError, OverflowError, OSError):
        return '??:??:??'


def _description(bag: BagReader) -> str:
    begin = datetime.fromtimestamp(bag.start_ns / 1e9, timezone.utc)
    duration_s = (bag.end_ns - bag.start_ns) / 1e9
    lines = [f'{plain_text(str(bag.path))}: {bag.message_count} messages']
    if bag.message_count:
        lines.append(f'from {begin:%Y-%m-%d %H:%M:%S} UTC, {duration_s:.1f} s')
    names = [plain_text(topic.name) for topic in bag.topics]
    width = max(map(len, names), default=0)
    lines += [
        f'  {name:{width}}  {topic.message_count:8}  {plain_text(topic.type_name)}'
        for name, topic in zip(names, bag.topics, strict=True)
    ]
    return '\n'.join(lines)
