# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The provenance of an export: its source, precision, licence and versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

METADATA_KEY = 'roof_detector'


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How an export was made.

    `source_sha256` is that of the checkpoint's file; `precision` that of the weights, f32, f16 or
    int8; `versions` are pairs of package and version, of all that took part.
    """

    source: str
    source_sha256: str
    precision: str
    licence: str
    versions: tuple[tuple[str, str], ...]

    def as_metadata(self) -> dict[str, Any]:
        """Return plain values, which text, YAML and JSON can hold."""
        return {**asdict(self), 'versions': dict(self.versions)}

    @classmethod
    def read(cls, metadata: Mapping[str, Any]) -> Provenance | None:
        """Read an export's metadata; return None if another program made it."""
        values = metadata.get(METADATA_KEY)
        names = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or not names <= set(values):
            return None
        versions = values['versions']
        pairs = versions.items() if isinstance(versions, Mapping) else ()
        texts = {name: str(values[name]) for name in names - {'versions'}}
        return cls(**texts, versions=tuple((str(name), str(value)) for name, value in pairs))
