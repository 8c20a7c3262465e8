# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Damage recordings in a thousand ways; everything that is still readable must be recovered.

The judge is a walk over the records that knows nothing of the code under test: it stops where the
bytes make no sense, as a plain reader does, and knows besides where the records were before the
damage, as no reader can. What it can read must come out of the bag once it is recovered, what lies
in sound records out of the damaged bag as it is, and the damaged file must stay beside it.
"""

from __future__ import annotations

import io
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import lz4.frame
import numpy as np
from mcap.reader import NonSeekingReader, SeekingReader
from mcap.writer import CompressionType, IndexType, Writer
from rosbags import rosbag2
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_typestore

from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.bags.bounds import zstd
from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.schemas import message_schema
from roof_detector.bags.writer import BagWriter

MCAP_MUTANTS, SQLITE_MUTANTS = 1000, 200
SHORT_MCAP_MUTANTS, SHORT_SQLITE_MUTANTS = 30, 8
_MAGIC = b'\x89MCAP0\r\n'
_TYPE = 'sensor_msgs/msg/CompressedImage'
_MESSAGES = 60

Key = tuple[int, bytes]  # time and content: what a message is, whatever became of its topic


@dataclass(frozen=True, kw_only=True)
class IntactRecording:
    """An undamaged recording: its bytes and the places of its records."""

    name: str
    content: bytes
    packs_messages: bool
    records: tuple[tuple[int, int, int], ...]  # opcode, offset, offset of the next


def recordings(folder: Path, generator: random.Random) -> Iterator[IntactRecording]:
    """Make recordings with three writers, in all compressions, complete and cut off."""
    for compression in ('none', 'lz4', 'zstd'):
        for is_killed in (False, True):
            name = f'ours_{compression}_{"killed" if is_killed else "finished"}'
            yield _as_recording(
                name, _ours(folder / name, compression, generator, is_killed=is_killed)
            )
    for kind in CompressionType:
        yield _as_recording(f'mcap_{kind.name.lower()}', _by_mcap(kind, generator))
    yield _as_recording(
        'mcap_without_chunks', _by_mcap(CompressionType.NONE, generator, chunked=False)
    )
    for mode in (CompressionMode.NONE, CompressionMode.STORAGE, CompressionMode.MESSAGE):
        whole = _by_rosbags(folder / f'rosbags_{mode.name}', mode, generator)
        packs = mode == CompressionMode.MESSAGE
        yield _as_recording(f'rosbags_{mode.name.lower()}', whole, packs_messages=packs)
        end = _records(whole)[-1][1]
        cut = whole[: end * 8 // 10]
        yield _as_recording(f'rosbags_{mode.name.lower()}_killed', cut, packs_messages=packs)


def _message(number: int, generator: random.Random, size: int) -> bytes:
    pixels = np.frombuffer(generator.randbytes(size) + bytes(size), np.uint8)
    stamp = {'sec': number}
    return message_bytes(_TYPE, {'header': {'stamp': stamp}, 'format': 'jpeg', 'data': pixels})


def _ours(folder: Path, compression: str, generator: random.Random, *, is_killed: bool) -> bytes:
    writer = BagWriter(folder, compression=compression, flush_period_s=1e9)
    for topic in ('/camera/image/compressed', '/other/image/compressed'):
        writer.add_topic(topic, _TYPE)
    for number in range(_MESSAGES):
        topic = '/other/image/compressed' if number % 3 == 0 else '/camera/image/compressed'
        writer.write(topic, _message(number, generator, 300), log_time_ns=10**18 + number * 10**8)
        if number % 6 == 5:
            writer.flush()
    killed = (folder / f'{folder.name}_0.mcap').read_bytes()
    writer.close()
    return killed if is_killed else (folder / f'{folder.name}_0.mcap').read_bytes()


def _by_mcap(kind: CompressionType, generator: random.Random, *, chunked: bool = True) -> bytes:
    stream = io.BytesIO()
    writer = Writer(
        stream,
        chunk_size=4096,
        compression=kind,
        use_chunking=chunked,
        index_types=IndexType.ALL,
        use_summary_offsets=True,
    )
    writer.start('ros2', 'another writer')
    schema = writer.register_schema(_TYPE, 'ros2msg', message_schema(_TYPE).text.encode())
    channels = [writer.register_channel(f'/camera_{n}', 'cdr', schema) for n in range(3)]
    writer.add_attachment(1, 2, 'calibration', 'text/plain', b'focal length 4.5 mm')
    for number in range(_MESSAGES):
        time_ns = 10**18 + number * 10**8
        data = _message(number, generator, 300)
        writer.add_message(channels[number % 3], time_ns, data, time_ns - 5, number)
        if number == 20:
            writer.add_metadata('a remark', {'chimney': 'cracked'})
    writer.finish()
    return stream.getvalue()


def _by_rosbags(folder: Path, mode: CompressionMode, generator: random.Random) -> bytes:
    plugin = rosbag2.StoragePlugin.MCAP
    writer = rosbag2.Writer(folder, version=9, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        store = get_typestore(Stores.ROS2_JAZZY)
        connection = writer.add_connection('/image', _TYPE, typestore=store)
        for number in range(24):
            writer.write(connection, 10**18 + number, _message(number, generator, 90_000))
    return (folder / f'{folder.name}.mcap').read_bytes()


def _as_recording(name: str, content: bytes, *, packs_messages: bool = False) -> IntactRecording:
    return IntactRecording(
        name=name, content=content, packs_messages=packs_messages, records=tuple(_records(content))
    )


# The judge -------------------------------------------------------------------------------------


def _records(content: bytes) -> list[tuple[int, int, int]]:
    """Walk over the records from the first one to the first invalid one."""
    found, offset = [], len(_MAGIC)
    while offset + 9 <= len(content):
        opcode, length = struct.unpack_from('<BQ', content, offset)
        if opcode == 0 or offset + 9 + length > len(content):
            break
        found.append((opcode, offset, offset + 9 + length))
        offset += 9 + length
    return found


def _messages_of(content: bytes, begin: int, end: int) -> Iterator[Key]:
    """Yield the messages of one record: its own, or those of a chunk."""
    opcode, body = content[begin], content[begin + 9 : end]
    if opcode == 5 and len(body) >= 22:
        yield struct.unpack_from('<Q', body, 6)[0], body[22:]
    elif opcode == 6 and len(body) >= 40:
        (length,) = struct.unpack_from('<I', body, 28)
        compression = body[32 : 32 + length]
        data = body[40 + length :]
        inner = _decompressed(data, compression)
        offset = 0
        while inner is not None and offset + 9 <= len(inner):
            kind, size = struct.unpack_from('<BQ', inner, offset)
            if kind not in (3, 4, 5) or offset + 9 + size > len(inner):
                break
            if kind == 5:
                yield from _messages_of(inner, offset, offset + 9 + size)
            offset += 9 + size


def _decompressed(data: bytes, compression: bytes) -> bytes | None:
    try:
        if compression == b'lz4':
            return bytes(lz4.frame.decompress(data))
        if compression == b'zstd':
            return bytes(zstd.decompress(data))
    except (RuntimeError, zstd.ZstdError):
        return None
    return data if compression == b'' else None


def readable(
    recording: IntactRecording, mutant: bytes, places: Callable[[int], int | None]
) -> tuple[Counter[Key], Counter[Key]]:
    """Return what anybody can read of a mutant, and what lies in records that are as they were.

    `places` maps an offset of the recording to its offset in the mutant, None if it is gone.
    """
    sound: Counter[Key] = Counter()
    for opcode, begin, end in recording.records:
        new_begin, new_end = places(begin), places(end - 1)
        if opcode in (5, 6) and new_begin is not None and new_end is not None:
            record = mutant[new_begin : new_end + 1]
            if record == recording.content[begin:end]:
                sound.update(_messages_of(mutant, new_begin, new_end + 1))
    found = Counter(sound)
    for walk in (_plain_walk, _by_index):
        found |= Counter(walk(mutant))
    # This reader gives messages cut short, too: count what it gives whole.
    found |= Counter(_by_stream(mutant)) & Counter(_plain_walk(recording.content))
    return found, sound


def _plain_walk(mutant: bytes) -> Iterator[Key]:
    if mutant.startswith(_MAGIC):
        for opcode, begin, end in _records(mutant):
            if opcode in (5, 6):
                yield from _messages_of(mutant, begin, end)


def _by_stream(mutant: bytes) -> Iterator[Key]:
    with _until_it_fails():
        reader = NonSeekingReader(io.BytesIO(mutant), record_size_limit=1 << 26)
        for _, _, message in reader.iter_messages(log_time_order=False):
            yield message.log_time, message.data


def _by_index(mutant: bytes) -> Iterator[Key]:
    with _until_it_fails():
        reader = SeekingReader(io.BytesIO(mutant), record_size_limit=1 << 26)
        summary = reader.get_summary()
        for index in summary.chunk_indexes if summary else ():
            begin, end = index.chunk_start_offset, index.chunk_start_offset + index.chunk_length
            if 0 < begin < end <= len(mutant) and mutant[begin] == 6:
                yield from _messages_of(mutant, begin, end)


class _until_it_fails:  # noqa: N801 - used as a context
    """Return the results of a reader up to its first error."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, Exception)


# The damage ------------------------------------------------------------------------------------


def _same(offset: int) -> int:
    return offset


Damage = Callable[[IntactRecording, random.Random], tuple[bytes, Callable[[int], 'int | None']]]


def _flip(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    content = bytearray(recording.content)
    for _ in range(generator.choice((1, 1, 1, 2, 8))):
        content[generator.randrange(len(content))] ^= generator.randrange(1, 256)
    return bytes(content), _same


def _flip_head(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    """Damage the structure: opcodes, lengths, the fields of chunks."""
    content = bytearray(recording.content)
    _, begin, end = generator.choice(recording.records)
    content[begin + generator.randrange(min(52, end - begin))] ^= 1 << generator.randrange(8)
    return bytes(content), _same


def _overwrite(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    content = bytearray(recording.content)
    size = generator.randrange(1, max(2, len(content) // 8))
    begin = generator.randrange(len(content) - size)
    is_zero = generator.random() < 0.5
    content[begin : begin + size] = bytes(size) if is_zero else generator.randbytes(size)
    return bytes(content), _same


def _cut(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    return recording.content[: generator.randrange(9, len(recording.content))], _same


def _remove(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int | None]]:
    content = recording.content
    size = generator.randrange(1, max(2, len(content) // 8))
    begin = generator.randrange(8, len(content) - size)

    def places(offset: int) -> int | None:
        if begin <= offset < begin + size:
            return None
        return offset if offset < begin else offset - size

    return content[:begin] + content[begin + size :], places


def _insert(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    content = recording.content
    begin = generator.randrange(8, len(content))
    size = generator.randrange(1, max(2, len(content) // 8))
    more = generator.choice((bytes(size), generator.randbytes(size), content[:size]))
    return (
        content[:begin] + more + content[begin:],
        lambda offset: offset if offset < begin else offset + len(more),
    )


def _flip_end(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    """Damage the summary, the footer or the last magic."""
    content = bytearray(recording.content)
    for _ in range(generator.choice((1, 4))):
        content[-generator.randrange(1, min(600, len(content)))] ^= generator.randrange(1, 256)
    return bytes(content), _same


def _flip_and_cut(
    recording: IntactRecording, generator: random.Random
) -> tuple[bytes, Callable[[int], int]]:
    flipped, _ = _flip(recording, generator)
    return flipped[: generator.randrange(9, len(flipped))], _same


DAMAGES: dict[str, Damage] = {
    'flipped bytes': _flip,
    'flipped heads of records': _flip_head,
    'overwritten block': _overwrite,
    'cut off': _cut,
    'flipped and cut off': _flip_and_cut,
    'removed range': _remove,
    'inserted range': _insert,
    'flipped summary': _flip_end,
}


# The trial -------------------------------------------------------------------------------------


def _read(path: Path) -> Counter[Key]:
    with BagReader(path) as reader:
        return Counter((m.log_time_ns, bytes(m.data)) for m in reader.messages())


def _content(found: Counter[Key], *, unpacks: bool) -> Counter[Key]:
    """Return messages as a reader yields them, decompressed if each was compressed."""
    if not unpacks:
        return found
    plain: Counter[Key] = Counter()
    for (time_ns, data), count in found.items():
        try:
            plain[time_ns, bytes(zstd.decompress(data))] += count
        except zstd.ZstdError:
            continue
    return plain


def try_mcap(
    recording: IntactRecording, kind: str, folder: Path, generator: random.Random, tally: Tally
) -> None:
    """Damage a recording in one way and check what can be recovered."""
    mutant, places = DAMAGES[kind](recording, generator)
    path = folder / 'mutant.mcap'
    path.write_bytes(mutant)
    wanted, sound = readable(recording, mutant, places)
    packs = recording.packs_messages
    wanted, sound = _content(wanted, unpacks=packs), _content(sound, unpacks=packs)
    figures = tally.figures
    try:
        before = _read(path)
    except BagError:
        before = Counter()
    begin_s = monotonic()
    try:
        recovery = recover(path)
    except BagError as error:
        tally.check(kind, f'{recording.name}: {error}', holds=not wanted)
        return
    figures['longest_recovery_s'] = max(
        figures.get('longest_recovery_s', 0.0), round(monotonic() - begin_s, 2)
    )
    after = _read(path)
    faults = []
    if missing := (sound - before).total():
        faults.append(f'the reader misses {missing} messages of sound records')
    if missing := (wanted - after).total():
        faults.append(f'{missing} of {wanted.total()} messages are lost')
    kept = path.read_bytes() if recovery.kept is None else recovery.kept.read_bytes()
    if kept != mutant:
        faults.append('the damaged file is gone')
    if recover(path).changed:
        faults.append('a second recovery finds more to fix')
    figures['messages_readable'] = figures.get('messages_readable', 0) + wanted.total()
    figures['messages_recovered'] = figures.get('messages_recovered', 0) + after.total()
    figures['messages_read_without_recovery'] = (
        figures.get('messages_read_without_recovery', 0) + before.total()
    )
    tally.check(kind, f'{recording.name}: {"; ".join(faults)}', holds=not faults)


def try_sqlite(content: bytes, folder: Path, generator: random.Random, tally: Tally) -> None:
    """Damage an SQLite file and compare with what SQLite itself can read."""
    kind = 'SQLite: ' + generator.choice(('flipped bytes', 'overwritten block', 'cut off'))
    mutant = bytearray(content)
    if kind.endswith('bytes'):
        for _ in range(generator.choice((1, 4, 16))):
            mutant[generator.randrange(len(mutant))] ^= generator.randrange(1, 256)
    elif kind.endswith('block'):
        size = generator.randrange(1, 20_000)
        begin = generator.randrange(len(mutant) - size)
        mutant[begin : begin + size] = generator.choice((bytes(size), generator.randbytes(size)))
    else:
        del mutant[generator.randrange(100, len(mutant)) :]
    path = folder / 'mutant.db3'
    path.write_bytes(mutant)
    wanted = _by_sqlite(path)
    try:
        recovery = recover(path)
    except BagError as error:
        tally.check(kind, str(error), holds=not wanted)
        return
    after = _read(path)
    faults = []
    if missing := (wanted - after).total():
        faults.append(f'{missing} of {wanted.total()} messages are lost')
    kept = path.read_bytes() if recovery.kept is None else recovery.kept.read_bytes()
    if kept != bytes(mutant):
        faults.append('the damaged file is gone')
    tally.check(kind, '; '.join(faults), holds=not faults)


def _by_sqlite(path: Path) -> Counter[Key]:
    """Read row by row, from the first and from the last, until SQLite fails."""
    found: dict[int, Key] = {}
    uri = f'file:{path}?immutable=1'
    for order in ('ASC', 'DESC'):
        select = f'SELECT rowid, timestamp, data FROM messages NOT INDEXED ORDER BY rowid {order}'
        with _until_it_fails(), closing(sqlite3.connect(uri, uri=True)) as database:
            for row_id, time_ns, data in database.execute(select):
                if isinstance(time_ns, int) and isinstance(data, bytes) and time_ns >= 0:
                    found[row_id] = time_ns, data
    return Counter(found.values())


def _sqlite(folder: Path, generator: random.Random) -> bytes:
    plugin = rosbag2.StoragePlugin.SQLITE3
    with rosbag2.Writer(folder, version=9, storage_plugin=plugin) as writer:
        store = get_typestore(Stores.ROS2_JAZZY)
        connection = writer.add_connection('/image', _TYPE, typestore=store)
        for number in range(100):
            size = 200 if number % 5 else 9_000
            writer.write(connection, 10**18 + number, _message(number, generator, size))
    return (folder / f'{folder.name}.db3').read_bytes()


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Damage recordings and recover them."""
    generator = options.random()
    count = SHORT_MCAP_MUTANTS if options.short else MCAP_MUTANTS
    with tempfile.TemporaryDirectory(prefix='damaged_bags-') as name:
        folder = Path(name)
        made = list(recordings(folder, generator))
        for number in range(count):
            recording = generator.choice(made)
            trial = folder / 'trial'
            trial.mkdir()
            kind = list(DAMAGES)[number % len(DAMAGES)]
            _guarded(
                lambda r=recording, k=kind, t=trial: try_mcap(r, k, t, generator, tally),
                f'{recording.name}, number {number}',
                kind,
                tally,
            )
            shutil.rmtree(trial)
        content = _sqlite(folder / 'sqlite', generator)
        for _ in range(SHORT_SQLITE_MUTANTS if options.short else SQLITE_MUTANTS):
            trial.mkdir()
            _guarded(lambda t=trial: try_sqlite(content, t, generator, tally), '', 'SQLite', tally)
            shutil.rmtree(trial)


def _guarded(trial: Callable[[], None], name: str, kind: str, tally: Tally) -> None:
    """Count an exception as a failure."""
    try:
        trial()
    except Exception as error:
        tally.failed(kind, f'{name}: {type(error).__name__}: {error}')


if __name__ == '__main__':
    sys.exit(run_campaign('damaged_bags', attempt))
