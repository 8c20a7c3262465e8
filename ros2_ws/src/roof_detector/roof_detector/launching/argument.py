# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Arguments of launch files, and their conversion to parameter values."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.launching.errors import LaunchError
from roof_detector.ros.common.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from roof_detector.ros.common.parameters import Parameter, Value

_BOOLEANS = {'true': True, '1': True, 'false': False, '0': False}


@dataclass(frozen=True)
class Argument:
    """An argument as `--show-args` lists it; it is required if `default` is None."""

    name: str
    default: str | None
    description: str

    @classmethod
    def of(cls, parameter: Parameter, *, name: str = '') -> Argument:
        """Return the argument for a parameter, with the parameter's name or another one."""
        description = parameter.descriptor().description
        if parameter.minimum is not None and parameter.maximum is not None:
            description += f' From {parameter.minimum:g} to {parameter.maximum:g}.'
        return cls(name or parameter.name, text_of(parameter.default), description)


def text_of(value: Value) -> str:
    """Return a value in the syntax of the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)


def value_of(parameter: Parameter, text: str, *, name: str = '') -> Value:
    """Return the value of an argument's text; raise LaunchError if the text is invalid.

    A string parameter gets the text unchanged, with any characters.
    """
    try:
        return parameter.coerce(_plain(parameter, text, name or parameter.name))
    except ParameterError as error:
        raise LaunchError(str(error).replace(parameter.name, name or parameter.name, 1)) from error


def _plain(parameter: Parameter, text: str, name: str) -> Any:
    default = parameter.default
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in _BOOLEANS:
            msg = f'{name} is {text!r}, expected true or false.'
            raise LaunchError(msg)
        return _BOOLEANS[text.lower()]
    if isinstance(default, tuple):
        return _names(text, name)
    kind = 'whole number' if isinstance(default, int) else 'number'
    try:
        number = int(text) if isinstance(default, int) else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        msg = f'{name} is {text!r}, expected a {kind}.'
        raise LaunchError(msg)
    return number


def _names(text: str, name: str) -> list[str]:
    try:
        names = yaml.safe_load(text)
    except yaml.YAMLError:
        names = None
    if not isinstance(names, list):
        msg = f"{name} is {text!r}, expected a list of names such as ['one', 'two'], or []."
        raise LaunchError(msg)
    return [one if isinstance(one, str) else str(one) for one in names]


def refuse_unknown(names: Iterable[str], known: Sequence[str]) -> None:
    """Raise LaunchError for a name that is not an argument."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f' Did you mean {near[0]}?' if near else ''
            msg = f'There is no argument {name}.{hint} --show-args lists all arguments.'
            raise LaunchError(msg)
