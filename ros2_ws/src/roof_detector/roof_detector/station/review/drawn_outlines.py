# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Zones and area that people draw on the map: GeoJSON files beside the inspection."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import shape

from roof_detector.bags.disk import sync_folder
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_area import POLYGON_KINDS, InspectionArea
from roof_detector.findings.inspection_path import DRAWN_AREA, DRAWN_ZONES
from roof_detector.findings.reviewer import checked_name
from roof_detector.findings.roof_zones import zones_of
from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import ExportError, export_errors
from roof_detector.station.errors import StationError
from roof_detector.station.folders import open_below

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A page sends the whole file back, in a body of at most 1 MiB.
_MOST_BYTES = 800_000
_NO_SHAPE = (ValueError, TypeError, LookupError, AttributeError, shapely.errors.ShapelyError)
_CHANGED, _UNWRITABLE = 409, 507
# Inspections of one folder share its files.
_WRITING = threading.Lock()

Feature = dict[str, Any]


class OutlineKind(str, Enum):
    """What an outline is for."""

    ZONES = 'zones'
    AREA = 'area'

    @property
    def file_name(self) -> str:
        """Return the name of the file that holds them."""
        return DRAWN_ZONES if self is OutlineKind.ZONES else DRAWN_AREA


@dataclass(frozen=True, kw_only=True)
class DrawnOutlines:
    """The outlines of one file as GeoJSON features with polygons.

    `version` differs after every change, '' is that of no file. `refusal` says why a page cannot
    show and change the file. `members` are what else the file holds.
    """

    version: str = ''
    features: list[Feature] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)
    refusal: str = ''

    def row(self) -> dict[str, Any]:
        """Return what a page gets."""
        return {'version': self.version, 'features': self.features, 'refusal': self.refusal}


def outlines_signature(folder: Path) -> tuple[tuple[int, int, int], ...]:
    """Return what differs after every change of the files, for as little as it costs to look."""
    found = []
    for kind in OutlineKind:
        with suppress(OSError):
            one = (folder / kind.file_name).lstat()
            found.append((one.st_ino, one.st_mtime_ns, one.st_size))
    return tuple(found)


def read_outlines(folder: Path, kind: OutlineKind) -> DrawnOutlines:
    """Read the outlines of the inspections in a folder; no symbolic link is followed."""
    name = kind.file_name
    try:
        with open_below(folder, name) as file:
            data = file.read(_MOST_BYTES + 1)
    except StationError:
        if not os.path.lexists(folder / name):
            return DrawnOutlines()
        refusal = f'{name} is no file that this station may read; put a plain file in its place.'
        return DrawnOutlines(version='unreadable', refusal=refusal)
    version = hashlib.sha256(data).hexdigest()[:16]
    try:
        features, members = _parsed(data, kind)
    except FindingsError as error:
        return DrawnOutlines(version=version, refusal=f'{error} Correct it in QGIS.')
    return DrawnOutlines(version=version, features=features, members=members)


def save_outlines(
    folder: Path, kind: OutlineKind, features: Sequence[Feature], *, who: str, based_on: str
) -> DrawnOutlines:
    """Replace the outlines by a person's, if they are based on those that are there.

    What the person changed gets their name and the time, what they did not keeps its own. Without
    any outline there is no file. Raises StationError and writes nothing.
    """
    path = folder / kind.file_name
    try:
        who = checked_name(who)
        with _WRITING:
            before = read_outlines(folder, kind)
            if before.refusal:
                raise StationError(before.refusal)
            if before.version != based_on:
                msg = f'{path.name} was changed by somebody else; look at it, then draw again.'
                raise StationError(msg, status=_CHANGED)
            if kind is OutlineKind.AREA and len(features) > max(1, len(before.features)):
                msg = 'An inspection has one area; change it, or delete it first.'
                raise StationError(msg)
            text = _text(features, before, kind, who)
            with export_errors(path):
                _write(path, text)
            return read_outlines(folder, kind)
    except FindingsError as error:
        raise StationError(str(error)) from error
    except ExportError as error:
        raise StationError(str(error), status=_UNWRITABLE) from error


def _text(features: Sequence[Feature], before: DrawnOutlines, kind: OutlineKind, who: str) -> str:
    """Return the content of the file, '' without outlines; raise FindingsError."""
    if not features:
        return ''
    when = datetime.now(timezone.utc).isoformat(timespec='seconds').replace('+00:00', 'Z')
    drawn = [
        one if one in before.features else _drawn(one, who=who, when=when) for one in features
    ]
    content = {**before.members, 'type': 'FeatureCollection', 'features': drawn}
    try:
        text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + '\n'
        data = text.encode()
    except (ValueError, RecursionError) as error:  # NaN, half a surrogate pair
        msg = f'The outlines are no GeoJSON ({error}).'
        raise FindingsError(msg) from error
    if len(data) > _MOST_BYTES:
        msg = (
            f'The outlines would take {len(data)} bytes, expected at most {_MOST_BYTES}; draw '
            'them with fewer corners.'
        )
        raise FindingsError(msg)
    _parsed(data, kind)
    return text


def _drawn(feature: Feature, *, who: str, when: str) -> Feature:
    """Return an outline with who drew it and when; raise FindingsError for one that crosses."""
    properties = feature.get('properties')
    properties = properties if isinstance(properties, dict) else {}
    name = str(properties.get('name') or '').strip()
    try:
        geometry = shape(feature.get('geometry'))
        is_drawn = geometry.geom_type in POLYGON_KINDS and geometry.area > 0
        reason = '' if geometry.is_valid else shapely.is_valid_reason(geometry)
    except _NO_SHAPE as error:
        is_drawn, reason = False, str(error)
    if reason or not is_drawn:
        msg = (
            f'The outline of {name[:80]!r} crosses itself or encloses no area'
            f'{f" ({reason})" if reason else ""}; draw it so that no two of its sides cross.'
        )
        raise FindingsError(msg)
    return {**feature, 'properties': {**properties, 'name': name, 'who': who, 'when': when}}


def _parsed(data: bytes, kind: OutlineKind) -> tuple[list[Feature], dict[str, Any]]:
    """Return the features of a file that the readers of the report take, and its other members.

    Raises FindingsError.
    """
    name = kind.file_name
    if len(data) > _MOST_BYTES:
        msg = f'{name} has over {_MOST_BYTES // 1000} kB, too much to draw in.'
        raise FindingsError(msg)
    try:
        text = data.decode('utf-8-sig')
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f'{name} is no GeoJSON ({error}).'
        raise FindingsError(msg) from error
    if kind is OutlineKind.ZONES:
        zones_of(content, name)
    else:
        InspectionArea.of_text(text, name)
    features = content.pop('features', None)
    if not isinstance(features, list):
        if content.get('type') != 'Feature':
            content = {'type': 'Feature', 'properties': {}, 'geometry': content}
        features, content = [content], {}
    for one in features:
        geometry = one.get('geometry') if isinstance(one, dict) else None
        found = geometry.get('type') if isinstance(geometry, dict) else None
        if found not in POLYGON_KINDS:
            msg = f'{name} holds {found!r}, expected polygons alone.'
            raise FindingsError(msg)
    return features, content


def _write(path: Path, text: str) -> None:
    if not text:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
        return
    output = AtomicOutput(path, overwrite=True)
    try:
        output.part.write_text(text, encoding='utf-8')
        output.finish()
    except BaseException:
        output.discard()
        raise
