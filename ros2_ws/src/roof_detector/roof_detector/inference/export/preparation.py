# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The preparation of exports for this machine, and its results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.inference.backend_choice import export_precision, key_of, why_not_here
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import available_cores, resolve_device
from roof_detector.inference.export.thread_choice import thread_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.export.export_cache import CacheEntry, ExportCache, ExportKey
    from roof_detector.inference.options import (
        BackendName,
        CachedBackend,
        Precision,
        PrecisionOption,
    )
    from roof_detector.inference.pass_cost import PassCost


@dataclass(frozen=True, kw_only=True)
class PreparedBackend:
    """The result for one backend: its time, or why it cannot be used; torch has no `entry`.

    `threads` is the best number of threads, 0 if that is left to the runtime; `cost` is None
    where it was not timed.
    """

    backend: BackendName
    problem: str = ''
    entry: CacheEntry | None = None
    forward_ms: float = 0.0
    threads: int = 0
    cost: PassCost | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Preparation:
    """What is prepared, where, on which frames it is checked and how it is timed.

    `frames` are images (height, width, 3) uint8 BGR as the camera will send them; `image_size`
    None stands for the model's own, `threads` None for those that prove best.
    """

    model_path: Path
    cache: ExportCache
    frames: Sequence[npt.NDArray[np.uint8]]
    device: str = 'auto'
    precision: PrecisionOption = 'auto'
    image_size: tuple[int, int] | None = None
    threads: int | None = None
    trust_model: bool = False

    def key(self, backend: CachedBackend) -> ExportKey:
        """Return the key of the export for a backend."""
        return key_of(
            self.model_path, backend, precision=self._export_precision, device=self._resolved
        )

    def why_not(self, backend: CachedBackend) -> str:
        """Return why an export for a backend could not run here; empty if it can."""
        return why_not_here(backend, self._resolved, self._export_precision)

    def threads_tried(self) -> tuple[int, ...]:
        """Return the numbers of threads with which an export is timed; 0 is the runtime's own."""
        if self.threads is not None:
            return (self.threads,)
        return thread_numbers(available_cores()) if self._resolved == 'cpu' else (0,)

    def open(
        self, backend: BackendName, *, path: Path | None = None, threads: int = 0
    ) -> Detector:
        """Open the checkpoint, or an export of it."""
        return Detector.open(
            path or self.model_path,
            device=self._resolved,
            backend=backend,
            image_size=self.image_size,
            precision=self.precision,
            trust_model=self.trust_model or path is not None,
            threads=threads or self.threads,
            calibrate=False,  # an export has none: the networks themselves are compared
        )

    @property
    def _resolved(self) -> str:
        """Return cpu or cuda:N."""
        return resolve_device(self.device)

    @property
    def _export_precision(self) -> Precision:
        return export_precision(self.precision, self._resolved)
