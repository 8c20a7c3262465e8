# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A reader of a bag's SQLite file, through SQLite or page by page."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from roof_detector.bags.bag_folder import SQLITE_SIDES
from roof_detector.bags.bounds import DISK_RESERVE_BYTES, MOST_MESSAGE_BYTES, ZSTD_MAGIC
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_records import FileStore
from roof_detector.bags.sqlite_pages import MAGIC, Row, SqlitePages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_NEVER_NS = 2**63 - 1
_MOST_TIME_NS = 2**63 - 1
_LEAST_PAGE_BYTES = 512
# The tables and the index that rosbag2 creates one after the other before the first message.
_TABLES = {'schema', 'metadata', 'topics', 'message_definitions', 'messages', 'timestamp_idx'}
# What a message's row must have; a computed column could compute for ever.
_MESSAGE_COLUMNS = {'topic_id', 'timestamp', 'data'}


class SqliteTopic(NamedTuple):
    """A row of the table of topics."""

    id: int
    name: str
    type_name: str
    serialization_format: str = 'cdr'
    offered_qos: str = ''
    type_hash: str = ''


class SqliteMessage(NamedTuple):
    """A row of the table of messages."""

    id: int
    topic_id: int
    time_ns: int
    data: bytes


@dataclass(kw_only=True)
class SqliteContent:
    """What a file holds besides its messages.

    `definitions` are encoding, text and hash by type; `counts` are the messages by topic, and
    `packed` those that begin like zstd data; `problem` says what is wrong, '' for nothing.
    """

    topics: tuple[SqliteTopic, ...] = ()
    definitions: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    start_ns: int = _NEVER_NS
    end_ns: int = 0
    metadata: str = ''
    problem: str = ''

    @property
    def message_count(self) -> int:
        """Return how many messages there are."""
        return sum(self.counts.values())


class SqliteFile:
    """A read-only view of a bag's SQLite file.

    Files that SQLite left beside it when it was killed are merged into a copy. If SQLite finds
    damage, the rows are read page by page; `content.problem` says so. With `is_thorough` the whole
    file is checked at once. `unread` counts messages that are damaged or too large.
    """

    def __init__(self, path: Path, *, is_thorough: bool = False) -> None:
        self._path = self._read_path = path
        self._copy: TemporaryDirectory[str] | None = None
        self._database: sqlite3.Connection | None = None
        self._file: BinaryIO | None = None
        self.unread = 0
        sides = [path.with_name(path.name + side) for side in SQLITE_SIDES]
        self.sides = tuple(side for side in sides if _has_content(side))
        try:
            if self.sides:
                self._take_over()
            self._open(is_thorough=is_thorough)
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> Path:
        """Return the file that is read: the original, or the copy with merged files."""
        return self._read_path

    def messages(self, topic_ids: set[int] | None = None) -> Iterator[SqliteMessage]:
        """Yield the messages of the given topics, or all, by time."""
        self.unread = 0
        if self._database is None:
            yield from self._salvaged(topic_ids)
            return
        order = self._database.execute(
            'SELECT rowid, topic_id, timestamp, length(data) FROM messages NOT INDEXED '
            'ORDER BY timestamp, rowid'
        )
        for row_id, topic_id, time_ns, size in order:
            if topic_ids is not None and topic_id not in topic_ids:
                continue
            message = self._fetch(row_id, topic_id, time_ns, size)
            if message is None:
                self.unread += 1
            else:
                yield message

    def close(self) -> None:
        """Close the file, and remove the copy."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def _fetch(self, row_id: int, topic_id: Any, time_ns: Any, size: Any) -> SqliteMessage | None:
        if not isinstance(size, int) or size > MOST_MESSAGE_BYTES or not _is_time(time_ns):
            return None
        try:
            assert self._database is not None
            found = self._database.execute('SELECT data FROM messages WHERE rowid = ?', (row_id,))
            row = found.fetchone()
        except sqlite3.Error:
            return None
        is_blob = row is not None and isinstance(row[0], bytes) and isinstance(topic_id, int)
        return SqliteMessage(row_id, topic_id, time_ns, row[0]) if is_blob else None

    def _take_over(self) -> None:
        """Let SQLite finish its interrupted work in a copy."""
        self._copy = TemporaryDirectory(prefix='roof_detector-bag-')
        folder = Path(self._copy.name)
        size = sum(file.stat().st_size for file in (self._path, *self.sides))
        if 2 * size + DISK_RESERVE_BYTES > shutil.disk_usage(folder).free:
            msg = (
                f'{self._path} was cut off, and the copy that merges what lies beside it '
                f'({size} bytes) does not fit {folder.parent}; set TMPDIR to a larger disk.'
            )
            raise BagError(msg)
        for file in (self._path, *self.sides):
            shutil.copyfile(file, folder / file.name)
        self._read_path = folder / self._path.name
        try:
            database = sqlite3.connect(self._read_path)
            try:
                database.execute('PRAGMA trusted_schema = OFF')
                database.execute('SELECT count(*) FROM sqlite_master').fetchone()
                database.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()
                database.execute('PRAGMA journal_mode = DELETE').fetchone()
            finally:
                database.close()
        except sqlite3.Error:
            # It cannot: the content of the file itself is read page by page.
            shutil.copyfile(self._path, self._read_path)

    def _open(self, *, is_thorough: bool) -> None:
        try:
            uri = self._read_path.absolute().as_uri() + '?mode=ro&immutable=1'
            self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._database.text_factory = lambda data: data.decode('utf-8', 'replace')
            for pragma in ('trusted_schema = OFF', 'cell_size_check = ON', 'mmap_size = 0'):
                self._database.execute(f'PRAGMA {pragma}')
            problem = _unsafe(self._database) or (_damage(self._database) if is_thorough else '')
            if not problem:
                self.content = _content(self._database)
                return
        except (sqlite3.Error, OverflowError) as error:
            problem = str(error)
        if self._database is not None:
            self._database.close()
            self._database = None
        self._file = self._read_path.open('rb')
        self._pages = SqlitePages(FileStore(self._file))
        self.content = self._salvaged_content(problem)
        if not self.content.topics and not self._places:
            msg = f'{self._path} cannot be read: it is not an SQLite file of a bag ({problem}).'
            raise BagError(msg)

    def _salvaged_content(self, problem: str) -> SqliteContent:
        content = SqliteContent(problem=problem)
        topics: dict[int, SqliteTopic] = {}
        places: dict[int, tuple[int, int, int, tuple[int, int]]] = {}
        for row in self._pages.rows():
            if _is_message(row):
                topic_id, time_ns = row.values[1], row.values[2]
                places.setdefault(row.row_id, (time_ns, row.row_id, topic_id, row.place))
            elif _is_topic(row):
                topics.setdefault(row.row_id, SqliteTopic(row.row_id, *row.values[1:6]))
            elif _is_definition(row):
                _, type_name, encoding, text, *more = row.values
                content.definitions.setdefault(type_name, (encoding, text, *(more or [''])))
            elif len(row.values) == 3 and isinstance(row.values[2], str):
                content.metadata = row.values[2]
        content.topics = tuple(topics.values())
        self._places = sorted(places.values())
        for time_ns, _, topic_id, _ in self._places:
            content.counts[topic_id] = content.counts.get(topic_id, 0) + 1
            content.start_ns = min(content.start_ns, time_ns)
            content.end_ns = max(content.end_ns, time_ns)
        return content

    def _salvaged(self, topic_ids: set[int] | None) -> Iterator[SqliteMessage]:
        for time_ns, row_id, topic_id, place in self._places:
            if topic_ids is None or topic_id in topic_ids:
                row = self._pages.row(place)
                if row is None or len(row.values[3]) > MOST_MESSAGE_BYTES:
                    self.unread += 1
                else:
                    yield SqliteMessage(row_id, topic_id, time_ns, row.values[3])


def is_packed(message: SqliteMessage) -> bool:
    """Return whether a message was compressed by itself; no other begins like this."""
    return message.data.startswith(ZSTD_MAGIC)


def is_unbegun_sqlite(path: Path) -> bool:
    """Return whether a kill came before rosbag2 had created the tables of a file."""
    if any(_has_content(path.with_name(path.name + side)) for side in SQLITE_SIDES):
        return False
    with path.open('rb') as file:
        begin = file.read(len(MAGIC))
    if not MAGIC.startswith(begin):
        return False
    if path.stat().st_size < _LEAST_PAGE_BYTES:
        return True
    try:
        uri = path.absolute().as_uri() + '?mode=ro&immutable=1'
        with closing(sqlite3.connect(uri, uri=True)) as database:
            names = {row[0] for row in database.execute('SELECT name FROM sqlite_master')}
    except sqlite3.Error:
        return False
    return names <= _TABLES and 'messages' not in names


def _has_content(path: Path) -> bool:
    return not path.is_symlink() and path.is_file() and path.stat().st_size > 0


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TIME_NS


def _unsafe(database: sqlite3.Connection) -> str:
    """Return why the tables are not those of a bag: views and computed columns are unsafe."""
    for name, columns in (('messages', _MESSAGE_COLUMNS), ('topics', {'id', 'name', 'type'})):
        found = database.execute(
            'SELECT type, rootpage FROM sqlite_master WHERE lower(name) = ?', (name,)
        ).fetchall()
        if len(found) != 1 or found[0][0] != 'table' or not found[0][1]:
            return f'it has no table {name}'
        about = database.execute(f'PRAGMA table_xinfo({name})').fetchall()
        names = {column[1].lower() for column in about}
        if any(column[6] for column in about) or 'rowid' in names or not columns <= names:
            return f'its table {name} is not what rosbag2 creates'
    return ''


def _damage(database: sqlite3.Connection) -> str:
    found = database.execute('PRAGMA quick_check(3)').fetchall()
    report = '; '.join(str(row[0]).replace('\n', ' ') for row in found)
    return '' if report == 'ok' else report


def _content(database: sqlite3.Connection) -> SqliteContent:
    columns = {row[1] for row in database.execute('PRAGMA table_info(topics)')}
    wanted = ['id', 'name', 'type', 'serialization_format']
    wanted += [one for one in ('offered_qos_profiles', 'type_description_hash') if one in columns]
    topics = []
    for row in database.execute(f'SELECT {", ".join(wanted)} FROM topics ORDER BY id'):
        found = dict(zip(wanted, row, strict=True))
        topics.append(
            SqliteTopic(
                int(found['id']),
                str(found['name']),
                str(found['type']),
                str(found['serialization_format']),
                str(found.get('offered_qos_profiles', '')),
                str(found.get('type_description_hash', '')),
            )
        )
    content = SqliteContent(topics=tuple(topics))
    tables = {row[0] for row in database.execute('SELECT name FROM sqlite_master WHERE rootpage')}
    if 'message_definitions' in tables:
        for row in database.execute(
            'SELECT topic_type, encoding, encoded_message_definition, type_description_hash '
            'FROM message_definitions ORDER BY id'
        ):
            content.definitions[str(row[0])] = str(row[1]), str(row[2]), str(row[3])
    if 'metadata' in tables:
        for row in database.execute('SELECT metadata FROM metadata ORDER BY id'):
            content.metadata = str(row[0])
    for topic_id, count, start_ns, end_ns in database.execute(
        'SELECT topic_id, count(*), min(timestamp), max(timestamp) FROM messages NOT INDEXED '
        'GROUP BY topic_id'
    ):
        content.counts[topic_id] = count
        if _is_time(start_ns) and _is_time(end_ns):
            content.start_ns = min(content.start_ns, start_ns)
            content.end_ns = max(content.end_ns, end_ns)
    return content


def _is_message(row: Row) -> bool:
    if len(row.values) != 4:
        return False
    _, topic_id, time_ns, data = row.values
    return isinstance(topic_id, int) and _is_time(time_ns) and isinstance(data, bytes)


def _is_topic(row: Row) -> bool:
    values = row.values
    return (
        4 <= len(values) <= 6
        and all(isinstance(one, str) for one in values[1:])
        and values[1].startswith('/')
        and values[2].count('/') == 2
    )


def _is_definition(row: Row) -> bool:
    values = row.values
    return (
        4 <= len(values) <= 5
        and all(isinstance(one, str) for one in values[1:])
        and values[1].count('/') == 2
    )
