# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A model that finds things in pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from roof_detector.inference.backend_choice import CACHED_BACKENDS, BackendChoice, choose_backend
from roof_detector.inference.backends.backend import Backend, Outputs
from roof_detector.inference.errors import BadModel
from roof_detector.inference.exports.export_cache import ExportCache
from roof_detector.inference.model_file import backend_for, hash_model, open_backend
from roof_detector.inference.provenance import Provenance
from roof_detector.inference.stage_times import StageTimes
from roof_detector.vision.candidates import Candidates, find_candidates
from roof_detector.vision.detections import Detections
from roof_detector.vision.letterbox import Letterbox, letterbox
from roof_detector.vision.suppression import select
from roof_detector.vision.thresholds import ResolvedThresholds, Thresholds

WARM_UP_PASSES = 3  # torch and OpenVINO settle their memory plans in the first two


@dataclass(frozen=True, eq=False)
class Prepared:
    """Hold a picture fitted to the network: `canvas_bgr` (height, width, 3) uint8."""

    canvas_bgr: npt.NDArray[np.uint8]
    geometry: Letterbox
    letterbox_s: float


@dataclass(frozen=True, eq=False)
class Forwarded:
    """Hold the network's raw answer for one prepared picture."""

    outputs: Outputs
    geometry: Letterbox
    letterbox_s: float
    forward_s: float


class Detector:
    """Find things in pictures with one model on one device.

    One thread owns a detector's `forward`, `detect`, `warm_up` and `close`: runtimes hang or mix
    up frames when two threads run one model. `prepare` and `finish` touch no model and may run in
    other threads, so that the next picture is fitted while the network is busy with this one.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        model_path: Path,
        image_size: tuple[int, int],
        choice: BackendChoice,
    ) -> None:
        self._backend = backend
        self.choice = choice
        self._resolved: tuple[Thresholds, ResolvedThresholds] | None = None
        self.model_path = model_path
        self.model_hash = hash_model(model_path)
        self.image_size = image_size
        self.times = StageTimes()

    @classmethod
    def open(
        cls,
        model_path: str | Path,
        *,
        device: str = 'auto',
        backend: str = 'auto',
        image_size: int | tuple[int, int] | None = None,
        precision: str = 'auto',
        trust_model: bool = False,
        threads: int | None = None,
        cache: ExportCache | None = None,
    ) -> Detector:
        """Open an ultralytics .pt, an .onnx, an OpenVINO folder, a .torchscript or an .engine.

        `device`: auto, cpu, cuda or cuda:0. `image_size`: side of the network's input, or its
        width and height, by default the model's own. `precision`: f32, f16 or bf16, by
        default f16 on CUDA and f32 elsewhere. `trust_model` lets a file run any code;
        .torchscript and .engine need it. With a `cache`, exports of a .pt that it holds may run
        in its place: `choice` says which does and why. Raises `InferenceError`.
        """
        path = Path(model_path).expanduser()
        choice = BackendChoice(
            backend_for(path), 'it is what the file is made for, no export is looked for'
        )
        if (
            cache is not None
            and choice.backend == 'torch'
            and backend in ('auto', *CACHED_BACKENDS)
        ):
            choice = choose_backend(
                path, wish=backend, device=device, precision=precision, cache=cache
            )
        opened = open_backend(
            choice.export or path,
            backend=choice.backend if choice.export else backend,
            device=device,
            precision=precision,
            # What the cache holds was made of this very file, by this package.
            trust_model=trust_model or choice.export is not None,
            threads=threads,
        )
        size = _choose_image_size(image_size, opened, path)
        return cls(opened, model_path=path, image_size=size, choice=choice)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the class names in order of class id."""
        return self._backend.facts.names

    @property
    def task(self) -> str:
        """Return detect or segment."""
        return self._backend.facts.task

    @property
    def stride(self) -> int:
        """Return the multiple of pixels that the input's sides must be."""
        return self._backend.facts.stride

    @property
    def provenance(self) -> Provenance | None:
        """Return where an export of ours comes from; None for other files."""
        return self._backend.facts.provenance

    @property
    def device(self) -> str:
        """Return where the network runs."""
        return self._backend.device

    @property
    def backend(self) -> str:
        """Return the runtime's name."""
        return self._backend.name

    @property
    def precision(self) -> str:
        """Return what the network is computed with: f32, f16 or bf16."""
        return self._backend.precision

    def warm_up(self, source_wh: tuple[int, int] = (1280, 720)) -> None:
        """Run the network on a grey picture, so that the first frame takes no longer than others.

        Runtimes plan memory per input shape: give the size of the pictures that will come.
        """
        width, height = source_wh
        image_bgr = np.full((height, width, 3), 114, dtype=np.uint8)
        for _ in range(WARM_UP_PASSES):
            self.detect(image_bgr, Thresholds())
        self.times = StageTimes()

    def detect(
        self,
        image_bgr: npt.NDArray[np.uint8],
        thresholds: Thresholds,
        *,
        source_wh: tuple[int, int] | None = None,
    ) -> Detections:
        """Find things in a picture (height, width, 3) uint8 BGR, by falling score.

        Give `source_wh` when the picture is a reduced decoding of a larger one: boxes and masks
        are in pixels of the larger one.
        """
        (forwarded,) = self.forward(self.prepare(image_bgr, source_wh=source_wh))
        started_s = perf_counter()
        detections = self.finish(forwarded, thresholds)
        self.times = StageTimes(
            letterbox_s=forwarded.letterbox_s,
            forward_s=forwarded.forward_s,
            suppression_s=perf_counter() - started_s,
        )
        return detections

    def prepare(
        self, image_bgr: npt.NDArray[np.uint8], *, source_wh: tuple[int, int] | None = None
    ) -> Prepared:
        """Fit a picture to the network's input."""
        started_s = perf_counter()
        geometry = self._fit(source_wh or (image_bgr.shape[1], image_bgr.shape[0]))
        canvas_bgr = letterbox(image_bgr, geometry)
        return Prepared(canvas_bgr, geometry, perf_counter() - started_s)

    def needed_wh(self, source_wh: tuple[int, int]) -> tuple[int, int]:
        """Return the size at which the network sees a picture: more pixels are of no use to it."""
        return self._fit(source_wh).resized_wh

    def forward(self, *prepared: Prepared) -> tuple[Forwarded, ...]:
        """Run the network on pictures of one input size, as a batch where it takes one."""
        canvases_bgr = np.stack([one.canvas_bgr for one in prepared])
        started_s = perf_counter()
        predictions, prototypes = self._backend.forward(canvases_bgr)
        forward_s = (perf_counter() - started_s) / len(prepared)
        return tuple(
            Forwarded(
                Outputs(predictions[i], None if prototypes is None else prototypes[i]),
                one.geometry,
                one.letterbox_s,
                forward_s,
            )
            for i, one in enumerate(prepared)
        )

    def finish(self, forwarded: Forwarded, thresholds: Thresholds) -> Detections:
        """Choose detections from the network's answer and bring them to source pixels."""
        return select(
            forwarded.outputs.predictions,
            thresholds=self._resolve(thresholds),
            geometry=forwarded.geometry,
            prototypes=forwarded.outputs.prototypes,
        )

    def candidates(self, forwarded: Forwarded, *, floor: float) -> Candidates:
        """Return all that the network proposes above a floor."""
        prototypes = forwarded.outputs.prototypes
        return find_candidates(
            forwarded.outputs.predictions,
            classes=len(self.names),
            coefficients=0 if prototypes is None else len(prototypes),
            floor=floor,
        )

    @property
    def fixed_size(self) -> bool:
        """Tell whether the network takes pictures of one size only."""
        return self._backend.facts.fixed

    def close(self) -> None:
        """Free the model."""
        self._backend.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fit(self, source_wh: tuple[int, int]) -> Letterbox:
        facts = self._backend.facts
        return Letterbox.fit(
            source_wh, image_size=self.image_size, stride=facts.stride, fixed=facts.fixed
        )

    def _resolve(self, thresholds: Thresholds) -> ResolvedThresholds:
        if self._resolved is None or self._resolved[0] != thresholds:
            self._resolved = thresholds, thresholds.for_names(self.names)
        return self._resolved[1]


def _choose_image_size(
    image_size: int | tuple[int, int] | None, backend: Backend, path: Path
) -> tuple[int, int]:
    facts = backend.facts
    if image_size is None:
        return facts.image_size
    size = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    if facts.fixed and size != facts.image_size:
        raise BadModel(
            f'{path} takes pictures of {facts.image_size[0]}x{facts.image_size[1]} only, not '
            f'{size[0]}x{size[1]}. Leave image_size unset or export with dynamic=True.'
        )
    if min(size) < facts.stride or any(side % facts.stride for side in size):
        raise BadModel(
            f'image_size is {size[0]}x{size[1]}, expected positive multiples of the stride '
            f'{facts.stride} of {path}.'
        )
    return size
