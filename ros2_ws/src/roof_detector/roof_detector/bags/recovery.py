# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recovery of a damaged bag: a sound bag is made, and the damaged one is kept beside it."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.bags.bag_folder import (
    PACKED_SUFFIX,
    PART_SUFFIX,
    BagFile,
    bag_file,
    bag_files,
    part_file,
    part_files,
)
from roof_detector.bags.disk import sync_folder
from roof_detector.bags.errors import BagError
from roof_detector.bags.file_repair import FileState, examine, pack, repair
from roof_detector.bags.folder_lock import FolderLock, is_locked
from roof_detector.bags.metadata import (
    NAME,
    from_yaml,
    metadata_text,
    read_metadata,
    write_metadata,
)
from roof_detector.bags.reader import open_files
from roof_detector.bags.recovered_metadata import (
    compression_of,
    differs,
    recovered_information,
    topic_facts,
)
from roof_detector.bags.recovery_plan import RecoveryPlan, is_empty, plan_recovery, sides_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Where replaced files are kept, within the bag's folder; for a single file, its suffix.
KEPT = 'before_recovery'
_STAGING = '.recovery.part'
_RESERVE_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """The result of a recovery. `kept` is the place of replaced files, if any.

    `repaired` are the files that were rewritten, `notes` everything else worth knowing.
    """

    path: Path
    repaired: tuple[str, ...]
    message_count: int
    lost_bytes: int = 0
    lost_messages: int = 0
    doubtful_messages: int = 0
    kept: Path | None = None
    metadata_written: bool = False
    notes: tuple[str, ...] = ()
    is_incomplete: bool = False  # a file is missing, or could not be included

    @property
    def changed(self) -> bool:
        """Return whether anything was written."""
        return bool(self.repaired or self.metadata_written or self.kept)

    @property
    def is_whole(self) -> bool:
        """Return whether nothing is lost or doubtful, as far as is known."""
        lost = self.lost_bytes or self.lost_messages or self.doubtful_messages
        return not (lost or self.is_incomplete)


def recover(path: Path | str, *, output: Path | None = None) -> Recovery:
    """Repair damaged or cut-off files of a bag, and rebuild its metadata.yaml if it is wrong.

    Every message that can still be read is kept. A bag without faults stays unchanged to the byte.
    Each new file is read again before it replaces the old one, which stays in `before_recovery`;
    with `output` the repaired bag is made there and nothing else is touched. Raises BagError if
    nothing can be done, and then nothing was changed.
    """
    path = Path(path).expanduser()
    if path.name == NAME:
        path = path.parent
    if not path.exists():
        msg = f'There is no bag {path}. Check the path; a bag is a folder or a .mcap file.'
        raise BagError(msg)
    if output is not None and output.exists():
        msg = f'{output} exists already and is not overwritten; name another output.'
        raise BagError(msg)
    try:
        if path.is_dir():
            return _recover_folder(path, output)
        return _recover_lone(path, output)
    except OSError as error:
        name = error.filename or path
        msg = f'{name} cannot be repaired ({error.strerror}). Check its owner and permissions.'
        raise BagError(msg) from error


def _recover_folder(path: Path, output: Path | None) -> Recovery:
    if is_locked(path):
        msg = f'{path} is being written at this moment; end the recording first.'
        raise BagError(msg)
    _refuse_open([*bag_files(path), *part_files(path)])
    lock = FolderLock(path)
    try:
        if output is None:
            _finish_interrupted(path)
        before = _old_metadata(path)
        plan = plan_recovery(path, before)
        mode = compression_of(plan, before)
        needs_metadata = before is None or differs(before, plan, mode)
        if not plan.repairs and not plan.aside and not needs_metadata and output is None:
            return _outcome(path, plan)
        return _carry_out(path, plan, before, mode, output)
    finally:
        lock.release()


def _finish_interrupted(path: Path) -> None:
    """Remove the work of a recovery that was killed, after taking over what it had finished.

    New files are complete before the first old one leaves its place. Where a file system has no
    second names, a kill between the two leaves the old one in `before_recovery` alone.
    """
    staging = path / _STAGING
    if staging.is_dir() and not staging.is_symlink():
        kept = {one.name.removesuffix(PACKED_SUFFIX) for one in path.glob(f'{KEPT}*/*')}
        there = {one.plain_name for one in bag_files(path)}
        for new in bag_files(staging):
            if new.plain_name in kept - there:
                new.path.replace(path / new.name)
    _remove(staging)


def _old_metadata(path: Path) -> dict[str, Any] | None:
    try:
        return read_metadata(path)
    except BagError:
        return None


def _carry_out(
    path: Path,
    plan: RecoveryPlan,
    before: Mapping[str, Any] | None,
    mode: tuple[str, str],
    output: Path | None,
) -> Recovery:
    """Make the new files beside the old ones, read them as a bag, and move them into place."""
    staging = path / _STAGING if output is None else output.with_name(f'{output.name}{_STAGING}')
    _remove(staging)
    _check_room(plan, staging.parent, copies=output is not None)
    staging.mkdir(parents=True)
    try:
        facts, in_order = topic_facts(plan, before)
        states = []
        for state in plan.states:
            name = next((n for n, one in plan.repairs.items() if one is state), '')
            if not name:
                states.append(state)
            elif state.fault:
                states.append(repair(state, staging / name, topics=facts, in_order=in_order))
            else:
                is_packed = name.endswith(PACKED_SUFFIX) and not state.file.is_packed
                (pack if is_packed else shutil.copy2)(state.file.path, staging / name)
                states.append(examine(_as_file(staging / name)))
        information = recovered_information(before, states, mode)
        text = metadata_text(information)
        instead = {state.file.name: state.file.path for state in states}
        _check(path, from_yaml(text), instead, states)
        if output is None:
            kept = _replace(path, staging, plan, text)
            return _outcome(path, plan, kept=kept, metadata_written=True)
        for state in states:
            if state.file.path.parent != staging:
                shutil.copy2(state.file.path, staging / state.file.name)
        write_metadata(staging, text)
        staging.rename(output)
        sync_folder(output.parent)
        return _outcome(output, plan, metadata_written=True)
    finally:
        _remove(staging)


def _check(
    path: Path, content: Any, instead: Mapping[str, Path], states: Sequence[FileState]
) -> None:
    """Read the new bag as readers do; raise BagError if it does not give what was found."""
    information = content['rosbag2_bagfile_information']
    sources, _ = open_files(path, information, instead=instead)
    expected = sum(state.message_count for state in states)
    count = 0
    try:
        for source in sources:
            names = {topic.name for topic in source.topics}
            count += sum(1 for _ in source.messages(names))
        unread = sum(source.unread for source in sources)
    finally:
        for source in sources:
            source.close()
    if count + unread != expected:
        msg = (
            f'The repaired bag {path} gives {count} messages where {expected} were found; nothing '
            'was changed. Please report it with the bag.'
        )
        raise BagError(msg)


def _replace(path: Path, staging: Path, plan: RecoveryPlan, text: str) -> Path | None:
    """Move the new files into place and keep the old ones; return where."""
    old_metadata = path / NAME
    keeps_metadata = old_metadata.is_symlink() or old_metadata.exists()
    kept: Path | None = None
    if plan.aside or keeps_metadata:
        kept = _free(path / KEPT)
        kept.mkdir()
        sync_folder(path)
    for old in plan.aside:
        assert kept is not None
        _keep(old, kept / old.name)
    for name in plan.repairs:
        (staging / name).replace(path / name)
    for old in plan.aside:
        if old.name not in plan.repairs:
            old.unlink(missing_ok=True)
    if keeps_metadata:
        assert kept is not None
        if old_metadata.is_symlink() or not old_metadata.is_file():
            old_metadata.rename(kept / NAME)
        else:
            shutil.copy2(old_metadata, kept / NAME)
    write_metadata(path, text)
    if kept is not None:
        sync_folder(kept)
    sync_folder(path)
    return kept


def _keep(old: Path, target: Path) -> None:
    """Give a file a second name, so that it always has one; FAT has no second names."""
    try:
        os.link(old, target, follow_symlinks=False)
    except OSError:
        old.rename(target)


def _free(path: Path) -> Path:
    """Return a free path, with a number appended if the path is taken."""
    number = 1
    free = path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f'{path.name}_{number}')
    return free


def _recover_lone(path: Path, output: Path | None) -> Recovery:
    file = _as_file(path)
    if is_empty(file):
        msg = f'{path} is empty: nothing was ever written to it; there is nothing to recover.'
        raise BagError(msg)
    _refuse_open([file])
    state = examine(file)
    if state.is_unbegun:
        msg = f'{path} was cut off while it was begun; there is nothing to recover.'
        raise BagError(msg)
    plan = RecoveryPlan(states=[state])
    if not state.fault and not file.is_part and output is None:
        return _outcome(path, plan)
    target = output or path.with_name(path.name.removesuffix(PART_SUFFIX))
    if file.is_part and target.exists():
        msg = f'{target} exists already and is not overwritten; name another place with --output.'
        raise BagError(msg)
    name = path.name.removesuffix(PART_SUFFIX)
    staging = target.with_name(f'{path.name}{_STAGING}')
    _remove(staging)
    plan.repairs[name] = state
    _check_room(plan, target.parent, copies=False)
    staging.mkdir()
    try:
        repair(state, staging / name, topics={}, in_order=())
        if output is not None:
            (staging / name).rename(output)
            return _outcome(output, plan)
        kept = _free(path.with_name(f'{path.name}.{KEPT}'))
        _keep(path, kept)
        (staging / name).replace(target)
        if file.is_part:
            path.unlink(missing_ok=True)
        for side in sides_of(file):
            side.rename(_free(side.with_name(f'{side.name}.{KEPT}')))
        sync_folder(target.parent)
        return _outcome(target, plan, kept=kept)
    finally:
        _remove(staging)


def _as_file(path: Path) -> BagFile:
    file = bag_file(path) or part_file(path)
    if file is None:
        msg = f'{path} cannot be recovered; expected a bag, or a file .mcap or .db3.'
        raise BagError(msg)
    return file


def _check_room(plan: RecoveryPlan, folder: Path, *, copies: bool) -> None:
    wanted = _RESERVE_BYTES
    for state in plan.states if copies else plan.repairs.values():
        size = sum(one.stat().st_size for one in (state.file.path, *sides_of(state.file)))
        wanted += size + size // 8
    free = shutil.disk_usage(folder).free
    if wanted > free:
        msg = (
            f'The repair needs {wanted / 1e6:.1f} MB on the disk of {folder}, because the damaged '
            f'files are kept, and {free / 1e6:.1f} MB are free. Make room, or name a folder on '
            'another disk with --output.'
        )
        raise BagError(msg)


def _refuse_open(files: Sequence[BagFile]) -> None:
    """Raise BagError if a process of ours has a file open for writing: it is recording."""
    wanted = {str(file.path.resolve()) for file in files}
    for descriptors in Path('/proc').glob('[0-9]*/fd'):
        if descriptors.parent.name == str(os.getpid()):
            continue
        with suppress(OSError):
            for one in descriptors.iterdir():
                with suppress(OSError):
                    target = str(one.readlink())
                    if target in wanted and _writes(descriptors.parent, one.name):
                        msg = (
                            f'{target} is being written at this moment, by process '
                            f'{descriptors.parent.name}; end the recording first.'
                        )
                        raise BagError(msg)


def _writes(process: Path, descriptor: str) -> bool:
    for line in (process / 'fdinfo' / descriptor).read_text().splitlines():
        if line.startswith('flags:'):
            return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def _remove(staging: Path) -> None:
    if staging.is_symlink():
        staging.unlink()
    elif staging.exists():
        shutil.rmtree(staging)


def _outcome(
    path: Path, plan: RecoveryPlan, *, kept: Path | None = None, metadata_written: bool = False
) -> Recovery:
    messages = []
    for name, state in plan.repairs.items():
        renamed = 'it had the name of a file that is being begun'
        fault = state.fault or (
            renamed if state.file.is_part else 'it was not compressed as the others are'
        )
        messages.append(f'{name} was written again: {fault}.')
        if state.loss:
            messages.append(f'{name}: {state.loss}.')
    losses = [state.loss for state in plan.repairs.values()]
    return Recovery(
        path=path,
        repaired=tuple(plan.repairs),
        message_count=sum(state.message_count for state in plan.states),
        lost_bytes=sum(loss.lost_bytes for loss in losses),
        lost_messages=sum(loss.messages for loss in losses),
        doubtful_messages=sum(loss.doubtful for loss in losses),
        kept=kept,
        metadata_written=metadata_written,
        notes=(*plan.notes, *messages),
        is_incomplete=plan.incomplete,
    )
