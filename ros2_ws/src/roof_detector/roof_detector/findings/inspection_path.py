# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the files of inspections lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

STORE_NAME = 'inspection.gpkg'
# What people draw on the page of the review; every run keeps it.
DRAWN_ZONES, DRAWN_AREA = 'zones.geojson', 'area.geojson'
_NAME = re.compile(r'inspection(_[0-9]{1,6})?\.gpkg')


def numbered_path(folder: Path, number: int) -> Path:
    """Return the path of the first inspection in a folder, the second, and so on."""
    first = folder / STORE_NAME
    return first if number == 1 else first.with_stem(f'{first.stem}_{number}')


def inspections_in(folder: Path) -> list[Path]:
    """Return the files of the inspections that lie in a folder itself, in their order.

    An inspector that flies leaves one a flight, and one more where its first fixes were wrong.
    """
    found = [path for path in folder.glob('*.gpkg') if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: (len(path.name), path.name))


def chosen_outlines(named: Path | Literal['none'] | None, drawn: Path) -> Path | None:
    """Return the file that a person named, else the drawn one; None for "none" or without both."""
    if named is None:
        return drawn if drawn.is_file() else None
    return None if named == 'none' else named


def inspection_path(path: Path) -> Path:
    """Return the file of the inspection that is named by its folder or by itself.

    Raises FindingsError where there is none, or where the folder has several.
    """
    if path.is_file():
        return path
    found = inspections_in(path) if path.is_dir() else []
    if len(found) > 1:
        names = ', '.join(one.name for one in found)
        msg = f'{path} holds {len(found)} inspections ({names}); name one of these files.'
        raise FindingsError(msg)
    if not found:
        missing = path / STORE_NAME if path.is_dir() else path
        msg = f'{missing} does not exist; name the folder of an inspection or its {STORE_NAME}.'
        raise FindingsError(msg)
    return found[0]
