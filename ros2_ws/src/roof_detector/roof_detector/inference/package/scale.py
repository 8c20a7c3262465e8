# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""States in a package at which ground resolution its model was trained, and what was measured."""

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

    from roof_detector.inference.package.class_facts import ClassFacts


def with_metres_per_pixel(
    files: Mapping[str, bytes], metres_per_pixel: Sequence[float]
) -> dict[str, bytes]:
    """Return the files of a package with another scale in its manifest, and without a signature.

    `metres_per_pixel` are the lowest and the highest. Raises BadModel for impossible ones.
    """
    scale = check_metres_per_pixel(tuple(metres_per_pixel))
    return _with(files, replace(Manifest.read(files[MANIFEST]), metres_per_pixel=scale))


def with_class_facts(
    files: Mapping[str, bytes], classes: Mapping[str, ClassFacts]
) -> dict[str, bytes]:
    """Return the files of a package with other measured facts of its classes, and unsigned.

    Raises BadModel for classes that the model lacks and for impossible facts.
    """
    return _with(files, replace(Manifest.read(files[MANIFEST]), classes=dict(classes)))


def _with(files: Mapping[str, bytes], manifest: Manifest) -> dict[str, bytes]:
    content = manifest.as_bytes()
    Manifest.read(content)  # nothing is written that cannot be read
    kept = {name: content for name, content in files.items() if name != SIGNATURE}
    return {**kept, MANIFEST: content}
