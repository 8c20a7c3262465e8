# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes several exports of one run; one that fails stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.results.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from roof_detector.results.exporter import Export
    from roof_detector.vision.frame_findings import FrameFindings


class FanOut:
    """Writes every frame to each export; one that fails is left out from then on.

    `write` and `close` raise nothing for a failed export: `errors` reports failures in sentences,
    and `notes` what was left out although nothing failed.
    """

    def __init__(self, exports: Mapping[str, Export], *, errors: tuple[str, ...] = ()) -> None:
        self._active = dict(exports)
        self._errors = [*errors]
        self._notes: list[str] = []
        self._paths: dict[str, tuple[Path, ...]] = {}

    @property
    def errors(self) -> tuple[str, ...]:
        """Return a sentence for each export that failed."""
        return tuple(self._errors)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return sentences about what complete exports had to leave out; filled by `close`."""
        return tuple(self._notes)

    @property
    def paths(self) -> dict[str, tuple[Path, ...]]:
        """Return the finished products by format; filled by `close`."""
        return dict(self._paths)

    def write(
        self,
        findings: FrameFindings,
        image_bgr: npt.NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame to every export that works."""
        for name, export in list(self._active.items()):
            try:
                export.write(findings, image_bgr, encoded)
            except ExportError as error:
                self._drop(name, error)

    def close(self) -> None:
        """Complete every export that works."""
        for name, export in list(self._active.items()):
            try:
                export.close()
            except ExportError as error:
                self._drop(name, error)
            else:
                self._paths[name] = export.paths
                self._notes.extend(export.notes)
        self._active = {}

    def abandon(self) -> None:
        """Stop, and leave all products under their unfinished names."""
        for export in self._active.values():
            export.abandon()
        self._active = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def _drop(self, name: str, error: ExportError) -> None:
        self._active.pop(name).abandon()
        self._errors.append(f'{name} was not exported: {error}')
