# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs the network of a package with torch, on a CPU or a CUDA device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from roof_detector.inference.backends.device_output import DeviceOutput
from roof_detector.inference.backends.device_preprocessor import DevicePreprocessor
from roof_detector.inference.backends.fused_convolutions import (
    can_fuse_convolutions,
    fuse_convolutions,
)
from roof_detector.inference.backends.graphed_network import GraphedNetwork
from roof_detector.inference.backends.host_output import HostOutput
from roof_detector.inference.backends.host_preprocessor import HostPreprocessor
from roof_detector.inference.device_name import resolve_device, why_no_cuda
from roof_detector.inference.errors import MissingBackend
from roof_detector.inference.package.checkpoint_package import package_of
from roof_detector.inference.package.network import open_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.inference.backends.backend import Preprocessor, RawOutput
    from roof_detector.inference.model_facts import ModelFacts
    from roof_detector.inference.options import BackendName, Precision, PrecisionOption
    from roof_detector.inference.package.model_package import ModelPackage

_DTYPES: dict[Precision, torch.dtype] = {
    'f32': torch.float32,
    'f16': torch.float16,
    'bf16': torch.bfloat16,
}


class TorchBackend:
    """Run a model's network: fused, in evaluation, without gradients.

    `model` is the network and what is known of it where the caller has read it; it is changed.

    On a CUDA device all stages run there: images are fitted and detections chosen where the
    network is, and only what was found comes back. `on_device` asks for these stages elsewhere.
    Without `graphs` a CUDA device gets the network's kernels one by one.
    """

    name: BackendName = 'torch'
    lanes = None

    def __init__(
        self,
        path: Path,
        *,
        device: str = 'auto',
        precision: PrecisionOption = 'auto',
        model: tuple[Any, ModelFacts] | None = None,
        threads: int | None = None,
        on_device: bool | None = None,
        graphs: bool = True,
    ) -> None:
        self._device = _choose_device(device)
        self.device = str(self._device)
        on_cuda = self._device.type == 'cuda'
        if threads is not None:
            torch.set_num_threads(threads)
        chosen = _choose_precision(precision, on_cuda=on_cuda)
        self.precision: str = chosen
        self._dtype = _DTYPES[chosen]
        network, self.facts = model or read_model(path)
        network = network.float().fuse(verbose=False).eval().requires_grad_(False)  # noqa: FBT003
        self._model: Any = network.to(
            device=self._device, dtype=self._dtype, memory_format=torch.channels_last
        )
        if self.precision != 'f32':
            decode_in_f32(self._model)
        if not on_cuda and self.precision == 'f32' and can_fuse_convolutions():
            fuse_convolutions(self._model)
        self._on_device = on_cuda if on_device is None else on_device
        self.preprocessor: Preprocessor = (
            DevicePreprocessor(self._device, self._dtype)
            if self._on_device
            else HostPreprocessor()
        )
        if on_cuda:
            # Input sizes are few: each gets the convolutions that are fastest for it.
            torch.backends.cudnn.benchmark = True
            # TF32 has the digits of f16: scores of `roofs` then differ by 0.009.
            torch.backends.cudnn.allow_tf32 = self.precision != 'f32'
        self._network: Any = (
            GraphedNetwork(self._outputs, model=self._model)
            if on_cuda and graphs
            else self._outputs
        )

    def infer(self, batch: Any) -> Sequence[RawOutput]:
        """Run the network on a batch that its `preprocessor` stacked."""
        with torch.inference_mode():
            if not self._on_device:
                outputs = self._network(self._normalize(batch))
                return HostOutput.of_batch([one.float().numpy() for one in outputs])
            outputs = self._network(batch)
            if self._device.type == 'cuda':
                torch.cuda.current_stream(self._device).synchronize()
            return DeviceOutput.of_batch(outputs)

    def _outputs(self, blob: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return predictions and prototypes; the head's other outputs are for training."""
        output = self._model(blob)[0]
        return output if isinstance(output, tuple) else (output,)

    def _normalize(self, images_bgr: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Return images as RGB in 0..1 (n, 3, height, width), in channels_last.

        Permuting keeps the bytes in place: they are in that order as they come. OpenCV takes a
        tenth of the time that torch takes for the same on a CPU.
        """
        shape = images_bgr.shape
        rgb = cv2.cvtColor(images_bgr.reshape(-1, *shape[2:]), cv2.COLOR_BGR2RGB)
        scaled = np.multiply(rgb, np.float32(1 / 255), dtype=np.float32).reshape(shape)
        return torch.from_numpy(scaled).permute(0, 3, 1, 2).to(self._dtype)

    def use_threads(self, threads: int) -> None:
        """Run with so many threads from the next pass on, as all of torch in this process."""
        torch.set_num_threads(threads)

    def close(self) -> None:
        """Free the model and, on CUDA, its memory."""
        model, self._model, self._network = self._model, None, None
        if model is not None:
            _take_apart(model)
        del model
        if self._device.type == 'cuda':
            torch.cuda.empty_cache()


def _take_apart(model: torch.nn.Module) -> None:
    """Let go of all that a network holds, which its own methods would keep alive.

    ultralytics makes `forward_fuse` the `forward` of each fused layer: the layer then refers to
    itself, and its weights stay until Python's cyclic collector comes by. That one looks at old
    objects only after many new ones: on Python 3.12 several models later.
    """
    for module in list(model.modules()):
        vars(module).clear()


def _choose_precision(precision: PrecisionOption, *, on_cuda: bool) -> Precision:
    if precision == 'auto':
        return 'f16' if on_cuda else 'f32'
    if precision not in _DTYPES:
        msg = (
            f'Precision {precision!r} is asked for, but torch runs a checkpoint with auto, '
            f'{", ".join(_DTYPES)}.'
        )
        raise MissingBackend(msg)
    if precision == 'f16' and not on_cuda:
        msg = 'Precision f16 is for CUDA devices, use auto, f32 or bf16 on a CPU.'
        raise MissingBackend(msg)
    return precision


def _choose_device(device: str) -> torch.device:
    chosen = resolve_device(device)
    if chosen == 'cpu':
        return torch.device(chosen)
    if not re.fullmatch(r'cuda:\d+', chosen):
        msg = f'{device!r} is not a device, expected auto, cpu, cuda or cuda:0.'
        raise MissingBackend(msg)
    if problem := why_no_cuda(chosen):
        msg = (
            f'Device {device!r} is asked for, but {problem} (torch {torch.__version__}). Use one '
            'that is there, or install a driver and a CUDA build of torch.'
        )
        raise MissingBackend(msg)
    return torch.device(chosen)


def read_model(path: Path, *, trust: bool = False) -> tuple[Any, ModelFacts]:
    """Read the network of a package, or of a checkpoint by way of one, and what is known of it.

    The network is an ultralytics model in 32 bits. `trust` is that of `package_of`.
    """
    return read_package(package_of(path, trust=trust))


def read_package(package: ModelPackage) -> tuple[Any, ModelFacts]:
    """Read the network of a package, an ultralytics model in 32 bits, and what is known of it."""
    network = open_network(package)
    head = network.model[-1]
    if getattr(head, 'end2end', False):
        # Its other head leaves overlaps to us, so that thresholds can be changed in flight.
        head.end2end = False
    return network, package.facts


_PREDICTED = ('boxes', 'scores', 'mask_coefficient')


def decode_in_f32(model: Any) -> None:
    """Let the head of an ultralytics model place its boxes in float32, whatever comes before.

    With the dtype of the network they would fall on a grid: of half a pixel at 640 pixels in
    f16, of four in bf16. Call it after the model has been given its dtype.
    """
    head = model.model[-1]
    decode = head._inference
    head.dfl.float()

    def in_f32(outputs: dict[str, Any]) -> Any:
        # Of these, shape and dtype alone are read: the anchors are counted off by them.
        grids = [
            torch.empty((), dtype=torch.float32, device=one.device).expand(one.shape)
            for one in outputs['feats']
        ]
        exact = {name: outputs[name].float() for name in _PREDICTED if name in outputs}
        return decode({**outputs, **exact, 'feats': grids})

    head._inference = in_f32
