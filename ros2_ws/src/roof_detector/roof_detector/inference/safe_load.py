# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Read a checkpoint without running what it says."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path, PurePath
from pickle import UnpicklingError
from typing import Any
from uuid import uuid4

import numpy as np
import torch

from roof_detector.inference.errors import BadModel, UnsafeModel
from roof_detector.inference.quiet_ultralytics import import_quietly

_LAYERS = ('torch.nn.modules', 'ultralytics.nn.modules', 'ultralytics.nn.tasks')
_OUR_LAYERS = 'roof_detector.blocks'
_LOSSES = ('ultralytics.utils.loss', 'ultralytics.utils.tal')  # left in a model by its training
_METHODS = ('forward', 'forward_fuse', 'forward_split')  # that models carry as attributes

_TRUST = 'Load it with trust_model only if you trust whoever made it, for it may run any code.'

_lock = threading.Lock()  # torch keeps its allow-list in one set per process


def load_checkpoint(path: Path, *, trust_model: bool = False) -> dict[str, Any]:
    """Read an ultralytics checkpoint as a dict.

    A pickle is a program. torch's restricted reader runs it with an allow-list: layers of torch,
    ultralytics and this package, which are made empty and filled. Their constructors are out of
    reach, for some download weights or evaluate text. Anything else raises `UnsafeModel`, unless
    `trust_model`.
    """
    import_quietly('ultralytics.nn.tasks')
    try:
        if trust_model:
            checkpoint = torch.load(path, map_location='cpu', weights_only=False)
        else:
            wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
            with _lock, torch.serialization.safe_globals(_allowed(path, sorted(wanted))):
                checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except UnpicklingError as error:
        raise UnsafeModel(f'{path} is refused: {_first_line(error)} {_TRUST}') from error
    except (ImportError, AttributeError) as error:
        raise BadModel(
            f'{path} needs code that is not installed here ({_first_line(error)}).'
        ) from error
    except (RuntimeError, ValueError, OSError, EOFError, KeyError, TypeError) as error:
        if isinstance(error, UnsafeModel):
            raise
        raise BadModel(
            f'{path} is not a PyTorch checkpoint, or it is cut short or damaged '
            f'({_first_line(error)}). Copy it or export it again.'
        ) from error
    if not isinstance(checkpoint, dict):
        raise BadModel(
            f'{path} holds a {type(checkpoint).__name__}, expected a checkpoint as ultralytics '
            'saves it: a dict with a model.'
        )
    return checkpoint


class _StandIn(type):
    """Stand for a layer's class in a pickle: it can be made empty but not constructed."""

    layer: type

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise UnpicklingError(
            f'it constructs {cls.layer.__module__}.{cls.layer.__qualname__} with arguments of '
            'its own, where saved models are only filled.'
        )


def _stand_in(layer: Any) -> _StandIn:
    def make_empty(_: type, *args: Any) -> Any:
        if args:
            raise UnpicklingError(f'it passes arguments to {layer.__qualname__}.__new__.')
        return layer.__new__(layer)

    return _StandIn(layer.__qualname__, (), {'__new__': make_empty, 'layer': layer})


def _get_method(owner: Any, name: str) -> Any:
    """Stand for getattr in a pickle: give the forward methods of layers, nothing else."""
    if name in _METHODS and isinstance(owner, _StandIn):
        return getattr(owner.layer, name)
    if name in _METHODS and isinstance(owner, torch.nn.Module):
        return getattr(type(owner), name).__get__(owner)
    raise UnpicklingError(f'it reads the attribute {name!r} of a {type(owner).__name__}.')


def _values() -> dict[str, Any]:
    """Return what checkpoints hold besides layers: paths, numbers and training arguments."""
    scalar = np.float64(0).__reduce__()[0]
    arguments = import_quietly('ultralytics.utils').IterableSimpleNamespace
    return {
        'builtins.getattr': _get_method,
        '__builtin__.getattr': _get_method,
        'numpy.dtype': np.dtype,
        'numpy.core.multiarray.scalar': scalar,
        'numpy._core.multiarray.scalar': scalar,
        'ultralytics.utils.IterableSimpleNamespace': arguments,
        **{
            f'{module}.{name}': PurePath
            for module in ('pathlib', 'pathlib._local')
            for name in ('PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath')
        },
    }


def _allowed(path: Path, wanted: list[str]) -> list[Any]:
    """Return torch's allow-list entries for the globals that a checkpoint names."""
    values, entries = _values(), []
    for name in wanted:
        if name in values:
            entries.append((values[name], name))
            if name == 'numpy.dtype':  # numpy makes the class of each dtype on the fly
                entries.append((type(np.dtype(np.float64)), f'{uuid4().hex}.dtype'))
            continue
        layer = _find_layer(name)
        if layer is None:
            raise UnsafeModel(
                f'{path} is refused: it asks for {name}, which is no network layer of torch, '
                f'ultralytics or roof_detector. {_TRUST}'
            )
        # torch fills an object only if its class is listed as well: under a name that no file
        # can guess, so that the file itself reaches nothing but the stand-in.
        entries += [(_stand_in(layer), name), (layer, f'{uuid4().hex}.{name}')]
    return entries


def _find_layer(name: str) -> type | None:
    module_name, _, attribute = name.rpartition('.')
    packages = (*_LAYERS, _OUR_LAYERS)
    in_package = any(f'{module_name}.'.startswith(f'{package}.') for package in packages)
    if not in_package and module_name not in _LOSSES:
        return None
    try:
        found = getattr(importlib.import_module(module_name), attribute, None)
    except ImportError:
        return None
    if not isinstance(found, type) or found.__module__ != module_name:
        return None
    return found if module_name in _LOSSES or issubclass(found, torch.nn.Module) else None


def _first_line(error: BaseException) -> str:
    # torch wraps the reason for a refusal in advice to read the file without restriction.
    reason = str(error).rpartition('WeightsUnpickler error:')[2].strip()
    return reason.split('\n', maxsplit=1)[0] or type(error).__name__
