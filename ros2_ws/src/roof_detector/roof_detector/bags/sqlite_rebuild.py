# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The writing of a sound SQLite file from all that was found in a damaged one."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from roof_detector.bags.mcap_survey import UNKNOWN_TYPE
from roof_detector.bags.message_sum import MessageSum
from roof_detector.bags.sqlite_file import SqliteFile, SqliteTopic

if TYPE_CHECKING:
    from pathlib import Path

# The tables that rosbag2 creates since Iron (version 4 of its SQLite storage).
_TABLES = """
CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
CREATE TABLE metadata(
  id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
CREATE TABLE topics(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
  serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL,
  type_description_hash TEXT NOT NULL);
CREATE TABLE message_definitions(
  id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
  encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
CREATE TABLE messages(
  id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE INDEX timestamp_idx ON messages (timestamp ASC);
INSERT INTO schema(schema_version, ros_distro) VALUES (4, '');
"""


def rebuild_sqlite(source: SqliteFile, target: Path) -> MessageSum:
    """Write a new file with everything that a file holds; return the sum of its messages.

    A file that SQLite could complete stays as SQLite made it.
    """
    if not source.content.problem:
        shutil.copyfile(source.path, target)
        return sqlite_sum(source)
    content = source.content
    topics = {topic.id: topic for topic in content.topics}
    for topic_id in content.counts:
        if topic_id not in topics:
            name = f'/recovered/topic_{topic_id}'
            topics[topic_id] = SqliteTopic(topic_id, name, UNKNOWN_TYPE)
    found = MessageSum()
    with closing(sqlite3.connect(target)) as database:
        database.executescript(_TABLES)
        database.executemany('INSERT INTO topics VALUES (?, ?, ?, ?, ?, ?)', topics.values())
        database.executemany(
            'INSERT INTO message_definitions(topic_type, encoding, encoded_message_definition, '
            'type_description_hash) VALUES (?, ?, ?, ?)',
            ((name, *values) for name, values in content.definitions.items()),
        )
        if content.metadata:
            database.execute(
                'INSERT INTO metadata(metadata_version, metadata) VALUES (9, ?)',
                (content.metadata,),
            )
        for message in source.messages():
            database.execute('INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)', message)
            found.add(topics[message.topic_id].name, message.time_ns, message.data)
        database.commit()
    return found


def sqlite_sum(source: SqliteFile) -> MessageSum:
    """Return the sum of a file's messages; reads all of them."""
    names = {topic.id: topic.name for topic in source.content.topics}
    found = MessageSum()
    for message in source.messages():
        name = names.get(message.topic_id, f'/recovered/topic_{message.topic_id}')
        found.add(name, message.time_ns, message.data)
    return found
