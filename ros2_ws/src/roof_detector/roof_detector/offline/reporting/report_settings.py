# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a person chooses for a report, and what they know that no recording tells."""

from __future__ import annotations

import difflib
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import yaml

from roof_detector.findings.inspection_path import DRAWN_AREA, DRAWN_ZONES, chosen_outlines
from roof_detector.offline.errors import ReplayError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from roof_detector.results.report.branding import Branding

DETAILS_NAME = 'report.yaml'
_LARGEST_FILE = 100_000
_LONGEST_TEXT = 2000
_EMPTY_DETAILS = """\
# What the report says beside the findings. Fill in what you know; reruns never change this file.
roof: ''           # such as 'Depot 4, north hall'
address: ''
customer: ''
number: ''         # of the report
date: ''           # of the flight; by default that of the recordings
aircraft: ''       # by default that of the photos
weather: ''
pilot: ''
reviewer: ''
engineer: ''       # who is responsible for the report
remarks: ''
"""


@dataclass(frozen=True, kw_only=True)
class ReportDetails:
    """Texts of a person about roof, flight and people, as `report.yaml` has them."""

    roof: str = ''
    address: str = ''
    customer: str = ''
    number: str = ''
    date: str = ''
    aircraft: str = ''
    weather: str = ''
    pilot: str = ''
    reviewer: str = ''
    engineer: str = ''
    remarks: str = ''


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """The options of a report; each file is None where it is not given.

    `language` is '' for that of the station's file, and English without one. `images` is where the
    recordings are now. `plan` is a georeferenced orthophoto or floor plan. `area` is the outline
    of what was to be inspected; without it and zones it is all that the flights enclose. Zones and
    area that are not given are those drawn beside the inspection, except for 'none'.
    """

    language: str = ''
    pdf: bool = False
    overwrite: bool = False
    output: Path | None = None
    details: Path | None = None
    severity: Path | None = None
    zones: Path | Literal['none'] | None = None
    area: Path | Literal['none'] | None = None
    plan: Path | None = None
    previous: Path | None = None
    station: Path | None = None
    images: Path | None = None

    def language_of(self, branding: Branding | None) -> str:
        """Return the language of the report."""
        return self.language or (branding.language if branding else '') or 'en'

    def zones_file(self, folder: Path) -> Path | None:
        """Return the file of the zones for the inspection in a folder, None without zones."""
        return chosen_outlines(self.zones, folder / DRAWN_ZONES)

    def area_file(self, folder: Path) -> Path | None:
        """Return the file of the area for the inspection in a folder, None without one."""
        return chosen_outlines(self.area, folder / DRAWN_AREA)

    def drawn_notes(self, folder: Path) -> tuple[str, ...]:
        """Return which files are used that nobody named."""
        used = (
            ('zones', self.zones, self.zones_file(folder)),
            ('area', self.area, self.area_file(folder)),
        )
        return tuple(
            f'It uses {file}, drawn for this inspection; "report --{option} none" does not.'
            for option, named, file in used
            if named is None and file is not None
        )


def read_details(path: Path) -> ReportDetails:
    """Read a report.yaml; raise ReplayError for what is no such file."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            msg = f'{path} has over {_LARGEST_FILE // 1000} kB, too much for a few texts.'
            raise ReplayError(msg)
        content = yaml.safe_load(path.read_text(encoding='utf-8-sig'))
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}); name a file such as {DETAILS_NAME}.'
        raise ReplayError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        msg = f'{path} is not YAML: {" ".join(str(error).split())}. Put texts in quotes.'
        raise ReplayError(msg) from error
    names = [field.name for field in fields(ReportDetails)]
    if content is None:
        return ReportDetails()
    if not isinstance(content, dict):
        msg = f'{path} is no table, expected {", ".join(names)}.'
        raise ReplayError(msg)
    texts = {}
    for name, value in content.items():
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f' Did you mean {near[0]}?' if near else ''
            msg = f'{path} has {str(name)[:60]!r}, expected {", ".join(names)}.{hint}'
            raise ReplayError(msg)
        text = '' if value is None else str(value)
        if isinstance(value, (dict, list)) or len(text) > _LONGEST_TEXT:
            msg = f'{path} has {name} {text[:60]!r}, expected a text in quotes.'
            raise ReplayError(msg)
        texts[name] = text.strip()
    return ReportDetails(**texts)


def details_of(folder: Path, named: Path | None) -> ReportDetails:
    """Return the details of an inspection, empty where there are none yet."""
    own = folder / DETAILS_NAME
    if named is None and not own.is_file():
        return ReportDetails()
    return read_details(named or own)


def leave_details(folder: Path) -> None:
    """Leave a file of details to fill in where there is none yet and the folder can be written."""
    with suppress(OSError), (folder / DETAILS_NAME).open('x', encoding='utf-8') as file:
        file.write(_EMPTY_DETAILS)
