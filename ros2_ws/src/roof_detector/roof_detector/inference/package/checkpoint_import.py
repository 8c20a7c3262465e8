# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The import of a checkpoint into the files of its package, by a confined process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
from roof_detector.inference.importing.tensor_file import read_tensors
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.package.building import LICENCE, build_package
from roof_detector.inference.package.golden import stored_inputs


def import_package(
    path: Path, *, trust: bool = False, name: str, licence: str | None = None
) -> dict[str, bytes]:
    """Return the files of a checkpoint's package by name; raise InferenceError.

    The rebuilt network must give the outputs of the checkpoint's own in its process.
    """
    digest = hash_model(path)
    with tempfile.TemporaryDirectory(prefix='roof_detector_') as folder:
        imported = import_checkpoint(
            path, folder=Path(folder), trust=trust, images=stored_inputs()
        )
        tensors = read_tensors(imported.tensors)
    facts = imported.facts
    return build_package(
        imported.architecture,
        tensors,
        name=name,
        class_names=facts.names,
        image_size_wh=facts.image_size,
        licence=licence or LICENCE,
        source={'name': path.name, 'sha256': digest},
        training=facts.values,
        answers=imported.answers,
    )
