# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recovery of a damaged bag: a sound bag is made, and the damaged one is kept beside it."""

from __future__ import annotations

import copy
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.bags.bag_folder import PACKED_SUFFIX, BagFile, bag_file, bag_files
from roof_detector.bags.disk import sync_folder
from roof_detector.bags.errors import BagError
from roof_detector.bags.file_repair import FileState, TopicFound, examine, pack, repair
from roof_detector.bags.folder_lock import FolderLock, is_locked
from roof_detector.bags.mcap_survey import TopicFacts
from roof_detector.bags.metadata import (
    NAME,
    VERSION,
    embedded_metadata,
    from_yaml,
    metadata_text,
    read_metadata,
    to_yaml,
    write_metadata,
)
from roof_detector.bags.reader import open_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Where replaced files are kept, within the bag's folder; for a single file, its suffix.
KEPT = 'before_recovery'
_STAGING = '.recovery.part'
_RESERVE_BYTES = 16 << 20
_NEVER_NS = 2**63 - 1


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


@dataclass(kw_only=True)
class _Plan:
    """The plan for the recovery of a bag."""

    states: list[FileState]
    repairs: dict[str, FileState] = field(default_factory=dict)  # by the name of the new file
    aside: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    incomplete: bool = False  # a part of the bag could not be included


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
    files = bag_files(path)
    _refuse_open(files)
    lock = FolderLock(path)
    try:
        before = _old_metadata(path)
        plan = _plan(path, files, before)
        mode = _compression(plan, before)
        needs_metadata = before is None or _differs(before, plan, mode)
        if not plan.repairs and not plan.aside and not needs_metadata and output is None:
            return _outcome(path, plan)
        return _carry_out(path, plan, before, mode, output)
    finally:
        lock.release()


def _old_metadata(path: Path) -> dict[str, Any] | None:
    try:
        return read_metadata(path)
    except BagError:
        return None


def _plan(path: Path, files: Sequence[BagFile], before: Mapping[str, Any] | None) -> _Plan:
    files = _of_one_storage(path, files, before)
    plan = _Plan(states=[])
    refused: list[BagError] = []
    by_plain_name: dict[str, list[FileState]] = {}
    for file in files:
        if _is_empty(file):
            plan.aside.append(file.path)
            plan.notes.append(f'{file.name} is empty: nothing was ever written to it.')
            continue
        try:
            state = examine(file)
        except BagError as error:
            refused.append(error)
            continue
        by_plain_name.setdefault(file.plain_name, []).append(state)
    if not by_plain_name:
        if refused:
            raise refused[0]
        msg = (
            f'{path} holds no .mcap or .db3 file with anything in it; there is nothing to recover.'
        )
        raise BagError(msg)
    plan.notes += map(str, refused)
    plan.incomplete = bool(refused)
    is_packed = any(state.file.is_packed for found in by_plain_name.values() for state in found)
    for plain_name, found in by_plain_name.items():
        _choose(plan, found, wanted=plain_name + (PACKED_SUFFIX if is_packed else ''))
    for name in before['relative_file_paths'] if before else ():
        name = os.path.basename(name)  # noqa: PTH119, PLW2901 - a Path drops what is odd
        if name.removesuffix(PACKED_SUFFIX) not in by_plain_name and not (path / name).exists():
            plan.notes.append(f'{name}, which {NAME} names, is missing.')
            plan.incomplete = True
    return plan


def _choose(plan: _Plan, found: Sequence[FileState], *, wanted: str) -> None:
    """Choose between a file and its compressed twin: the one with more messages counts."""
    state = max(found, key=lambda one: (one.message_count, not one.fault))
    plan.states.append(state)
    if state.fault or state.file.name != wanted:
        plan.repairs[wanted] = state
        plan.aside += [state.file.path, *state.sides]
    for other in found:
        if other is not state:
            plan.aside += [other.file.path, *other.sides]
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


def _is_empty(file: BagFile) -> bool:
    sides = [file.path.with_name(file.name + side) for side in ('-wal', '-journal')]
    return not any(one.exists() and one.stat().st_size for one in (file.path, *sides))


def _compression(plan: _Plan, before: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return the mode and format of the compression for metadata.yaml."""
    if any(state.file.is_packed for state in plan.states):
        return 'FILE', 'zstd'
    count = sum(state.message_count for state in plan.states)
    packed = sum(state.packed_messages for state in plan.states)
    if packed and packed == count:
        return 'MESSAGE', 'zstd'
    if before and before['compression_mode'].lower() == 'message' and (packed or not count):
        return before['compression_mode'], before['compression_format']
    return '', ''


def _differs(before: Mapping[str, Any], plan: _Plan, mode: tuple[str, str]) -> bool:
    """Return whether a metadata.yaml does not describe what its bag holds."""
    named = [os.path.basename(name) for name in before['relative_file_paths']]  # noqa: PTH119
    if sorted(named) != sorted(state.file.name for state in plan.states):
        return True
    stated = before['compression_mode'].lower()
    if (stated if stated != 'none' else '') != mode[0].lower():
        return True
    if before['message_count'] != sum(state.message_count for state in plan.states):
        return True
    topics = {one['topic_metadata']['name'] for one in before['topics_with_message_count']}
    found = {t.name for state in plan.states for t in state.topics.values() if t.message_count}
    return not found <= topics


def _carry_out(
    path: Path,
    plan: _Plan,
    before: Mapping[str, Any] | None,
    mode: tuple[str, str],
    output: Path | None,
) -> Recovery:
    """Make the new files beside the old ones, read them as a bag, and move them into place."""
    staging = path / _STAGING if output is None else output.with_name(f'{output.name}.part')
    _remove(staging)
    _check_room(plan, staging.parent, copies=output is not None)
    staging.mkdir(parents=True)
    try:
        facts, in_order = _facts(plan, before)
        states = []
        for state in plan.states:
            name = next((n for n, one in plan.repairs.items() if one is state), '')
            if not name:
                states.append(state)
            elif state.fault:
                states.append(repair(state, staging / name, topics=facts, in_order=in_order))
            else:
                pack(state.file.path, staging / name)
                states.append(examine(_as_file(staging / name)))
        information = _information(before, states, mode)
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


def _facts(
    plan: _Plan, before: Mapping[str, Any] | None
) -> tuple[dict[str, TopicFacts], tuple[TopicFacts, ...]]:
    """Return what is known about topics besides what a damaged file says.

    Channels of our files are numbered in the order of the topics in their metadata.yaml.
    """
    known: dict[str, TopicFacts] = {}
    in_order = []
    for topic in before['topics_with_message_count'] if before else ():
        about = topic['topic_metadata']
        known[about['name']] = TopicFacts.announced(about)
        in_order.append(known[about['name']])
    for state in plan.states:
        for found in state.topics.values():
            if found.type_name and not found.is_doubtful:
                before_it = known.get(
                    found.name, TopicFacts(name=found.name, type_name=found.type_name)
                )
                known[found.name] = TopicFacts(
                    name=found.name,
                    type_name=found.type_name,
                    definition=found.definition,
                    type_hash=found.type_hash or before_it.type_hash,
                    offered_qos=before_it.offered_qos or found.offered_qos,
                )
    return known, tuple(known[facts.name] for facts in in_order)


def _information(
    before: Mapping[str, Any] | None, states: Sequence[FileState], mode: tuple[str, str]
) -> dict[str, Any]:
    """Return the content of metadata.yaml: that of before, corrected by what was found."""
    embedded = next(
        (found for state in reversed(states) if (found := embedded_metadata(state.embedded))), {}
    )
    basis: dict[str, Any] = copy.deepcopy(dict(before or {}))
    if not basis:
        custom: dict[str, str] = dict(embedded.get('custom_data') or {})
        for state in states:
            custom.update(state.custom)
        basis = {
            'version': VERSION,
            'topics_with_message_count': [],
            'custom_data': custom or None,
            'ros_distro': embedded.get('ros_distro', 'jazzy'),
        }
    topics = _topics(basis, states)
    start_ns = min((state.start_ns for state in states), default=_NEVER_NS)
    end_ns = max((state.end_ns for state in states), default=0)
    named = {os.path.basename(n): n for n in basis.get('relative_file_paths', ())}  # noqa: PTH119
    names = [named.get(state.file.name, state.file.name) for state in states]
    return {
        **basis,
        'storage_identifier': states[0].file.storage,
        'duration': {'nanoseconds': max(0, end_ns - start_ns)},
        'starting_time': {'nanoseconds_since_epoch': start_ns},
        'message_count': sum(state.message_count for state in states),
        'topics_with_message_count': topics,
        'compression_format': mode[1],
        'compression_mode': mode[0],
        'relative_file_paths': names,
        'files': [
            {
                'path': state.file.name,
                'starting_time': {'nanoseconds_since_epoch': state.start_ns},
                'duration': {'nanoseconds': max(0, state.end_ns - state.start_ns)},
                'message_count': state.message_count,
            }
            for state in states
        ],
    }


def _topics(basis: Mapping[str, Any], states: Sequence[FileState]) -> list[dict[str, Any]]:
    found: dict[str, TopicFound] = {}
    for state in states:
        for topic in state.topics.values():
            known = found.get(topic.name)
            if known is None:
                found[topic.name] = replace(topic)
            else:
                known.message_count += topic.message_count
                known.offered_qos = known.offered_qos or topic.offered_qos
    topics = []
    for one in basis['topics_with_message_count']:
        name = one['topic_metadata']['name']
        if name in found:  # otherwise no file defines it any more, which some readers reject
            topics.append({**one, 'message_count': found.pop(name).message_count})
    for topic in found.values():  # the new ones
        qos: Any = [profile.as_dict() for profile in topic.offered_qos]
        if basis['version'] < VERSION:  # profiles were numbers in a YAML string
            qos = to_yaml([profile.as_numbers() for profile in topic.offered_qos]) if qos else ''
        topics.append(
            {
                'topic_metadata': {
                    'name': topic.name,
                    'type': topic.type_name,
                    'serialization_format': topic.serialization_format or 'cdr',
                    'offered_qos_profiles': qos,
                    'type_description_hash': topic.type_hash,
                },
                'message_count': topic.message_count,
            }
        )
    return topics


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


def _replace(path: Path, staging: Path, plan: _Plan, text: str) -> Path | None:
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
    if _is_empty(file):
        msg = f'{path} is empty: nothing was ever written to it; there is nothing to recover.'
        raise BagError(msg)
    _refuse_open([file])
    state = examine(file)
    plan = _Plan(states=[state])
    if not state.fault and output is None:
        return _outcome(path, plan)
    folder = path.parent if output is None else output.parent
    staging = folder / f'{path.name}{_STAGING}'
    _remove(staging)
    plan.repairs[path.name] = state
    plan.aside += [path, *state.sides]
    _check_room(plan, folder, copies=False)
    staging.mkdir()
    try:
        repair(state, staging / path.name, topics={}, in_order=())
        if output is not None:
            (staging / path.name).rename(output)
            return _outcome(output, plan)
        kept = _free(path.with_name(f'{path.name}.{KEPT}'))
        _keep(path, kept)
        (staging / path.name).replace(path)
        for side in state.sides:
            side.rename(_free(side.with_name(f'{side.name}.{KEPT}')))
        sync_folder(folder)
        return _outcome(path, plan, kept=kept)
    finally:
        _remove(staging)


def _as_file(path: Path) -> BagFile:
    file = bag_file(path)
    if file is None:
        msg = f'{path} cannot be recovered; expected a bag, or a file .mcap or .db3.'
        raise BagError(msg)
    return file


def _check_room(plan: _Plan, folder: Path, *, copies: bool) -> None:
    wanted = _RESERVE_BYTES
    for state in plan.states if copies else plan.repairs.values():
        size = sum(file.stat().st_size for file in (state.file.path, *state.sides))
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
    path: Path, plan: _Plan, *, kept: Path | None = None, metadata_written: bool = False
) -> Recovery:
    messages = []
    for name, state in plan.repairs.items():
        fault = state.fault or 'it was not compressed as the others are'
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
