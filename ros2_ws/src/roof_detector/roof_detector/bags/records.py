# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The metadata records of a bag: what it says about itself besides its messages."""

from __future__ import annotations

from pathlib import Path

from roof_detector.bags.bag_folder import bag_files
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_full_survey import full_survey
from roof_detector.bags.mcap_quick_survey import quick_survey
from roof_detector.bags.mcap_records import FileStore
from roof_detector.bags.metadata import NAME

# The names of the records that we write.
MANIFEST = 'roof_detector'
MARK = 'roof_detector.mark'
PARAMETER_CHANGE = 'roof_detector.parameter_change'
TRIGGER = 'roof_detector.trigger'
RECOVERY = 'roof_detector.recovery'


def metadata_records(path: Path | str) -> list[tuple[str, dict[str, str]]]:
    """Return name and values of every metadata record of a bag, in the order of its files.

    Finished, sound files are quick; others are read completely.
    """
    path = Path(path).expanduser()
    if path.name == NAME:
        path = path.parent
    found = [file.path for file in bag_files(path)] if path.is_dir() else [path]
    files = [file for file in found if file.suffix == '.mcap' and file.stat().st_size]
    return [record for file in files for record in _records_of(file)]


def _records_of(file: Path) -> list[tuple[str, dict[str, str]]]:
    try:
        with file.open('rb') as stream:
            store = FileStore(stream)
            survey = quick_survey(store) or full_survey(store)
            return [(record.name, record.metadata) for _, record in survey.metadata]
    except OSError as error:
        msg = f'The metadata records of {file} cannot be read: {error}.'
        raise BagError(msg) from error
