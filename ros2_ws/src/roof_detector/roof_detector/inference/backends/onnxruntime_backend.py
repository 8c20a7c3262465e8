# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs an ONNX export with ONNX Runtime."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.inference.backends.backend import RawOutput, made_precision, run_in_batches
from roof_detector.inference.backends.host_output import HostOutput
from roof_detector.inference.backends.host_preprocessor import HostPreprocessor
from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.lanes import Lanes
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.onnx_check import MOST_BYTES, check_onnx
from roof_detector.inference.quiet_runtimes import keep_runtimes_quiet
from roof_detector.vision.letterbox import to_blob

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.inference.options import BackendName, PrecisionOption

_CPU = 'CPUExecutionProvider'
_DEVICES = {_CPU: 'cpu', 'CUDAExecutionProvider': 'cuda', 'TensorrtExecutionProvider': 'tensorrt'}


class OnnxRuntimeBackend:
    """Run an ONNX file with TensorRT, CUDA or the CPU, the first that the runtime has.

    `device` says which of them took the graph. `content` is that of a file which was read already
    and does not refer to others, and `facts` what its package says about it. `numbers` are other
    numbers of threads for `use_threads`: each has a session. More than one of `lanes` run passes
    of one thread each side by side instead, on a CPU.
    """

    name: BackendName = 'onnxruntime'

    def __init__(
        self,
        path: Path,
        *,
        device: str = 'auto',
        precision: PrecisionOption = 'auto',
        threads: int | None = None,
        numbers: Sequence[int] = (),
        lanes: int = 1,
        content: bytes | None = None,
        facts: ModelFacts | None = None,
    ) -> None:
        keep_runtimes_quiet()
        try:
            import onnxruntime  # noqa: PLC0415  (only who runs ONNX files needs it)
        except ImportError as error:
            msg = f'{path} needs ONNX Runtime: pip install onnxruntime, or onnxruntime-gpu.'
            raise MissingBackend(msg) from error
        _check_file(path, content)
        onnxruntime.disable_telemetry_events()
        if lanes > 1:
            threads = 1
        providers = choose_providers(device, onnxruntime.get_available_providers())
        try:
            # Errors of a GPU are printed on standard output, which belongs to commands.
            with contextlib.redirect_stdout(sys.stderr):
                if providers != [_CPU]:
                    # Libraries that pip installed lie where the loader does not look.
                    onnxruntime.preload_dlls()
                sessions = {
                    number: onnxruntime.InferenceSession(
                        content or str(path),
                        _session_options(onnxruntime, number),
                        providers=providers,
                        # Else a model that cannot be read is tried a second time, with four lines.
                        enable_fallback=int(providers != [_CPU]),
                    )
                    for number in (threads, *(one for one in numbers if one != threads))
                }
                session = sessions[threads]
            # A damaged name or text is found where it is asked for.
            source = session.get_inputs()[0]
            shape = source.shape
            metadata = session.get_modelmeta().custom_metadata_map
        except Exception as error:  # onnxruntime's errors share no base class of their own
            msg = (
                f'{path} is not an ONNX model that ONNX Runtime {onnxruntime.__version__} can '
                f'run, or it is cut short or damaged ({str(error).splitlines()[0]}). '
                'Copy it or export it again.'
            )
            raise BadModel(msg) from error
        self._sessions: dict[int | None, Any] = sessions
        self._session: Any = session
        self._input = source.name
        self._input_dtype = np.float16 if 'float16' in source.type else np.float32
        self._batch = shape[0] if isinstance(shape[0], int) else None
        self.device = _DEVICES[session.get_providers()[0]]
        kind = device.partition(':')[0]
        if kind not in ('auto', self.device):
            # A provider that cannot be set up is left out without an error.
            msg = (
                f'Device {device!r} is asked for, but ONNX Runtime {onnxruntime.__version__} '
                f'could not set it up and would run on {self.device}. Install the versions of '
                'CUDA and cuDNN that it names as its own, or use device cpu.'
            )
            raise MissingBackend(msg)
        fixed = all(isinstance(side, int) for side in shape[2:])
        if fixed:
            metadata = {**metadata, 'imgsz': list(shape[2:])}
        self.preprocessor = HostPreprocessor()
        self.facts = facts or ModelFacts.read(metadata, path=path, fixed=fixed)
        self.precision = made_precision(self.facts, precision, path=path)

        # A session may be run by several threads at once.
        runs = [self.infer] * lanes
        self.lanes = Lanes(runs) if lanes > 1 and self.device == 'cpu' else None

    def infer(self, batch: npt.NDArray[np.uint8]) -> Sequence[RawOutput]:
        """Run the network on letterboxed images (n, height, width, 3) uint8 BGR."""
        if self._batch not in (None, len(batch)):
            return run_in_batches(batch, self._batch, self.infer)
        blob = to_blob(batch).astype(self._input_dtype, copy=False)
        return HostOutput.of_batch(self._session.run(None, {self._input: blob}))

    def use_threads(self, threads: int) -> None:
        """Run with so many threads, one of `numbers`, from the next pass on."""
        self._session = self._sessions[threads]

    def close(self) -> None:
        """Free the sessions."""
        if self.lanes is not None:
            self.lanes.close()
            self.lanes = None
        self._session = None
        self._sessions.clear()


def _session_options(onnxruntime: Any, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that wait sleep: beside another busy process, spinning takes its time and ours
    # (docs/decisions/waiting_threads.md).
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.add_session_config_entry('session.inter_op.allow_spinning', '0')
    if threads is not None:
        options.intra_op_num_threads = threads
    return options


def _check_file(path: Path, content: bytes | None) -> None:
    if content is not None:
        check_onnx(content, path=path, folder=None)
        return
    if path.stat().st_size > MOST_BYTES:
        msg = f'{path} has more than the {MOST_BYTES} bytes that an ONNX file may have.'
        raise BadModel(msg)
    check_onnx(path.read_bytes(), path=path, folder=path.parent)


def choose_providers(device: str, available: list[str]) -> list[str | tuple[str, dict[str, str]]]:
    """Return the providers to try, in the order of what is wished for, with their options."""
    kind, _, index = device.partition(':')
    wishes = {
        'auto': ('CUDAExecutionProvider', _CPU),
        'cpu': (_CPU,),
        'cuda': ('CUDAExecutionProvider', _CPU),
        'tensorrt': ('TensorrtExecutionProvider', 'CUDAExecutionProvider', _CPU),
    }
    if kind not in wishes:
        msg = f'{device!r} is not a device of ONNX Runtime, expected cpu, cuda or tensorrt.'
        raise MissingBackend(msg)
    wished = wishes[kind]
    if kind != 'auto' and wished[0] not in available:
        msg = (
            f'Device {device!r} is asked for, but this ONNX Runtime has only '
            f'{", ".join(available)}. Use device cpu or install onnxruntime-gpu.'
        )
        raise MissingBackend(msg)
    on_card = {'device_id': index or '0'}
    options = {
        # TF32 has the digits of f16, see TorchBackend.
        'CUDAExecutionProvider': {**on_card, 'use_tf32': '0'},
        'TensorrtExecutionProvider': on_card,
    }
    return [(one, options[one]) if one in options else one for one in wished if one in available]
