# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""States in a package at which ground resolution its model was trained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from roof_detector.inference.package.manifest import (
    MANIFEST,
    SIGNATURE,
    Manifest,
    check_metres_per_pixel,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def with_metres_per_pixel(
    files: Mapping[str, bytes], metres_per_pixel: Sequence[float]
) -> dict[str, bytes]:
    """Return the files of a package with another scale in its manifest, and without a signature.

    `metres_per_pixel` are the lowest and the highest. Raises BadModel for impossible ones.
    """
    manifest = replace(
        Manifest.read(files[MANIFEST]),
        metres_per_pixel=check_metres_per_pixel(tuple(metres_per_pixel)),
    )
    kept = {name: content for name, content in files.items() if name != SIGNATURE}
    return {**kept, MANIFEST: manifest.as_bytes()}
