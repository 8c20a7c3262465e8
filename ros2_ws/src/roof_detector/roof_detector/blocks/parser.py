# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The extension of ultralytics' model parser to the registered blocks.

The parser knows its modules by identity and has no hook. So a row that names one of our blocks is
translated to the stock module it stands for, the stock parser does all the arithmetic, and the
result is replaced by the block. Models without such rows are not affected. This depends on how the
parser reads rows, hence on its source, which is checked before anything is changed.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import ultralytics
from torch.nn import Module, Sequential
from ultralytics import nn
from ultralytics.nn import modules, tasks
from ultralytics.utils import LOGGER

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.model_files import find_model_file
from roof_detector.blocks.registry import registered
from roof_detector.blocks.stand_ins import build_block

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# SHA-256 of what the lowering relies on, see parser_fingerprint, with a release that has it.
KNOWN_PARSERS: Mapping[str, str] = {
    '0b140886a1ba9efb0c354d6cbd01d332f13eca59bb5eb77e657c5c571f36c450': '8.4.190',
}

ParsedModel = tuple[Sequential, list[int]]


def parser_fingerprint() -> str:
    """Hash the source of the stock parser and of the constructors of the stand-ins."""
    relied_on = (
        getattr(tasks.parse_model, '__wrapped__', tasks.parse_model),
        tasks.yaml_model_load,
        modules.C3k2.__init__,
        modules.Conv.__init__,
        modules.Detect.__init__,
        modules.Segment.__init__,
    )
    text = '\n'.join(inspect.getsource(part) for part in relied_on)
    return hashlib.sha256(text.encode()).hexdigest()


def install() -> None:
    """Wrap the parser and the lookup of model files, once per process.

    Raises BlocksError if this ultralytics has a parser that was not tested with the translation.
    """
    if hasattr(tasks.parse_model, 'stock'):
        return
    fingerprint = parser_fingerprint()
    if fingerprint not in KNOWN_PARSERS:
        releases = ', '.join(sorted(set(KNOWN_PARSERS.values())))
        msg = (
            f'The custom blocks do not know the model parser of ultralytics '
            f'{ultralytics.__version__} (fingerprint {fingerprint[:12]}), they know that of '
            f'{releases}. Install that release, or run the tests of the blocks against this one '
            'and add its fingerprint to KNOWN_PARSERS in blocks/parser.py.'
        )
        raise BlocksError(msg)
    extended = _extended(tasks.parse_model)
    vars(tasks)['parse_model'] = vars(nn)['parse_model'] = extended
    vars(tasks)['check_yaml'] = _with_own_files(vars(tasks)['check_yaml'])


def _extended(stock: Callable[..., ParsedModel]) -> Callable[..., ParsedModel]:
    @functools.wraps(stock)
    def parse_model(d: dict[str, Any], ch: int, verbose: bool = True) -> ParsedModel:  # noqa: FBT001, FBT002
        rows = d['backbone'] + d['head']
        own = {index: row for index, row in enumerate(rows) if row[2] in registered()}
        if not own:
            return stock(d, ch, verbose=verbose)
        lowered = _lower(d)
        layers, save = stock(lowered, ch, verbose=False)
        lowered_rows = lowered['backbone'] + lowered['head']
        for index, row in own.items():
            layers[index] = _swap(layers[index], row, lowered_rows[index][3])
        if verbose:
            _log_layers(layers, rows)
        return layers, save

    parse_model.stock = stock  # type: ignore[attr-defined]
    return parse_model


def _lower(d: dict[str, Any]) -> dict[str, Any]:
    if d.get('activation'):
        msg = (
            f'The model file sets activation: {d["activation"]}, which the custom blocks would '
            'not follow. Remove that line, or give the activation to the blocks as an option.'
        )
        raise BlocksError(msg)
    lowered = deepcopy(d)
    for row in lowered['backbone'] + lowered['head']:
        entry = registered().get(row[2])
        if entry is not None:
            row[2] = entry.stands_for
            row[3], _ = _split_options(row[3])
            if entry.stands_for == 'CBFuse':
                if row[3]:
                    msg = (
                        f'{entry.name} joins maps and takes no arguments but its options, '
                        f'not {row[3]}.'
                    )
                    raise BlocksError(msg)
                row[3] = [[]]  # its constructor wants a list of places
    return lowered


def _swap(stand_in: Module, row: list[Any], arguments: list[Any]) -> Module:
    entry = registered()[row[2]]
    block = build_block(entry, stand_in, arguments, _split_options(row[3])[1])
    vars(block).update(
        i=stand_in.i,
        f=stand_in.f,
        type=f'{entry.block.__module__}.{entry.name}',
        np=sum(weights.numel() for weights in block.parameters()),
    )
    return block


def _split_options(arguments: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    if arguments and isinstance(arguments[-1], dict):
        return list(arguments[:-1]), arguments[-1]
    return list(arguments), {}


def _log_layers(layers: Sequential, rows: list[list[Any]]) -> None:
    LOGGER.info(f'\n{"":>3}{"from":>20}{"params":>10}  {"module":<60}{"arguments":<30}')
    for layer, row in zip(layers, rows, strict=True):
        LOGGER.info(f'{layer.i:>3}{layer.f!s:>20}{layer.np:10.0f}  {layer.type:<60}{row[3]!s:<30}')


def _with_own_files(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def check_yaml(file: Any, *arguments: Any, **options: Any) -> Any:
        own = find_model_file(file)
        return stock(file, *arguments, **options) if own is None else str(own)

    return check_yaml
