# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A copy of the file of an inspection, to read while others write, and to hand on."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.geopackage import store_errors
from roof_detector.findings.inspection_path import STORE_NAME
from roof_detector.findings.inspection_store import InspectionStore

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 5.0


@contextmanager
def snapshot(path: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield a copy of a store to read, and the bytes of one to hand on.

    The bytes are the same for the same content. The copy is brought to the newest schema.

    The store is only read: another program may have it open. Raises FindingsError for one that is
    damaged, locked, of a newer schema or none at all.
    """
    with TemporaryDirectory(prefix='roof_detector_') as folder:
        copy = Path(folder) / STORE_NAME
        try:
            with (
                store_errors(path),
                closing(
                    sqlite3.connect(
                        f'{path.resolve().as_uri()}?mode=ro', uri=True, timeout=PATIENCE_S
                    )
                ) as store,
            ):
                # Of a file that was cut, a copy would say that it cannot be opened.
                store.execute('PRAGMA quick_check(1)').fetchone()
                store.execute('VACUUM INTO ?', (str(copy),))
                tables = store.execute('SELECT count(*) FROM sqlite_master').fetchone()
            if tables == (0,):
                msg = f'{path} is empty, not an inspection; restore it from a copy.'
                raise FindingsError(msg)
            content = copy.read_bytes()
            InspectionStore(copy).close()  # checks and migrates it
        except FindingsError as error:
            raise FindingsError(str(error).replace(str(copy), str(path))) from error
        yield copy, content
