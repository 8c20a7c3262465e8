# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The settings of a detection over recorded inputs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.offline.errors import ReplayError
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.inference.detector import Detector
    from roof_detector.inference.options import BackendName, Task
    from roof_detector.vision.tiles import Tiling


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """The facts of a model that its results need for the manifest and for rethresholding.

    `coarsest_m` is, for each class that its package states it of, the coarsest ground resolution
    of the network's input at which the class is found. `unproven` are the classes without a
    figure on photographs, of a package that states some of others. `precision` is what the network
    was computed with, int8 for the INT8 model of a package; empty in results of before.
    """

    model: str
    model_sha256: str
    names: tuple[str, ...]
    task: Task
    backend: BackendName
    device: str
    image_size: tuple[int, int]
    stride: int
    fixed_size: bool
    coarsest_m: Mapping[str, float] = field(default_factory=dict)
    unproven: tuple[str, ...] = ()
    precision: str = ''

    @classmethod
    def of(cls, detector: Detector) -> NetworkFacts:
        """Return the facts of a detector."""
        return cls(
            model=detector.model_path.name,
            model_sha256=detector.model_hash,
            names=detector.names,
            task=detector.task,
            backend=detector.backend,
            device=detector.device,
            image_size=detector.image_size,
            stride=detector.stride,
            fixed_size=detector.fixed_size,
            coarsest_m=detector.coarsest_m,
            unproven=detector.unproven,
            precision=detector.precision,
        )

    @classmethod
    def read(cls, text: str) -> NetworkFacts:
        """Read the text of `to_text`."""
        values: dict[str, Any] = json.loads(text)
        values['names'] = tuple(values['names'])
        values['image_size'] = tuple(values['image_size'])
        values['unproven'] = tuple(values.get('unproven', ()))
        return cls(**values)

    def to_text(self) -> str:
        """Return the facts as JSON."""
        values = asdict(self)
        for name in ('coarsest_m', 'unproven', 'precision'):  # results of before have none
            if not values[name]:
                del values[name]
        return json.dumps(values)


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """What is kept, and as which files.

    `formats` None stands for the default ones, with georeferenced positions where the input has
    them. `keep_candidates` is the minimum confidence of the candidates to keep, None for none.
    `copy_topics` None stands for the topics that georeference an image.
    """

    formats: tuple[str, ...] | None = None
    annotated: bool = False
    jpeg_quality: int = 85
    keep_candidates: float | None = None
    image_topics: tuple[str, ...] = ()
    copy_topics: tuple[str, ...] | None = None
    georeferencing: GeoreferenceSettings = field(default_factory=GeoreferenceSettings)

    def __post_init__(self) -> None:
        if self.keep_candidates is not None and not 0.0 <= self.keep_candidates <= 1.0:
            msg = f'keep_candidates is {self.keep_candidates}, expected a confidence from 0 to 1.'
            raise ReplayError(msg)
        if not 1 <= self.jpeg_quality <= 100:
            msg = f'jpeg_quality is {self.jpeg_quality}, expected a whole number from 1 to 100.'
            raise ReplayError(msg)


@dataclass(frozen=True)
class DetectSettings:
    """The thresholds of a detection, and what is kept.

    With `tiling`, inference runs on all tiles of every frame, however long that takes.
    `metres_per_pixel`, lowest and highest, replaces what the model states for orthophotos.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    output: OutputSettings = field(default_factory=OutputSettings)
    tiling: Tiling | None = None
    metres_per_pixel: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        floor = self.output.keep_candidates
        if floor is not None and self.tiling is not None:
            msg = (
                'Candidates of tiles cannot be kept: they would have to be merged across seams '
                'again with every threshold. Leave out --keep-candidates or --tiles.'
            )
            raise ReplayError(msg)
        lowest = lowest_confidence(self.thresholds)
        if floor is not None and floor > lowest:
            msg = (
                f'Candidates would be kept down to {floor:g} only, but detections count from '
                f'{lowest:g}. Keep candidates down to {lowest:g} or lower.'
            )
            raise ReplayError(msg)


def lowest_confidence(thresholds: Thresholds) -> float:
    """Return the lowest minimum confidence of any class."""
    return min([thresholds.confidence, *(value for _, value in thresholds.class_confidence)])


def parameters_text(settings: DetectSettings) -> str:
    """Return thresholds and tiles as JSON, under the names of the node's parameters."""
    thresholds, tiling = settings.thresholds, settings.tiling
    values = asdict(thresholds)
    values['class_confidence'] = [f'{n}:{v:g}' for n, v in thresholds.class_confidence]
    if tiling is not None:
        values |= {'tile_size': tiling.size, 'tile_overlap': tiling.overlap}
        if tiling.only_reduced:
            values['auto_tiles'] = True
    return json.dumps(values)
