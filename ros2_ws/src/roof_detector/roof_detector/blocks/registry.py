# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The registry of network blocks, through which a model YAML can name them.

A block takes part in ultralytics' model files by one line above its class::

    @register(stands_for='C3k2')
    class MSBlock(nn.Module):
        def __init__(self, c1: int, c2: int, *, kernel_sizes=(1, 3, 3)): ...

`stands_for` names the stock module whose place the block takes in a YAML row. The row is written
with that module's arguments, and ends, if the block has options of its own, with a mapping::

    - [-1, 2, MSBlock, [512, False, 0.25, {kernel_sizes: [1, 5, 5]}]]

Ultralytics' own parser reads the row as the stock module would be read (width, depth and channel
limits of the scale, C3k in the larger scales, channel sums, the head's list of channels). The
block's constructor then receives, by name, those of the stock module's arguments that it has
parameters for, and the mapping:

- `'C3k2'`: c1, c2, n (repeats at this scale), c3k, e, attn, g, shortcut. For whatever is a stage.
- `'Conv'`: c1, c2, k, s, p, g, d, act. For downsamplers (write the row `[c2, 3, 2]`) and for
  single layers (`[c2, 1, 1]`).
- `'CBFuse'`: nothing. For what joins maps of one shape into one of the same channels; its row has
  no arguments but the options.
- `'Detect'`: nc, reg_max, end2end, ch. For detection heads; subclass ultralytics' Detect.
- `'Segment'`: nc, nm, npr, reg_max, end2end, ch. For segmentation heads; subclass Segment. The
  name of a head contains Detect or Segment: ultralytics guesses the task from it.

A stage without a parameter for the repeats is repeated in a Sequential, the first from c1 to c2,
the others from c2 to c2; `repeats='layers_num'` hands them to that parameter instead.

Registered classes live at module level, in a file that keeps its name: a trained checkpoint finds
them by their path.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from torch import nn
from ultralytics.nn import tasks

from roof_detector.blocks.errors import BlocksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Block = TypeVar('Block', bound=type[nn.Module])

STAND_INS = ('C3k2', 'Conv', 'CBFuse', 'Detect', 'Segment')


@dataclass(frozen=True, kw_only=True)
class Registration:
    """The link between the name in a YAML row and the class that is built for it."""

    block: type[nn.Module]
    stands_for: str
    repeats: str
    texts: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the name that a YAML row uses."""
        return self.block.__name__

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Return the parameters of the block's constructor by name."""
        return inspect.signature(self.block).parameters


_registrations: dict[str, Registration] = {}


def register(
    *, stands_for: str, repeats: str = 'n', texts: Mapping[str, str] | None = None
) -> Callable[[Block], Block]:
    """Make a block class available to model YAMLs under its own name.

    `stands_for` is one of STAND_INS; `repeats` names the constructor's parameter for the number of
    repeats. `texts` has a regular expression for each option that is a text: an architecture that
    is read from a file may hold no other. Raises BlocksError for an unknown stand-in or a name
    that is taken.
    """
    if stands_for not in STAND_INS:
        msg = (
            f"A block cannot stand for '{stands_for}': choose one of {', '.join(STAND_INS)}, "
            'or teach stand_ins.py to read that module.'
        )
        raise BlocksError(msg)

    def add(block: Block) -> Block:
        name = block.__name__
        if hasattr(tasks, name):
            msg = f"'{name}' is a module of ultralytics itself, name the block differently."
            raise BlocksError(msg)
        known = _registrations.get(name)
        if known is not None and known.block.__module__ != block.__module__:
            msg = (
                f"'{name}' is registered by {known.block.__module__} already, "
                f'{block.__module__} must name its block differently.'
            )
            raise BlocksError(msg)
        _registrations[name] = Registration(
            block=block, stands_for=stands_for, repeats=repeats, texts=dict(texts or {})
        )
        return block

    return add


def registered() -> Mapping[str, Registration]:
    """Return a live view of all registrations by name."""
    return MappingProxyType(_registrations)
