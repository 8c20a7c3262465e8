# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Microsoft VoTT: JSON of a project, assets with regions in pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.dataset.assembly import assemble
from training.dataset.formats.format import Format
from training.dataset.json_file import as_object, documents, sized
from training.dataset.raw_labels import RawImage, RawObject, raw_box_wh, raw_outlines, refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

KIND = 'vott'


def read_vott(
    files: Sequence[Path], root: Path, log: FaultLog, names: tuple[str, ...]
) -> LabelledSet:
    """Read the files."""
    return assemble(KIND, _images(files, log), root, log, names=names)


def _images(files: Sequence[Path], log: FaultLog) -> Iterator[RawImage]:
    for file, document in documents(files, log):
        assets = document.content.get('assets')
        entries = assets.values() if isinstance(assets, dict) else [document.content]
        for number, entry in enumerate(entries):
            asset = entry.get('asset') if isinstance(entry, dict) else None
            if not isinstance(asset, dict):
                log.skip('assets without regions', file, place=f'assets[{number}]')
                continue
            size = as_object(asset.get('size'))
            name = str(asset.get('name') or asset.get('path'))
            image = RawImage(
                file=file, name=name, size_wh=sized(size.get('width'), size.get('height'))
            )
            regions = entry.get('regions') or []
            image.collect(regions, _region, log, place=f'assets[{number}].regions')
            yield image


def _region(region: dict[str, Any]) -> RawObject:
    name = next(iter(region.get('tags') or []), None)
    kind = str(region.get('type') or 'RECTANGLE').upper()
    if kind in {'POINT', 'POLYLINE'}:
        msg = f'{name!r} is a {kind.lower()}, which'
        raise refused(msg)
    if kind == 'POLYGON':
        return raw_outlines(name, [[(p['x'], p['y']) for p in region['points']]])
    box = region['boundingBox']
    return raw_box_wh(name, [box[key] for key in ('left', 'top', 'width', 'height')])


def _is_vott(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    if isinstance(content.get('asset'), dict) and 'regions' in content:
        return True
    assets = content.get('assets')
    first = next(iter(assets.values()), None) if isinstance(assets, dict) else None
    return isinstance(first, dict) and ('asset' in first or 'path' in first)


FORMAT = Format(
    key=KIND,
    title='Microsoft VoTT JSON',
    holds='rectangles, polygons; points and polylines are refused by name',
    read=read_vott,
    json=_is_vott,
    tokens=('"assets"', '"regions"'),
)
