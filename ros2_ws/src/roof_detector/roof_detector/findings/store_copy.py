# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Copies the file of an inspection that comes from a stranger: its rows, and nothing else.

`python -m roof_detector.findings.store_copy FROM TO` does it in a process that may use little
memory and time, and prints one JSON line with the counts.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.geopackage import reading
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.store_layers import LAYERS
from roof_detector.findings.store_reader import StoreReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.findings.geopackage import Layer

_MOST_ROWS = {'findings': 50_000, 'sightings': 2_000_000, 'frames': 500_000, 'decisions': 200_000}
_OTHER_ROWS = 200_000
_LONGEST_TEXT, _LONGEST_GEOMETRY = 100_000, 1 << 20
_WITHIN_S = 60
_MEMORY_BYTES = 1 << 31
_NUMBERS = (int, float, type(None))


def copy_store(source: Path, target: Path) -> dict[str, int]:
    """Write the rows of a store into a new one and return the count of each layer.

    The copy has the tables, triggers and views of this program alone. Raises FindingsError where
    the source is no inspection, or a row has values of another kind than its column.
    """
    counts: dict[str, int] = {}
    with reading(source, within_s=_WITHIN_S) as connection:
        reader = StoreReader(source, connection)
        reader.checked_schema()
        with InspectionStore(target) as store, store.rewriting() as written:
            for layer in LAYERS:
                counts[layer.name] = 0
                for values, geometry in _rows(reader, layer):
                    layer.insert(written, values, geometry)
                    counts[layer.name] += 1
    with InspectionStore(target) as store:
        store.provenance()
        counts['shown'] = len(store.decided().findings)
    return counts


def _rows(reader: StoreReader, layer: Layer) -> Iterator[tuple[list[Any], bytes | None]]:
    """Yield the values of a layer's rows and their geometry; a column that is missing is empty."""
    known = {row[1] for row in reader.rows(f'PRAGMA table_info("{layer.name}")')}
    wanted = [name for name, _ in layer.columns]
    if not known:
        return  # a layer that a later version added
    listed = ', '.join(f'"{name}"' for name in wanted if name in known)
    shape = ', geom' if layer.geometry and 'geom' in known else ''
    most = _MOST_ROWS.get(layer.name, _OTHER_ROWS)
    for index, row in enumerate(
        reader.stream(f'SELECT {listed}{shape} FROM "{layer.name}" ORDER BY fid')
    ):
        if index >= most:
            msg = f'{reader.path} has more than {most} rows in {layer.name}; it is refused.'
            raise FindingsError(msg)
        geometry = row[-1] if shape else None
        given = dict(zip((name for name in wanted if name in known), row, strict=False))
        values = [
            _checked(reader.path, layer, name, kind, given.get(name, _empty(kind)))
            for name, kind in layer.columns
        ]
        if geometry is not None and not (
            isinstance(geometry, bytes)
            and geometry[:2] == b'GP'
            and len(geometry) <= _LONGEST_GEOMETRY
        ):
            msg = f'{reader.path} has a geometry in {layer.name} that is none; it is refused.'
            raise FindingsError(msg)
        yield values, geometry


def _empty(kind: str) -> str | None:
    return '' if kind.startswith('TEXT NOT NULL') else None


def _checked(path: Path, layer: Layer, name: str, kind: str, value: Any) -> Any:
    """Return a value if it is what the column is for."""
    is_text = kind.startswith('TEXT')
    fits = (
        (value is None or (isinstance(value, str) and len(value) <= _LONGEST_TEXT))
        if is_text
        else isinstance(value, _NUMBERS)
    )
    if not fits or (value is None and 'NOT NULL' in kind):
        msg = (
            f'{path} has {str(value)[:60]!r} in column {name} of {layer.name}, which is not '
            f'{"text" if is_text else "a number"}; it is refused.'
        )
        raise FindingsError(msg)
    return value


def main(arguments: Sequence[str]) -> int:
    """Copy a store within limits of memory and time; return the exit code."""
    source, target = map(Path, arguments)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_WITHIN_S, _WITHIN_S + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        counts = copy_store(source, target)
    except FindingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the reason, for who started it
        return 1
    print(json.dumps(counts))  # noqa: T201 - the answer
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
