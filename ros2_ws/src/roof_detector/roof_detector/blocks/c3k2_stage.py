# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The C3k2 stage of YOLO11 around any inner block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from ultralytics.nn.modules import C2f
from ultralytics.nn.modules.block import C3k

if TYPE_CHECKING:
    from collections.abc import Callable


class C3k2Stage(C2f):
    """A stage that splits, runs n inner blocks one after another, and joins all their outputs.

    x (b, c1, h, w) -> (b, c2, h, w). `inner` makes a block that keeps its number of channels. With
    c3k (the scales m, l, x) each inner block is a C3k of two, as in the stock stage. A subclass
    gives `inner` and adds its options; see context_guided.py.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        *,
        c3k: bool = False,
        e: float = 0.5,
        inner: Callable[[int], nn.Module],
    ) -> None:
        super().__init__(c1, c2, n=n, e=e)
        blocks = (_c3k(self.c, inner) if c3k else inner(self.c) for _ in range(n))
        self.m = nn.ModuleList(blocks)


def _c3k(channels: int, inner: Callable[[int], nn.Module]) -> C3k:
    stage = C3k(channels, channels, n=2)
    hidden = stage.cv1.conv.out_channels
    stage.m = nn.Sequential(inner(hidden), inner(hidden))
    return stage
