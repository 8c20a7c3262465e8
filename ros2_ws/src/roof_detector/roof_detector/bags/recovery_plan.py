# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What has to be done to make a sound bag of a damaged one, decided before anything is written."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.bags.bag_folder import (
    PACKED_SUFFIX,
    PART_SUFFIX,
    BagFile,
    bag_files,
    part_files,
)
from roof_detector.bags.errors import BagError
from roof_detector.bags.file_repair import FileState, examine
from roof_detector.bags.metadata import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What SQLite keeps beside a database while it is open: the first two hold data, the last none.
_SQLITE_SIDES = ('-wal', '-journal', '-shm')


@dataclass(kw_only=True)
class RecoveryPlan:
    """The files of a bag, which of them are written again, and which are put aside.

    `repairs` are the states to write again, by the name of the new file; `incomplete` if a part of
    the bag could not be included.
    """

    states: list[FileState]
    repairs: dict[str, FileState] = field(default_factory=dict)
    aside: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    incomplete: bool = False


def plan_recovery(path: Path, before: Mapping[str, Any] | None) -> RecoveryPlan:
    """Examine all files in a bag's folder and return what has to be done.

    `before` is the content of its metadata.yaml, None without a readable one. Raises BagError if
    there is nothing to recover.
    """
    all_files = sorted((*bag_files(path), *part_files(path)), key=lambda one: one.order)
    files = _of_one_storage(path, all_files, before)
    plan = RecoveryPlan(states=[])
    found, refused = _examined(plan, files)
    if not found:
        if refused:
            raise refused[0][1]
        msg = (
            f'{path} holds no .mcap or .db3 file with anything in it; there is nothing to recover.'
        )
        raise BagError(msg)
    for file, error in refused:
        plan.notes.append(str(error))
        if file.plain_name in found:  # the other form of the file holds what is in it
            plan.aside += [file.path, *sides_of(file)]
        else:
            plan.incomplete = True
    staged = path / f'{NAME}{PART_SUFFIX}'
    if staged.is_file() and not staged.is_symlink():
        plan.aside.append(staged)
        plan.notes.append(f'{staged.name} was left by a process that was killed.')
    is_packed = any(state.file.is_packed for states in found.values() for state in states)
    for plain_name, states in found.items():
        _choose(plan, states, wanted=plain_name + (PACKED_SUFFIX if is_packed else ''))
    for name in before['relative_file_paths'] if before else ():
        name = os.path.basename(name)  # noqa: PTH119, PLW2901 - a Path drops what is odd
        if name.removesuffix(PACKED_SUFFIX) not in found and not (path / name).exists():
            plan.notes.append(f'{name}, which {NAME} names, is missing.')
            plan.incomplete = True
    return plan


def _examined(
    plan: RecoveryPlan, files: Sequence[BagFile]
) -> tuple[dict[str, list[FileState]], list[tuple[BagFile, BagError]]]:
    """Return what files hold, by their plain names, and which cannot be read; put others aside."""
    found: dict[str, list[FileState]] = {}
    refused: list[tuple[BagFile, BagError]] = []
    for file in files:
        if is_empty(file):
            _put_aside(plan, file, 'is empty: nothing was ever written to it')
            continue
        try:
            state = examine(file)
        except BagError as error:
            if file.is_part:
                _put_aside(plan, file, 'holds nothing that can be read')
            else:
                refused.append((file, error))
            continue
        if state.is_unbegun:
            _put_aside(plan, file, 'holds nothing: it was cut off while it was begun')
        elif file.is_part and not state.message_count:
            _put_aside(plan, file, 'is the beginning of a file that no message came into')
        else:
            found.setdefault(file.plain_name, []).append(state)
    return found, refused


def _choose(plan: RecoveryPlan, found: Sequence[FileState], *, wanted: str) -> None:
    """Choose between a file and its compressed twin: the one with more messages counts."""
    state = max(found, key=lambda one: (one.message_count, not one.fault, one.file.name == wanted))
    plan.states.append(state)
    if state.fault or state.file.name != wanted:
        plan.repairs[wanted] = state
        plan.aside += [state.file.path, *sides_of(state.file)]
    for other in found:
        if other is not state:
            plan.aside += [other.file.path, *sides_of(other.file)]
            plan.notes.append(
                f'{other.file.name} holds {other.message_count} messages, {state.file.name} '
                f'{state.message_count}: the latter counts.'
            )


def _of_one_storage(
    path: Path, files: Sequence[BagFile], before: Mapping[str, Any] | None
) -> Sequence[BagFile]:
    storages = {file.storage for file in files if file.path.stat().st_size}
    if len(storages) < 2:
        return files
    storage = before['storage_identifier'] if before else ''
    if storage not in storages:
        msg = f'{path} holds files of {" and of ".join(sorted(storages))}; separate them first.'
        raise BagError(msg)
    return [file for file in files if file.storage == storage]


def is_empty(file: BagFile) -> bool:
    """Return whether nothing was written to a file or to what SQLite keeps beside it."""
    return not any(one.stat().st_size for one in (file.path, *sides_of(file)))


def sides_of(file: BagFile) -> list[Path]:
    """Return what SQLite left beside a file."""
    sides = [file.path.with_name(file.name + side) for side in _SQLITE_SIDES]
    return [one for one in sides if one.is_file() and not one.is_symlink()]


def _put_aside(plan: RecoveryPlan, file: BagFile, why: str) -> None:
    plan.aside += [file.path, *sides_of(file)]
    plan.notes.append(f'{file.name} {why}.')
