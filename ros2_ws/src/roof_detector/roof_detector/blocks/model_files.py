# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The lookup of this package's model YAMLs by bare name, from any working directory."""

from __future__ import annotations

import re
from pathlib import Path

MODEL_FILES = Path(__file__).parent / 'models'
_SCALED = re.compile(r'^(yolo11)[nslmx](?=[-.])')


def find_model_file(name: str | Path) -> Path | None:
    """Return the package's YAML for a bare name, or None if it is not ours.

    The name may carry a scale, as in yolo11n-ContextGuided.yaml. A file of that name in the
    working directory takes precedence, as with the model files of ultralytics.
    """
    path = Path(name)
    if path.name != str(name) or path.exists():
        return None
    own = MODEL_FILES / _SCALED.sub(r'\1', path.name)
    return own if own.is_file() else None


def model_files() -> tuple[Path, ...]:
    """Return all model YAMLs of the package, sorted by name."""
    return tuple(sorted(MODEL_FILES.glob('yolo11-*.yaml')))
