# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""States in a package at which ground resolution its model was trained, and what was measured."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from roof_detector.inference.package.manifest import (
    INT8_FILES,
    MANIFEST,
    SIGNATURE,
    FileRecord,
    Manifest,
    check_metres_per_pixel,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.inference.package.class_facts import ClassFacts
    from roof_detector.inference.package.int8_facts import Int8Facts


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


def with_int8(
    files: Mapping[str, bytes], model: Mapping[str, bytes], facts: Int8Facts
) -> dict[str, bytes]:
    """Return the files of a package with an INT8 model beside its own, and unsigned.

    `model` holds the files of one of the manifest's `INT8_FORMS`, `facts` say what it loses. One
    that the package had before is replaced.
    """
    manifest = Manifest.read(files[MANIFEST])
    records = {name: record for name, record in manifest.files.items() if name not in INT8_FILES}
    for name, content in model.items():
        records[name] = FileRecord(hashlib.sha256(content).hexdigest(), len(content))
    kept = {name: content for name, content in files.items() if name not in INT8_FILES}
    return _with({**kept, **model}, replace(manifest, files=records, int8=facts))


def _with(files: Mapping[str, bytes], manifest: Manifest) -> dict[str, bytes]:
    content = manifest.as_bytes()
    Manifest.read(content)  # nothing is written that cannot be read
    kept = {name: content for name, content in files.items() if name != SIGNATURE}
    return {**kept, MANIFEST: content}
