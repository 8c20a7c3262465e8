# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The check of a network's architecture, given as data, before ultralytics' parser reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from roof_detector.inference.errors import BadModel

# Ultralytics' modules for detection and segmentation; those that download weights, call other
# functions by name or need a language model are left out.
_MODULES = (
    'A2C2f AConv ADown AIFI Bottleneck BottleneckCSP C1 C2 C2PSA C2f C2fCIB C2fPSA C3 C3Ghost '
    'C3TR C3k2 C3x CBFuse CBLinear Concat Conv Conv2 ConvTranspose DWConv DWConvTranspose2d '
    'ELAN1 Focus GhostBottleneck GhostConv HGBlock HGStem Index LightConv PSA RepC3 RepConv '
    'RepNCSPELAN4 ResNetLayer SCDown SPP SPPELAN SPPF '
    'nn.AvgPool2d nn.BatchNorm2d nn.Conv2d nn.ConvTranspose2d nn.Identity nn.MaxPool2d nn.ReLU '
    'nn.SiLU nn.Upsample nn.ZeroPad2d'
)
STOCK_MODULES = frozenset(_MODULES.split())
STOCK_HEADS = frozenset({'Detect', 'Segment', 'Segment26', 'v10Detect'})
ACTIVATIONS = frozenset(
    f'{prefix}{name}'
    for prefix in ('nn.', 'torch.nn.')
    for name in (
        'ELU()', 'GELU()', 'Hardswish()', 'Identity()', 'LeakyReLU()', 'LeakyReLU(0.1)', 'Mish()',
        'ReLU()', 'ReLU6()', 'SiLU()', 'Sigmoid()', 'Softplus()', 'Tanh()',
    )
)  # fmt: skip
_TEXTS = frozenset({'nc', 'None', 'True', 'False', 'nearest', 'bilinear', 'bicubic', 'area'})

MOST_CLASSES = 10_000
_MOST_ROWS = 300
_MOST_REPEATS = 100
_MOST_CHANNELS = 16  # of an image: RGB, thermal, multispectral
_MOST = 8192  # of any number in a row: the widest stock layers have 1024 channels
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_. -]{0,199}')
_OPTION = re.compile(r'[a-z_][a-z0-9_]{0,63}')


def check_architecture(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a model mapping that the parser may read, or raise `BadModel`.

    The mapping is that of an ultralytics model YAML: `nc`, `backbone`, `head` and optionally
    `scales` with `scale`, `depth_multiple`, `width_multiple`, `activation`, `reg_max`, `end2end`,
    `channels`, `inplace`, `yaml_file`. The parser evaluates texts and looks modules up by name,
    so every value is on an allow-list: known layers, known activations, numbers within bounds.
    Two keys are ours: `class_branch`, the width of a head's class branch where it is not the one
    that follows from the number of classes, and `fused`, whether the normalisations are folded in.
    """
    if not isinstance(mapping, Mapping):
        msg = f'is a {type(mapping).__name__}, expected a mapping'
        raise _bad(msg)
    unknown = sorted(_shown(key) for key in set(mapping) - set(_CHECKS))
    if unknown:
        msg = f'has the unknown key {unknown[0]!r}; known are {", ".join(sorted(_CHECKS))}'
        raise _bad(msg)
    for key in ('nc', 'backbone', 'head'):
        if key not in mapping:
            msg = f'lacks the key {key!r}'
            raise _bad(msg)
    checked = {
        key: _CHECKS[key](value, key)
        for key, value in mapping.items()
        if value not in (None, '') or key == 'end2end'  # no scale is an empty text
    }
    scales = checked.get('scales')
    scale = checked.get('scale')
    if scales and not scale:
        checked['scale'] = scale = next(iter(scales))
    if scales and scale not in scales:
        msg = f'has the scale {scale!r}, expected one of {", ".join(scales)}'
        raise _bad(msg)
    rows = [*checked['backbone'], *checked['head']]
    if not checked['backbone'] or not checked['head'] or len(rows) > _MOST_ROWS:
        msg = f'has {len(rows)} rows, expected a backbone and a head of 1 to {_MOST_ROWS}'
        raise _bad(msg)
    for index, row in enumerate(rows):
        _check_row(index, row, is_last=index == len(rows) - 1)
    return checked


def _bad(what: str) -> BadModel:
    return BadModel(
        f'The architecture {what}. It is not one that is built here: use a model that ultralytics '
        'or this package trained for detection or segmentation.'
    )


def _shown(value: Any) -> str:
    """Return the start of a value; Python prints no integer of more than 4300 digits."""
    try:
        return str(value)[:60]
    except ValueError:
        return 'a vast number'


def _known_modules() -> frozenset[str]:
    # Importing the blocks registers ours, and imports torch.
    from roof_detector.inference.quiet_ultralytics import import_quietly  # noqa: PLC0415

    return frozenset(import_quietly('roof_detector.blocks.registry').registered())


def _is_head(name: str) -> bool:
    if name in STOCK_HEADS:
        return True
    if name in STOCK_MODULES:
        return False
    from roof_detector.inference.quiet_ultralytics import import_quietly  # noqa: PLC0415

    entry = import_quietly('roof_detector.blocks.registry').registered()[name]
    return entry.stands_for in STOCK_HEADS


def _check_row(index: int, row: list[Any], *, is_last: bool) -> None:
    """Check a row of the architecture: existing sources, a known module, arguments as data."""
    sources, repeats, module, arguments = row
    for source in sources if isinstance(sources, list) else [sources]:
        if not (-max(index, 1) <= source < max(index, 1)):
            msg = f'takes the input of row {index} from row {source}, which is not there'
            raise _bad(msg)
    if not 1 <= repeats <= _MOST_REPEATS:
        msg = f'repeats row {index} {repeats} times, expected 1 to {_MOST_REPEATS}'
        raise _bad(msg)
    if module not in STOCK_MODULES | STOCK_HEADS and module not in _known_modules():
        msg = f'names the module {module[:60]!r} in row {index}, which is not a known layer'
        raise _bad(msg)
    if _is_head(module) != is_last:
        where = 'ends without a head' if is_last else 'has a head before its end'
        msg = f'{where}: row {index} is {module}'
        raise _bad(msg)
    options = arguments[-1] if arguments and isinstance(arguments[-1], dict) else {}
    if options and module in STOCK_MODULES | STOCK_HEADS:
        msg = f'gives options to {module} in row {index}, which takes none'
        raise _bad(msg)


def _rows(value: Any, key: str) -> list[list[Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MOST_ROWS:
        msg = f'has no list of at most {_MOST_ROWS} rows as {key}'
        raise _bad(msg)
    return [_row(row, key) for row in value]


def _row(row: Any, key: str) -> list[Any]:
    if not isinstance(row, list | tuple) or len(row) != 4:
        msg = f'has a row in {key} that is not a list of source, repeats, module, arguments'
        raise _bad(msg)
    source, repeats, module, arguments = row
    if not isinstance(module, str):
        msg = f'names a module by a {type(module).__name__} in {key}'
        raise _bad(msg)
    if not isinstance(arguments, list | tuple) or len(arguments) > 16:
        msg = f'has no list of at most 16 arguments for {module[:60]} in {key}'
        raise _bad(msg)
    *plain, last = arguments or [None]
    checked = [_argument(one) for one in plain]
    if arguments:
        checked.append(_options(last, module) if isinstance(last, Mapping) else _argument(last))
    return [
        [_integer(one, key) for one in source]
        if isinstance(source, list | tuple) and 0 < len(source) <= 32
        else _integer(source, key),
        _integer(repeats, key),
        module,
        checked,
    ]


def _options(value: Mapping[Any, Any], module: str) -> dict[str, Any]:
    if len(value) > 16:
        msg = f'gives {len(value)} options to a block, expected at most 16'
        raise _bad(msg)
    for name in value:
        if not isinstance(name, str) or not _OPTION.fullmatch(name):
            msg = f'names the option {_shown(name)!r}, expected an identifier'
            raise _bad(msg)
    return {
        name: one if _is_text_of(module, name, one) else _argument(one, texts=frozenset())
        for name, one in value.items()
    }


def _is_text_of(module: str, option: str, value: Any) -> bool:
    """Return whether a block of ours takes a text as an option's value."""
    if not isinstance(value, str):
        return False
    from roof_detector.inference.quiet_ultralytics import import_quietly  # noqa: PLC0415

    entry = import_quietly('roof_detector.blocks.registry').registered().get(module)
    pattern = None if entry is None else entry.texts.get(option)
    return pattern is not None and re.fullmatch(pattern, value) is not None


def _argument(value: Any, *, texts: frozenset[str] = _TEXTS) -> Any:
    """Return an argument that is a literal; the parser would look up or evaluate other texts."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and value in texts):
        return value
    if isinstance(value, int | float) and abs(value) <= _MOST:  # NaN fails this
        return value
    if isinstance(value, list | tuple) and len(value) <= 32:
        numbers = [_argument(one, texts=frozenset()) for one in value]
        if not any(isinstance(one, list) for one in numbers):
            return numbers
    msg = (
        f'has the argument {_shown(value)!r}, expected a number of at most {_MOST}, a list of '
        f'such or one of {", ".join(sorted(texts)) or "true, false"}'
    )
    raise _bad(msg)


def _integer(value: Any, key: str, *, least: int = -_MOST, most: int = _MOST) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        msg = f'has {_shown(value)!r} in {key}, expected an integer of {least} to {most}'
        raise _bad(msg)
    return value


def _number(value: Any, key: str, *, most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= most:
        msg = f'has {_shown(value)!r} in {key}, expected a number above 0 up to {most}'
        raise _bad(msg)
    return float(value)


def _scales(value: Any, key: str) -> dict[str, list[float]]:
    if not isinstance(value, Mapping) or not 0 < len(value) <= 16:
        msg = f'has no mapping of 1 to 16 scales as {key}'
        raise _bad(msg)
    return {_name(name, key): _scale(one, key) for name, one in value.items()}


def _scale(value: Any, key: str) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        msg = f'has a scale in {key} that is not a list of depth, width, most channels'
        raise _bad(msg)
    depth, width = (_number(one, key, most=4.0) for one in value[:2])
    return [depth, width, _integer(value[2], key, least=8)]


def _name(value: Any, key: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        msg = f'has {_shown(value)!r} as {key}, expected a short name'
        raise _bad(msg)
    return value


def _activation(value: Any, _: str) -> str:
    text = ''.join(value.split()) if isinstance(value, str) else ''
    if text not in ACTIVATIONS:
        msg = (
            f'has the activation {_shown(value)!r}, expected one of '
            f'{", ".join(sorted(one for one in ACTIVATIONS if one.startswith("nn.")))}'
        )
        raise _bad(msg)
    return text


def _truth(value: Any, key: str) -> bool:
    if not isinstance(value, bool):
        msg = f'has {_shown(value)!r} as {key}, expected true or false'
        raise _bad(msg)
    return value


_CHECKS: Mapping[str, Any] = {
    'nc': lambda value, key: _integer(value, key, least=1, most=MOST_CLASSES),
    'backbone': _rows,
    'head': _rows,
    'scales': _scales,
    'scale': _name,
    'depth_multiple': lambda value, key: _number(value, key, most=4.0),
    'width_multiple': lambda value, key: _number(value, key, most=4.0),
    'activation': _activation,
    'reg_max': lambda value, key: _integer(value, key, least=1, most=64),
    'end2end': lambda value, key: value if value is None else _truth(value, key),
    'channels': lambda value, key: _integer(value, key, least=1, most=_MOST_CHANNELS),
    'inplace': _truth,
    'yaml_file': _name,
    'class_branch': lambda value, key: _integer(value, key, least=1),
    'fused': _truth,
}
ARCHITECTURE_KEYS = frozenset(_CHECKS)
