# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a bag says about itself beside its messages: MCAP's metadata records."""

from __future__ import annotations

from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader

from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_index import McapIndex
from roof_detector.bags.mcap_scan import is_complete
from roof_detector.bags.metadata import NAME, file_number

# The names of the records that we write.
MANIFEST = 'roof_detector'
MARK = 'roof_detector.mark'
PARAMETER_CHANGE = 'roof_detector.parameter_change'
TRIGGER = 'roof_detector.trigger'


def metadata_records(path: Path | str) -> list[tuple[str, dict[str, str]]]:
    """Return name and values of every metadata record of a bag, in the order of its files.

    Quick for files that are finished; others are read from their beginning to their cut.
    """
    path = Path(path).expanduser()
    if path.name == NAME:
        path = path.parent
    found = sorted(path.glob('*.mcap'), key=file_number) if path.is_dir() else [path]
    files = [file for file in found if file.suffix == '.mcap' and file.stat().st_size]
    return [record for file in files for record in _records_of(file)]


def _records_of(file: Path) -> list[tuple[str, dict[str, str]]]:
    try:
        if not is_complete(file):
            return [(record.name, record.metadata) for record in McapIndex.of(file).metadata]
        with file.open('rb') as stream:
            records = make_reader(stream).iter_metadata()
            return [(record.name, record.metadata) for record in records]
    except (OSError, McapError) as error:
        msg = f'What {file} says about itself cannot be read: {error}.'
        raise BagError(msg) from error
