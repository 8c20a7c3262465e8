# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs a TorchScript export with torch, on a CPU."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import torch

from roof_detector.inference.backends.backend import RawOutput, made_precision, run_in_batches
from roof_detector.inference.backends.host_output import HostOutput
from roof_detector.inference.backends.host_preprocessor import HostPreprocessor
from roof_detector.inference.errors import BadModel, MissingBackend, UnsafeModel
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.vision.letterbox import to_blob

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.options import BackendName, PrecisionOption

_METADATA_FILE = 'config.txt'  # where ultralytics puts it inside the archive


class TorchScriptBackend:
    """Run a traced network: on a CPU, for the trace remembers the device it was made on.

    An archive is a program for torch's own interpreter. That one reaches no Python code, but has
    operators that write files, which an archive can call while it is loaded.
    """

    name: BackendName = 'torchscript'
    lanes = None

    def __init__(
        self,
        path: Path,
        *,
        device: str = 'auto',
        precision: PrecisionOption = 'auto',
        trust_model: bool = False,
        threads: int | None = None,
    ) -> None:
        if not trust_model:
            msg = (
                f'{path} is refused: a TorchScript archive is a program that can write files as '
                'soon as it is loaded. Load it with trust_model only if you trust its maker, '
                'or export to ONNX or OpenVINO, which hold no program.'
            )
            raise UnsafeModel(msg)
        if device not in ('auto', 'cpu'):
            msg = (
                f'Device {device!r} is asked for, but TorchScript is run on cpu only. '
                'Use device cpu, or the .pt on CUDA.'
            )
            raise MissingBackend(msg)
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = 'cpu'
        files = {_METADATA_FILE: ''}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')  # that torch.jit is deprecated
                model = torch.jit.load(str(path), map_location='cpu', _extra_files=files)
            metadata = json.loads(files[_METADATA_FILE] or '{}')
        except (RuntimeError, ValueError) as error:
            first_line = str(error).strip().split('\n', maxsplit=1)[0]
            msg = (
                f'{path} is not a TorchScript archive, or it is cut short or damaged '
                f'({first_line}). Copy it or export it again.'
            )
            raise BadModel(msg) from error
        dynamic = bool(metadata.get('args', {}).get('dynamic'))
        self._batch = None if dynamic else int(metadata.get('batch', 1))
        self.preprocessor = HostPreprocessor()
        self.facts = ModelFacts.read(metadata, path=path, fixed=not dynamic)
        self.precision = made_precision(self.facts, precision, path=path)
        self._model: Any = model.eval()

    def infer(self, batch: npt.NDArray[np.uint8]) -> Sequence[RawOutput]:
        """Run the network on letterboxed images (n, height, width, 3) uint8 BGR."""
        if self._batch not in (None, len(batch)):
            return run_in_batches(batch, self._batch, self.infer)
        with torch.inference_mode():
            output = self._model(torch.from_numpy(to_blob(batch)))
            tensors = output if isinstance(output, tuple) else (output,)
            return HostOutput.of_batch([tensor.numpy() for tensor in tensors])

    def use_threads(self, threads: int) -> None:
        """Run with so many threads from the next pass on, as all of torch in this process."""
        torch.set_num_threads(threads)

    def close(self) -> None:
        """Free the model."""
        self._model = None
