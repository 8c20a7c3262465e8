# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The models that are shipped with the package."""

from __future__ import annotations

from pathlib import Path

SHIPPED_WEIGHTS = Path(__file__).resolve().parents[1] / 'weights'


def shipped_models() -> tuple[str, ...]:
    """Return the names of the shipped models."""
    return tuple(sorted(path.stem for path in SHIPPED_WEIGHTS.glob('*.zip')))


def resolve_model(text: str) -> Path:
    """Return the package of a shipped model's name, or the given path."""
    if text in shipped_models():
        return SHIPPED_WEIGHTS / f'{text}.zip'
    return Path(text).expanduser()
