# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.bags.disk import sync_folder
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_file import McapFile
from roof_detector.bags.records import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.bags.metadata import BagMetadata, TopicRecord


class FileSeries:
    """Open the files of a bag one after the other, each with all topics and the manifest."""

    def __init__(self, folder: Path, metadata: BagMetadata, *, compression: str) -> None:
        self._folder = folder
        self._metadata = metadata
        self._compression = compression
        self._schema_texts: dict[str, str] = {}
        self._count = 0

    def add_topic(self, topic: TopicRecord, *, schema_text: str) -> None:
        """Announce a topic for the files to come."""
        self._metadata.topics[topic.name] = topic
        self._schema_texts[topic.name] = schema_text

    def begin_next(self) -> McapFile:
        """Make the next file durably, and count it among the bag's."""
        path = self._folder / f'{self._folder.name}_{self._count}.mcap'
        self._count += 1
        try:
            file = McapFile(path, compression=self._compression)
            sync_folder(self._folder)
        except OSError as error:
            msg = f'{path} cannot be written ({error.strerror}).'
            raise BagError(msg) from error
        if self._metadata.custom:
            file.add_record(MANIFEST, self._metadata.custom)
        for topic in self._metadata.topics.values():
            file.add_channel(topic, schema_text=self._schema_texts[topic.name])
        self._metadata.files.append(file.record)
        return file
