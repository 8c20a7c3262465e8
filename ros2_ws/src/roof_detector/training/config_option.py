# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One option of a training run: its default, its range and the reason for both."""

from __future__ import annotations

from dataclasses import Field, field
from typing import Any

from training.errors import TrainingError


def option(
    default: Any = ...,
    *,
    reason: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Return a field of the configuration; without a default it is required.

    `choices` are the words that a text option accepts, or that may replace a number.
    """
    metadata = {'reason': reason, 'low': low, 'high': high, 'choices': choices}
    if default is ...:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def check_option(of: Field[Any], value: Any) -> Any:
    """Return the value as the field's type, or raise a TrainingError that says what is wrong."""
    kinds = {name.strip() for name in str(of.type).split('|')}
    choices = of.metadata['choices']
    if value in choices and isinstance(value, str):
        return value
    if 'bool' in kinds:
        if isinstance(value, bool):
            return value
    elif 'float' in kinds or 'int' in kinds:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole or (isinstance(value, float) and 'float' in kinds):
            return _in_range(of, float(value) if 'float' in kinds else value)
    elif isinstance(value, str) and not choices:
        return value
    msg = f'{of.name} is {value!r}, expected {expected(of)}.'
    raise TrainingError(msg)


def expected(of: Field[Any]) -> str:
    """Return a description of the values that a field accepts."""
    kinds = {name.strip() for name in str(of.type).split('|')}
    low, high, choices = (of.metadata[key] for key in ('low', 'high', 'choices'))
    words = [' or '.join(choices)] if choices else []
    if 'bool' in kinds:
        words.append('true or false')
    elif 'float' in kinds or 'int' in kinds:
        number = 'a number' if 'float' in kinds else 'a whole number'
        if low is not None and high is not None:
            number += f' from {low:g} to {high:g}'
        elif low is not None:
            number += f' from {low:g}'
        words.append(number)
    elif not choices:
        words.append('text')
    return ', or '.join(words)


def _in_range(of: Field[Any], value: float) -> float:
    low, high = of.metadata['low'], of.metadata['high']
    too_low = low is not None and value < low
    too_high = high is not None and value > high
    if too_low or too_high or value != value:  # noqa: PLR0124  (only NaN differs from itself)
        msg = f'{of.name} is {value!r}, expected {expected(of)}.'
        raise TrainingError(msg)
    return value
