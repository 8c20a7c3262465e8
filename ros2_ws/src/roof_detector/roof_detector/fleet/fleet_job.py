# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What all pieces of a fleet's run have in common: store, model and settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from roof_detector.bags.provenance import software_versions
from roof_detector.fleet.errors import FleetError
from roof_detector.offline.journal import FORMAT as JOURNAL_FORMAT

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.inference.detector import Detector
    from roof_detector.inference.options import BackendName
    from roof_detector.offline.settings import DetectSettings, NetworkFacts

PIECE_FRAMES = 300


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """The model of a run and what runs it, as a worker opens it on its own computer."""

    model: str
    device: str = 'auto'
    backend: BackendName | Literal['auto'] = 'auto'
    image_size: int | None = None
    trust_model: bool = False
    model_key: str | None = None
    threads: int | None = None
    calibrate: bool = True
    int8: bool = False

    def open(self) -> Detector:
        """Open the detector; raise InferenceError."""
        from roof_detector.inference.detector import Detector  # noqa: PLC0415
        from roof_detector.inference.export.export_cache import ExportCache  # noqa: PLC0415
        from roof_detector.inference.shipped_weights import resolve_model  # noqa: PLC0415

        return Detector.open(
            resolve_model(self.model),
            device=self.device,
            backend=self.backend,
            cache=ExportCache.usual(),
            image_size=self.image_size,
            trust_model=self.trust_model,
            model_key=self.model_key,
            threads=self.threads,
            calibrate=self.calibrate,
            int8=self.int8,
        )


@dataclass(frozen=True, kw_only=True)
class FleetJob:
    """The store, the model and the settings of a run; `scratch` is a folder of each computer.

    `piece_frames` is how many frames one task infers. `curves` is the file with the detection
    curves of the model, those of the shipped one by default.
    """

    store: str
    model: ModelChoice
    scratch: Path
    settings: DetectSettings
    piece_frames: int = PIECE_FRAMES
    curves: Path | None = None

    def __post_init__(self) -> None:
        if self.piece_frames < 1:
            msg = f'A piece has {self.piece_frames} frames, expected 1 or more.'
            raise FleetError(msg)

    def made_from(self, network: NetworkFacts) -> dict[str, Any]:
        """Return what results follow from, beside the input: model, settings and software."""
        values: dict[str, Any] = json.loads(network.to_text())
        return {
            'journal': JOURNAL_FORMAT,
            'network': values,
            'settings': json.loads(json.dumps(asdict(self.settings), default=str)),
            'curves': None if self.curves is None else _file_hash(self.curves),
            'software': software_versions(),
        }


def key_of(*values: Any) -> str:
    """Return a key that is the same for the same values: 64 hexadecimal digits."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
