# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The variants that prove the parts: each by itself in the stock network, and in pairs."""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from training.compose.backbones import OWN, TIMM_BACKBONES
from training.compose.description import NONE, Description
from training.compose.errors import ComposeError
from training.compose.parts import (
    ATTENTION,
    BOX_LOSSES,
    CLASS_LOSSES,
    DOWNSAMPLING,
    HEADS,
    NECKS,
    SCALES,
    STAGES,
    UPSAMPLING,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    Choice = dict[str, Any]
    Pair = tuple[tuple[str, Any], tuple[str, Any]]

# One of each family stands for it in pairs; every one stands by itself.
_FAMILIES: Final = (
    OWN, 'mobilenetv4_conv_small', 'efficientvit_b0', 'fastvit_t8', 'repvit_m1', 'starnet_s050',
    'ghostnetv2_100', 'ghostnetv3_050', 'edgenext_xx_small', 'convnext_atto', 'lcnet_050',
    'tinynet_e', 'mnasnet_small', 'hgnetv2_b0', 'mobileone_s0', 'regnetx_002', 'dla46_c',
)  # fmt: skip
FACTORS: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        'backbone': (OWN, *TIMM_BACKBONES),
        'stages': (NONE, *STAGES),
        'attention': (NONE, *ATTENTION),
        'neck': tuple(NECKS),
        'upsampling': tuple(UPSAMPLING),
        'backbone_downsampling': tuple(DOWNSAMPLING),
        'neck_downsampling': tuple(DOWNSAMPLING),
        'head': tuple(HEADS),
        'box_loss': BOX_LOSSES,
        'class_loss': CLASS_LOSSES,
    }
)
STOCK: Final[Mapping[str, Any]] = MappingProxyType(
    {key: values[0] for key, values in FACTORS.items()}
)


def all_variants() -> list[Description]:
    """Return the stock network, each part in it, and an array that covers all pairs of parts.

    Every pair of parts that fit each other occurs; of backbones, those of one family stand for
    each other in pairs. The order is always the same.
    """
    found: dict[str, Description] = {}
    for choice in (*_single_parts(), *_covering_array()):
        made = described(choice)
        if made is not None:
            found.setdefault(repr(made), made)
    return list(found.values())


def covering_subset() -> list[Description]:
    """Return few variants in which every part occurs; of backbones, one of each family."""
    factors = {**FACTORS, 'backbone': _FAMILIES}
    waiting = {factor: list(values) for factor, values in factors.items()}
    found: list[Description] = []
    while any(waiting.values()):
        choice: Choice = {}
        made = None
        for factor, values in factors.items():
            for value in (*waiting[factor], *values):
                fitting = described({**choice, factor: value})
                if fitting is not None:
                    choice[factor], made = value, fitting
                    break
        for factor, value in choice.items():
            if value in waiting[factor]:
                waiting[factor].remove(value)
        assert made is not None
        found.append(made)
    return found


def spread_sample(count: int) -> list[Description]:
    """Return so many variants, evenly from all."""
    variants = all_variants()
    if not 0 < count < len(variants):
        return variants
    return [variants[place * len(variants) // count] for place in range(count)]


def described(choice: Mapping[str, Any]) -> Description | None:
    """Return the description of a choice of parts, None if they do not fit each other."""
    values = dict(choice)
    if values.get('stages', NONE) == NONE:
        values.pop('stages', None)
    try:
        return Description.of(values)
    except ComposeError:
        return None


def _single_parts() -> Iterator[Choice]:
    yield {}
    for factor, values in FACTORS.items():
        yield from ({factor: value} for value in values[1:])
    # In pairs scale n stands for all: a block sees no more of it than its channels.
    yield from ({'scale': scale} for scale in SCALES if scale != Description().scale)


def _covering_array() -> Iterator[Choice]:
    """Yield choices that together hold all pairs, each with as many new ones as it can."""
    factors = {**FACTORS, 'backbone': _FAMILIES}
    # What does not fit is a matter of two parts, so a choice fits if all its pairs do.
    fitting = {
        pair: None
        for one, other in itertools.combinations(factors, 2)
        for a, b in itertools.product(factors[one], factors[other])
        if described(dict(pair := ((one, a), (other, b)))) is not None
    }
    covered: set[Pair] = set()
    for pair in fitting:
        if pair in covered:
            continue
        choice = dict(pair)
        for factor in (one for one in factors if one not in choice):
            choice[factor] = _best(factor, factors[factor], choice, fitting.keys(), covered)
        covered.update(_pairs(choice))
        yield choice


def _best(
    factor: str, values: Sequence[Any], choice: Choice, fitting: Set[Pair], covered: set[Pair]
) -> Any:
    """Return the value with the most pairs that are not covered yet, of those that fit."""
    best, most = STOCK[factor], -1
    for value in values:
        pairs = set(_pairs({**choice, factor: value}))
        if pairs <= fitting and (new := len(pairs - covered)) > most:
            best, most = value, new
    return best


def _pairs(choice: Choice) -> Iterator[Pair]:
    ordered = [(factor, choice[factor]) for factor in FACTORS if factor in choice]
    yield from itertools.combinations(ordered, 2)
