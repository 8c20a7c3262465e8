# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The sequence of files of a bag, and how the next one is made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.bags.bag_folder import PART_SUFFIX
from roof_detector.bags.disk import sync_folder
from roof_detector.bags.mcap_file import McapFile
from roof_detector.bags.metadata import NAME, BagFileRecord, stage_metadata
from roof_detector.bags.records import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.bags.bag_format import Compression
    from roof_detector.bags.metadata import BagMetadata, TopicRecord


@dataclass(frozen=True, kw_only=True)
class NextFile:
    """The start of a bag's next file, complete enough that another thread can write it."""

    path: Path
    compression: Compression
    topics: tuple[TopicRecord, ...]
    schema_texts: Mapping[str, str]
    manifest: Mapping[str, str]
    metadata: str  # the text of a metadata.yaml that names it

    def make(self) -> McapFile:
        """Create the file and sync it; raise OSError if that fails.

        The file gets its own name once its start is in it, and metadata.yaml names it right after:
        whenever a kill or a power cut comes, no file is empty, and metadata.yaml names every file
        that holds messages.
        """
        part = self.path.with_name(self.path.name + PART_SUFFIX)
        part.unlink(missing_ok=True)
        file = McapFile(part, name=self.path.name, compression=self.compression)
        try:
            if self.manifest:
                file.add_record(MANIFEST, self.manifest)
                file.manifest = self.manifest
            for topic in self.topics:
                file.add_channel(topic, schema_text=self.schema_texts[topic.name])
            file.flush()
            file.sync()
            staged = stage_metadata(self.path.parent, self.metadata)
            file.path = part.rename(self.path)
            staged.replace(self.path.with_name(NAME))
            sync_folder(self.path.parent)
        except OSError:
            file.discard()
            raise
        return file


class FileSeries:
    """The start of each file of a bag: all topics and the manifest known so far."""

    def __init__(self, folder: Path, metadata: BagMetadata, *, compression: Compression) -> None:
        self._folder = folder
        self._metadata = metadata
        self._compression = compression
        self._schema_texts: dict[str, str] = {}
        self._count = 0

    def add_topic(self, topic: TopicRecord, *, schema_text: str) -> None:
        """Add a topic for the files to come."""
        self._metadata.topics[topic.name] = topic
        self._schema_texts[topic.name] = schema_text

    def announce(self, file: McapFile) -> None:
        """Add the topics and the manifest that came after the file was requested."""
        if file.manifest != self._metadata.custom:
            file.add_record(MANIFEST, self._metadata.custom)
        for topic in self._metadata.topics.values():
            if not file.has_channel(topic.name):
                file.add_channel(topic, schema_text=self._schema_texts[topic.name])

    def next(self) -> NextFile:
        """Return what is needed to make the next file."""
        while os.path.lexists(path := self._path(self._count)):
            self._count += 1
        self._count += 1
        return NextFile(
            path=path,
            compression=self._compression,
            topics=tuple(self._metadata.topics.values()),
            schema_texts=dict(self._schema_texts),
            manifest=dict(self._metadata.custom),
            metadata=self._metadata.text(coming=BagFileRecord(name=path.name)),
        )

    def _path(self, number: int) -> Path:
        return self._folder / f'{self._folder.name}_{number}.mcap'
