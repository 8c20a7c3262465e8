# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The reading of a checkpoint in the confined process, which writes its content as data.

The process that requested it trusts nothing here: it checks everything that is written.
"""

from __future__ import annotations

import importlib
import io
import json
import pickle
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors import numpy as numpy_file
from safetensors import torch as torch_file

from roof_detector.inference.importing.architecture import ARCHITECTURE_KEYS
from roof_detector.inference.importing.network import class_branch_width, default_class_branch
from roof_detector.inference.importing.plain_values import PlainWriter
from roof_detector.inference.quiet_ultralytics import import_quietly

_NETWORKS = ('ema', 'model')
_FOR_RESUMING = ('optimizer', 'scaler', 'updates', 'resume')
_KNOWN_TO_THE_PARSER = ARCHITECTURE_KEYS - {'yaml_file', 'class_branch', 'fused'}


@dataclass(frozen=True)
class Handles:
    """The open files of one reading, by number."""

    model: int
    facts: int
    weights: int
    state: int
    images: int
    answers: int


class NotAModel(Exception):  # noqa: N818  (its text is a sentence)
    """The file is a checkpoint of something that cannot run here."""


def prepare(*, with_timm: bool) -> None:
    """Import what checkpoints hold before confinement, since some imports read or write files."""
    for name in ('nn.tasks', 'nn.modules.head', 'utils.loss', 'utils.tal'):
        import_quietly(f'ultralytics.{name}')
    if with_timm:
        with suppress(ModuleNotFoundError):  # the reading then says that it is not installed
            importlib.import_module('timm')


def read_checkpoint(handles: Handles, *, with_state: bool) -> None:
    """Read the checkpoint and write its facts, weights, state and outputs."""
    torch.set_num_threads(1)  # this process may not start others
    torch.backends.nnpack.set_flags(False)
    with open(handles.model, 'rb', closefd=False) as file:
        checkpoint = torch.load(
            file, map_location='cpu', weights_only=False, pickle_module=_pickle_module()
        )
    if not isinstance(checkpoint, dict):
        msg = (
            f'holds a {type(checkpoint).__name__}, expected a checkpoint as ultralytics saves it: '
            'a dict with a model.'
        )
        raise NotAModel(msg)
    network: Any = next((checkpoint[key] for key in _NETWORKS if checkpoint.get(key)), None)
    facts = _network_facts(network, checkpoint)
    weights = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    _write(handles.weights, torch_file.save(_apart(weights)))
    plain = PlainWriter()
    left = _NETWORKS if with_state else (*_NETWORKS, *_FOR_RESUMING)
    facts['checkpoint'] = plain.write({k: v for k, v in checkpoint.items() if k not in left})
    facts['resumable'] = 'resume' in checkpoint
    if with_state:
        _write(handles.state, torch_file.save(_apart(plain.tensors)))
    _answer(network, handles)
    _write(handles.facts, json.dumps(facts, allow_nan=False).encode())


def _network_facts(network: Any, checkpoint: dict[Any, Any]) -> dict[str, Any]:
    tasks = import_quietly('ultralytics.nn.tasks')
    if not isinstance(network, tasks.DetectionModel):
        msg = (
            f'holds a {type(network).__name__}, expected an ultralytics model for detection or '
            'instance segmentation.'
        )
        raise NotAModel(msg)
    head = network.model[-1]
    arguments = checkpoint.get('train_args') or {}
    arguments = arguments if isinstance(arguments, dict) else vars(arguments)
    names = network.names
    names = names if isinstance(names, dict) else dict(enumerate(names))
    if getattr(head, 'end2end', False):
        head.end2end = False  # the other head leaves NMS to us
    return {
        'architecture': _architecture(network, head),
        'task': _task_of(head),
        'names': [[int(key), str(name)] for key, name in names.items()],
        'stride': int(max(network.stride)),
        'image_size': arguments.get('imgsz') or 640,
        'end2end': bool(getattr(head, 'end2end', False)),
    }


def _architecture(network: Any, head: Any) -> dict[str, Any]:
    """Return the mapping that the network was built from, updated with later changes."""
    built_from = network.yaml
    architecture = {key: built_from[key] for key in _KNOWN_TO_THE_PARSER if key in built_from}
    architecture['nc'] = int(head.nc)
    architecture['channels'] = int(built_from.get('channels') or built_from.get('ch') or 3)
    name = built_from.get('yaml_file')
    if isinstance(name, str) and PurePosixPath(name).name:
        architecture['yaml_file'] = PurePosixPath(name).name
    if network.is_fused():
        architecture['fused'] = True
    elif getattr(head, 'cv3', None) is not None:
        width = class_branch_width(head)
        if width != default_class_branch(head):
            architecture['class_branch'] = width
    return architecture


def _task_of(head: Any) -> str:
    """Return the task from the head's class, because a checkpoint may lack it."""
    heads = import_quietly('ultralytics.nn.modules.head')
    if isinstance(head, heads.Segment):
        return 'segment'
    is_detect = isinstance(head, heads.Detect) and not isinstance(head, heads.Pose | heads.OBB)
    return 'detect' if is_detect else type(head).__name__.lower()


def _answer(network: Any, handles: Handles) -> None:
    """Write the network's own outputs for the images, so that its copy can be compared."""
    with open(handles.images, 'rb', closefd=False) as file:
        content = file.read()
    if not content:
        return
    network = network.float().eval()
    answers: dict[str, Any] = {}
    for name, images in sorted(numpy_file.load(content).items()):
        with torch.inference_mode():
            output = network(torch.from_numpy(images))[0]
        outputs = output if isinstance(output, tuple) else (output,)
        for index, one in enumerate(outputs):
            answers[f'{name}.{index}'] = np.ascontiguousarray(one.float().numpy())
    _write(handles.answers, numpy_file.save(answers))


def _apart(tensors: dict[str, Any]) -> dict[str, Any]:
    """Return tensors that share no memory and are contiguous, as their file requires."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _write(handle: int, content: bytes) -> None:
    with open(handle, 'wb', closefd=False) as file:
        file.write(content)


def _pickle_module() -> Any:
    """Return a pickle module that knows the class names of other versions and systems."""

    class Unpickler(pickle.Unpickler):
        def find_class(self, module_name: str, name: str, /) -> Any:
            if module_name.split('.', maxsplit=1)[0] == 'pathlib':
                return PurePosixPath
            if module_name.startswith('numpy._core') and not _is_there('numpy._core.numeric'):
                module_name = module_name.replace('numpy._core', 'numpy.core', 1)
            return super().find_class(module_name, name)

    def load(file: io.BufferedIOBase, **options: Any) -> Any:
        return Unpickler(file, **options).load()

    return SimpleNamespace(
        Unpickler=Unpickler,
        load=load,
        loads=lambda content, **options: load(io.BytesIO(content), **options),
        UnpicklingError=pickle.UnpicklingError,
        __name__='pickle',
    )


def _is_there(module_name: str) -> bool:
    try:
        importlib.import_module(module_name)
    except ImportError:
        return False
    return True
