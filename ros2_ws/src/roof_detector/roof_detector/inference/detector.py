# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A model that detects objects in images."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.inference.backend_choice import (
    BackendChoice,
    choose_backend,
    choose_unmeasured,
    export_precision,
    why_not_as_it_is,
)
from roof_detector.inference.backend_watch import BackendWatch
from roof_detector.inference.device_name import (
    available_cores,
    has_int8_instructions,
    is_x86,
    resolve_device,
)
from roof_detector.inference.errors import BadModel, MissingBackend, UnsafeModel
from roof_detector.inference.lanes import MOST_LANES
from roof_detector.inference.machine_load import MachineLoad
from roof_detector.inference.missing_extra import missing_extras_named
from roof_detector.inference.model_file import backend_for, open_backend
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.options import CACHED_BACKENDS, PACKAGE_BACKENDS
from roof_detector.inference.package.checkpoint_package import package_of
from roof_detector.inference.package.container import is_package
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.inference.stage_times import StageTimes
from roof_detector.inference.thread_adaptation import ThreadAdaptation, adaptive_numbers
from roof_detector.vision.calibration import ConfidenceCalibration
from roof_detector.vision.detections import Detections
from roof_detector.vision.letterbox import Letterbox
from roof_detector.vision.thresholds import ResolvedThresholds, Thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    from roof_detector.inference.backends.backend import Backend, RawOutput
    from roof_detector.inference.export.export_cache import ExportCache
    from roof_detector.inference.options import BackendName, BackendOption, PrecisionOption, Task
    from roof_detector.inference.package.class_facts import ClassFacts
    from roof_detector.inference.provenance import Provenance
    from roof_detector.vision.candidates import Candidates

WARM_UP_PASSES = 3  # torch and OpenVINO settle their memory plans in the first two


@dataclass(frozen=True, eq=False)
class PreprocessedImage:
    """An input tensor and its letterbox; the backend decides where `tensor` lies."""

    tensor: Any
    geometry: Letterbox
    letterbox_s: float


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkOutput:
    """The raw output of the network for one preprocessed image."""

    raw: RawOutput
    geometry: Letterbox
    letterbox_s: float
    forward_s: float


@dataclass(frozen=True, eq=False)
class PendingOutput:
    """A pass that was started in one of several lanes."""

    preprocessed: PreprocessedImage
    _future: Future[tuple[Sequence[RawOutput], float]]

    def result(self) -> NetworkOutput:
        """Wait for the output of the network; raise what its runtime raised."""
        (raw,), forward_s = self._future.result()
        return NetworkOutput(
            raw=raw,
            geometry=self.preprocessed.geometry,
            letterbox_s=self.preprocessed.letterbox_s,
            forward_s=forward_s,
        )


class Detector:
    """Detects objects in images with one model on one device.

    One thread owns a detector's `infer`, `detect`, `warm_up` and `close`: runtimes hang or mix up
    frames when two threads run one model. `metres_per_pixel` is the range of ground resolutions
    that a package states it was trained at, `class_facts` what it states was measured of its
    classes. `preprocess` and `postprocess` touch no model and may
    run in other threads, so that the next image is preprocessed while the network runs on this
    one.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        model_path: Path,
        image_size: tuple[int, int],
        choice: BackendChoice,
        threads: int | None = None,
        adaptation: ThreadAdaptation | None = None,
        metres_per_pixel: tuple[float, float] | None = None,
        class_facts: Mapping[str, ClassFacts] | None = None,
        calibrate: bool = True,
        int8: bool = False,
    ) -> None:
        self._backend = backend
        self._int8 = int8
        self.metres_per_pixel = metres_per_pixel
        self.class_facts = class_facts or {}
        facts = [self.class_facts.get(name) for name in backend.facts.names]
        self.calibration = (
            ConfidenceCalibration.of([() if one is None else one.calibration for one in facts])
            if calibrate
            else None
        )
        self.choice = choice
        self._threads = threads
        self.adaptation = adaptation
        self.load = MachineLoad()
        self.watch = BackendWatch(backend.name, choice.costs)
        self._resolved: tuple[Thresholds, ResolvedThresholds] | None = None
        self.model_path = model_path
        self.model_hash = hash_model(model_path)
        self.image_size = image_size
        self.times = StageTimes()

    @classmethod
    @missing_extras_named()
    def open(
        cls,
        model_path: str | Path,
        *,
        device: str = 'auto',
        backend: BackendOption = 'auto',
        image_size: int | tuple[int, int] | None = None,
        precision: PrecisionOption = 'auto',
        trust_model: bool = False,
        model_key: str | Path | None = None,
        threads: int | None = None,
        adapts_threads: bool = False,
        lanes: int = 1,
        cache: ExportCache | None = None,
        calibrate: bool = True,
        int8: bool = False,
    ) -> Detector:
        """Open a model package, a .pt, an .onnx, an OpenVINO folder, a .torchscript or an .engine.

        The name of a shipped model, such as roof_anomalies, stands for its package.
        `device`: auto, cpu, cuda or cuda:0. `image_size`: side of the network's input, or its
        width and height, by default the model's own. `precision`: f32, f16 or bf16, by
        default f16 on CUDA and f32 elsewhere. A .pt is imported once (`package_of`); a package
        outputs its golden images first. `trust_model` imports a .pt even where this machine can
        confine no process, and opens a .torchscript or an .engine: each can then run any code.
        `model_key` is a public key that a package must be signed with; nothing else is opened.
        With a `cache`, exports of a package or .pt that it holds may run in its place. With
        `backend` auto and without a measured one, the first runs it of OpenVINO, ONNX Runtime
        and torch that is installed and can: `choice` says which does and why. `threads` of the
        CPU are by default those that an export was fastest with, else the runtime's choice; with
        `adapts_threads` they begin with these and change as `adapt` finds best. More than one of
        `lanes` are passes of one thread each that run side by side (`start`), for more images a
        second where none of them is urgent; what cannot do that has one lane. With `calibrate`
        confidences are what a package states that they are worth, else the network's own. With
        `int8` the INT8 model of a package runs on a CPU if it may (`Int8Facts`) and gives the
        package's golden answers there. Raises `InferenceError`.
        """
        # Before torch is loaded: threads that wait spin otherwise, and beside one other busy
        # process a forward pass then takes 1.5 to 12 times as long
        # (docs/decisions/waiting_threads.md).
        os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
        path = resolve_model(str(model_path))
        readable = backend_for(path)
        if model_key is not None:
            package: ModelPackage | None = _signed_package(path, Path(model_key).expanduser())
        else:
            package = package_of(path, trust=trust_model) if readable == 'torch' else None
        if package is None:
            choice = BackendChoice(
                backend=readable, reason='it is what the file is made for, no export is looked for'
            )
        else:
            choice = _choose(path, backend, device=device, precision=precision, cache=cache)
        in_f32, uses_int8 = choice, False
        if int8 and package is not None:
            choice, uses_int8 = _with_int8(
                choice, package, device=resolve_device(device), precision=precision
            )
        adaptation = None
        if threads is None:
            threads = choice.threads
            if adapts_threads and resolve_device(device) == 'cpu':
                adaptation = ThreadAdaptation(adaptive_numbers(available_cores()), start=threads)
                threads = adaptation.threads

        def open_tested(choice: BackendChoice, *, int8: bool) -> Backend:
            opened = open_backend(
                choice.export or path,
                backend=choice.backend if choice.export or package else backend,
                # An export was timed on one device: nowhere else is it the fastest.
                device=resolve_device(device) if choice.export else device,
                precision=precision,
                # What the cache holds was made of this very file, by this package.
                trust_model=trust_model or choice.export is not None,
                threads=threads,
                numbers=() if adaptation is None else adaptation.numbers,
                lanes=min(lanes, MOST_LANES),
                package=package,
                int8=int8,
            )
            if package is not None:
                try:
                    package.self_test(opened, int8=int8)
                except BaseException:
                    opened.close()
                    raise
            return opened

        try:
            opened = open_tested(choice, int8=uses_int8)
        except BadModel as error:
            if not uses_int8:
                raise
            choice, uses_int8 = _passing_over_int8(in_f32, str(error)), False
            opened = open_tested(choice, int8=False)
        size = opened.facts.choose_image_size(image_size, path=path)
        return cls(
            opened,
            model_path=path,
            image_size=size,
            choice=choice,
            threads=threads,
            adaptation=adaptation,
            metres_per_pixel=None if package is None else package.manifest.metres_per_pixel,
            class_facts=None if package is None else package.manifest.classes,
            calibrate=calibrate,
            int8=uses_int8,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the class names in order of class id."""
        return self._backend.facts.names

    @property
    def coarsest_m(self) -> dict[str, float]:
        """Return the coarsest metres per pixel of the input at which each class is found.

        Only classes of which a package states that it was measured.
        """
        return {
            name: facts.metres_per_pixel[1]
            for name, facts in self.class_facts.items()
            if facts.metres_per_pixel is not None
        }

    @property
    def unproven(self) -> tuple[str, ...]:
        """Return the classes without a figure on photographs, if a package has one of others."""
        if not any(facts.recall for facts in self.class_facts.values()):
            return ()
        return tuple(
            name
            for name in self.names
            if name not in self.class_facts or not self.class_facts[name].recall
        )

    @property
    def task(self) -> Task:
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
    def backend(self) -> BackendName:
        """Return the runtime's name."""
        return self._backend.name

    @property
    def precision(self) -> str:
        """Return what the network is computed with: f32, f16, bf16, or int8 of a package."""
        return 'int8' if self._int8 else self._backend.precision

    @property
    def threads(self) -> int | None:
        """Return with how many CPU threads the network runs; None if the runtime chooses."""
        return self._threads

    def use_threads(self, threads: int) -> None:
        """Run with so many CPU threads from the next pass on; torch takes any number."""
        self._threads = threads
        self._backend.use_threads(threads)

    def warm_up(self, source_wh: tuple[int, int] = (1280, 720)) -> None:
        """Run the network on a grey image, so that the first frame takes no longer than others.

        Runtimes plan memory per input shape: give the size of the images that will come.
        """
        width, height = source_wh
        image_bgr = np.full((height, width, 3), 114, dtype=np.uint8)
        for threads in () if self.adaptation is None else self.adaptation.numbers:
            if threads != self._threads:
                self._backend.use_threads(threads)
                for _ in range(WARM_UP_PASSES):
                    self.detect(image_bgr, Thresholds())
        if self.adaptation is not None:
            self._backend.use_threads(self.adaptation.threads)
        for _ in range(WARM_UP_PASSES):
            self.detect(image_bgr, Thresholds())
        self.times = StageTimes()

    def adapt(self, forward_s: float) -> None:
        """Learn what a pass took: whether another backend is better now, and which threads are.

        Opened with `adapts_threads`, the next pass runs with the best number of threads. Belongs
        to the thread that owns the model; other numbers of threads are compiled and warm, so that
        a change costs no frame.
        """
        others, now_s = self.load.measure(), monotonic()
        self.watch.note(forward_s, others=others, now_s=now_s)
        if (adaptation := self.adaptation) is None:
            return
        adaptation.note(forward_s, others=others, now_s=now_s)
        if adaptation.threads != self._threads:
            self.use_threads(adaptation.threads)

    def detect(
        self,
        image_bgr: npt.NDArray[np.uint8],
        thresholds: Thresholds,
        *,
        source_wh: tuple[int, int] | None = None,
    ) -> Detections:
        """Return the objects in an image (height, width, 3) uint8 BGR, by descending confidence.

        Give `source_wh` when the image is a reduced decoding of a larger one: boxes and masks
        are in pixels of the larger one.
        """
        (output,) = self.infer(self.preprocess(image_bgr, source_wh=source_wh))
        started_s = perf_counter()
        detections = self.postprocess(output, thresholds)
        self.times = StageTimes(
            letterbox_s=output.letterbox_s,
            forward_s=output.forward_s,
            suppression_s=perf_counter() - started_s,
        )
        return detections

    def preprocess(
        self,
        image_bgr: npt.NDArray[np.uint8],
        *,
        source_wh: tuple[int, int] | None = None,
        scale: float = 1.0,
    ) -> PreprocessedImage:
        """Letterbox an image (height, width, 3) uint8 BGR into an input tensor.

        A `scale` below 1 gives a smaller tensor, which costs less and shows small objects worse;
        a network of one input size ignores it.
        """
        started_s = perf_counter()
        size_wh = source_wh or (image_bgr.shape[1], image_bgr.shape[0])
        geometry = self._fit(size_wh, scale=scale)
        tensor = self._backend.preprocessor.to_tensor(image_bgr, geometry)
        return PreprocessedImage(tensor, geometry, perf_counter() - started_s)

    def needed_wh(self, source_wh: tuple[int, int]) -> tuple[int, int]:
        """Return the size at which the network sees an image: more pixels are of no use to it."""
        return self._fit(source_wh).resized_wh

    @property
    def lanes(self) -> int:
        """Return how many passes run side by side."""
        return 1 if self._backend.lanes is None else self._backend.lanes.count

    def start(self, preprocessed: PreprocessedImage) -> PendingOutput:
        """Start a pass on an image, in one of several lanes, and return it at once.

        More than `lanes` wait for a free one.
        """
        assert self._backend.lanes is not None
        batch = self._backend.preprocessor.stack([preprocessed.tensor])
        return PendingOutput(preprocessed, self._backend.lanes.start(batch))

    def infer(self, *preprocessed: PreprocessedImage) -> tuple[NetworkOutput, ...]:
        """Run the network on images of one input size, as a batch where it takes one.

        With several lanes the images run side by side, each by itself.
        """
        if self._backend.lanes is not None:
            pending = [self.start(one) for one in preprocessed]
            return tuple(one.result() for one in pending)
        batch = self._backend.preprocessor.stack([one.tensor for one in preprocessed])
        started_s = perf_counter()
        outputs = self._backend.infer(batch)
        forward_s = (perf_counter() - started_s) / len(preprocessed)
        return tuple(
            NetworkOutput(
                raw=raw, geometry=one.geometry, letterbox_s=one.letterbox_s, forward_s=forward_s
            )
            for raw, one in zip(outputs, preprocessed, strict=True)
        )

    def postprocess(self, output: NetworkOutput, thresholds: Thresholds) -> Detections:
        """Threshold, suppress (NMS) and scale the raw output to detections in source pixels."""
        found = output.raw.select(thresholds=self._resolve(thresholds), geometry=output.geometry)
        if self.calibration is None or not len(found):
            return found
        scores = self.calibration.apply(found.scores, found.class_ids)
        found = Detections(
            boxes_xyxy=found.boxes_xyxy,
            scores=scores,
            class_ids=found.class_ids,
            masks=found.masks,
        )
        return found[np.argsort(-scores, kind='stable')]  # classes have curves of their own

    def candidates(self, output: NetworkOutput, *, floor: float) -> Candidates:
        """Return all candidates with a confidence above a floor."""
        classes = len(self.names)
        if self.calibration is None:
            return output.raw.candidates(classes=classes, floor=floor)
        raw = self.calibration.raw(np.full(classes, floor, np.float32))
        found = output.raw.candidates(classes=classes, floor=float(raw.min()))
        scores = self.calibration.apply(found.scores, found.class_ids)
        return replace(found, scores=scores)[scores > floor]

    @property
    def fixed_size(self) -> bool:
        """Return whether the network takes images of one size only."""
        return self._backend.facts.fixed

    def close(self) -> None:
        """Free the model."""
        self._backend.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fit(self, source_wh: tuple[int, int], *, scale: float = 1.0) -> Letterbox:
        facts = self._backend.facts
        size_wh = self.image_size
        if scale != 1.0 and not facts.fixed:
            width, height = (
                max(round(side * scale / facts.stride), 1) * facts.stride for side in size_wh
            )
            size_wh = width, height
        return Letterbox.fit(source_wh, image_size=size_wh, stride=facts.stride, fixed=facts.fixed)

    def _resolve(self, thresholds: Thresholds) -> ResolvedThresholds:
        if self._resolved is None or self._resolved[0] != thresholds:
            resolved = thresholds.for_names(self.names)
            if self.calibration is not None:
                raw = self.calibration.raw(resolved.confidence)
                resolved = replace(resolved, confidence=raw)
            self._resolved = thresholds, resolved
        return self._resolved[1]


def _signed_package(path: Path, public_key: Path) -> ModelPackage:
    if not is_package(path):
        msg = (
            f'{path} is refused: only model packages can be signed, and only those signed with '
            f'{public_key} are used here. Make one: roof_detector models import, models sign.'
        )
        raise UnsafeModel(msg)
    package = ModelPackage.open(path)
    # Signatures are read by libraries that only who asks for them pays for.
    from roof_detector.inference.package.signature import verify_package  # noqa: PLC0415

    verify_package(package, public_key=public_key)
    return package


def _with_int8(
    choice: BackendChoice, package: ModelPackage, *, device: str, precision: PrecisionOption
) -> tuple[BackendChoice, bool]:
    """Return the choice with the INT8 model if it may run here, else with the reason why not."""
    facts = package.manifest.int8
    if facts is None:
        reason = 'the package has no INT8 model'
    elif device != 'cpu':
        reason = f'it is made for CPUs, not for {device}'
    elif precision not in ('auto', 'f32'):
        reason = f'precision {precision} is asked for'
    elif package.int8_graph(choice.backend) is None:
        reason = f'it is for openvino, and {choice.backend} runs here'
    elif choice.backend != 'openvino' and (choice.backend != 'onnxruntime' or is_x86()):
        # ONNX Runtime took 1.4 times as long as in FP32 on x86-64, with VNNI too (training.md).
        reason = f'{choice.backend} does not run it faster'
    elif not has_int8_instructions():
        reason = 'this processor has no instructions for it'
    else:
        reason = facts.refusal
    if facts is None or reason:
        return _passing_over_int8(choice, reason), False
    # An export is of FP32.
    return replace(choice, export=None, reason=f'{choice.reason}, in INT8: {facts.sentence}'), True


def _choose(
    path: Path,
    wish: BackendOption,
    *,
    device: str,
    precision: PrecisionOption,
    cache: ExportCache | None,
) -> BackendChoice:
    """Choose what runs a package: an export that was made for this machine, or it as it is."""
    if wish != 'auto' and wish not in CACHED_BACKENDS:
        return BackendChoice(backend=wish, reason='it is asked for, and runs the package as it is')
    resolved = resolve_device(device)
    wanted = export_precision(precision, resolved)
    if cache is not None:
        try:
            return choose_backend(
                path, wish=wish, device=resolved, precision=precision, cache=cache
            )
        except MissingBackend:
            if wish not in PACKAGE_BACKENDS or why_not_as_it_is(wish, resolved, wanted):
                raise
    if wish == 'auto':
        return choose_unmeasured(resolved, wanted)
    return BackendChoice(backend=wish, reason='it is asked for, and runs the package as it is')


def _passing_over_int8(choice: BackendChoice, reason: str) -> BackendChoice:
    return replace(choice, passed_over=(*choice.passed_over, ('int8', reason)))
