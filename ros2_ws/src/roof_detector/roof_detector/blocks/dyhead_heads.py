# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Detection and segmentation heads that attend over the pyramid first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from ultralytics.nn.modules import Conv, Detect, Segment

from roof_detector.blocks.dyhead_block import DyHeadBlock
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    from collections.abc import Sequence


class DyHeadNeck(nn.Module):
    """A neck that brings every level to `hidden` channels and lets levels attend to each other.

    [(b, ch_l, h_l, w_l)] -> [(b, hidden, h_l, w_l)]. Each of the `blocks` blocks is shared by all
    levels.
    """

    def __init__(self, ch: Sequence[int], hidden: int, blocks: int) -> None:
        super().__init__()
        self.project = nn.ModuleList(Conv(c, hidden, 1) for c in ch)
        self.attend = nn.Sequential(*(DyHeadBlock(hidden) for _ in range(blocks)))

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the attended levels."""
        projected = [p(x) for p, x in zip(self.project, levels, strict=True)]
        attended: list[Tensor] = self.attend(projected)
        return attended


@register(stands_for='Detect')
class DyHeadDetect(Detect):
    """A detection head on levels attended by a dynamic head (Dai et al., arXiv:2106.08322).

    [(b, ch_l, h_l, w_l)] -> what ultralytics' Detect returns. `hidden` defaults to the channels of
    the finest level, which are 256 times the width of a YOLO11 scale: 64, 128, 256, 256, 384.
    """

    def __init__(
        self,
        nc: int = 80,
        reg_max: int = 16,
        end2end: bool = False,  # noqa: FBT001, FBT002  (the stock order)
        ch: Sequence[int] = (),
        *,
        hidden: int | None = None,
        blocks: int = 1,
    ) -> None:
        hidden = hidden or ch[0]
        super().__init__(nc, reg_max, end2end, [hidden] * len(ch))
        self.neck = DyHeadNeck(ch, hidden, blocks)

    def forward(self, x: list[Tensor]) -> Any:
        """Attend, then detect."""
        return super().forward(self.neck(x))


@register(stands_for='Segment')
class DyHeadSegment(Segment):
    """A segmentation head on levels attended by a dynamic head; see DyHeadDetect.

    The mask prototypes are made from the finest attended level.
    """

    def __init__(  # noqa: PLR0917  (the stock order)
        self,
        nc: int = 80,
        nm: int = 32,
        npr: int = 256,
        reg_max: int = 16,
        end2end: bool = False,  # noqa: FBT001, FBT002  (the stock order)
        ch: Sequence[int] = (),
        *,
        hidden: int | None = None,
        blocks: int = 1,
    ) -> None:
        hidden = hidden or ch[0]
        super().__init__(nc, nm, npr, reg_max, end2end, [hidden] * len(ch))
        self.neck = DyHeadNeck(ch, hidden, blocks)

    def forward(self, x: list[Tensor]) -> Any:
        """Attend, then detect and make masks."""
        return super().forward(self.neck(x))
