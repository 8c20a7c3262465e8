# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The differences between two computations of one network, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.inference.options import ExportPrecision


@dataclass(frozen=True)
class ParityLimits:
    """The greatest allowed differences of an export.

    `box_px` in pixels of the network's input, `confidence` in 0..1, `mask_share` as the share of
    the masks' pixels that differ.
    """

    box_px: float = 0.5
    confidence: float = 5e-3
    mask_share: float = 0.01

    @classmethod
    def for_precision(cls, precision: ExportPrecision) -> ParityLimits:
        """Return the limits of an export in FP32 or FP16.

        Rounding to FP16 alone moves confidences by up to 0.014 and boxes of uncertain anchors by
        3.6 pixels (docs/concepts/backends.md), which the limits allow.
        """
        return cls(box_px=6.0, confidence=0.03, mask_share=0.02) if precision == 'f16' else cls()

    @classmethod
    def of_self_test(cls, precision: str) -> ParityLimits:
        """Return the limits of a backend on the golden images of a package.

        A self-test detects other or damaged weights, and must not fail because of rounding: BF16
        moved the confidences of `roofs` by 0.056 and a box by 3.9 pixels on its golden images, and
        a box of an uncertain network by 78. So boxes are compared on the largest golden image
        alone, while other weights also move the confidences. INT8 moves these further; how much
        it may lose is judged on labelled images, by its package's statement.
        """
        if precision == 'int8':
            return cls(box_px=1024.0, confidence=0.4, mask_share=0.2)
        return (
            cls() if precision == 'f32' else cls(box_px=1024.0, confidence=0.12, mask_share=0.04)
        )


@dataclass(frozen=True, kw_only=True)
class FrameParity:
    """The greatest differences in one frame; `mask_share` is 0 without masks."""

    frame: int
    size_wh: tuple[int, int]
    best_confidence: float
    box_px: float
    confidence: float
    mask_share: float

    def holds(self, limits: ParityLimits) -> bool:
        """Return whether all differences are within the limits; NaN is not."""
        return (
            self.box_px <= limits.box_px
            and self.confidence <= limits.confidence
            and self.mask_share <= limits.mask_share
        )


@dataclass(frozen=True)
class ParityReport:
    """The comparison of all frames."""

    frames: tuple[FrameParity, ...]
    limits: ParityLimits

    @property
    def holds(self) -> bool:
        """Return whether the export may be used."""
        return all(frame.holds(self.limits) for frame in self.frames)

    @property
    def worst(self) -> FrameParity:
        """Return the frame with the greatest difference relative to the limits."""
        limits = self.limits
        return max(
            self.frames,
            key=lambda one: max(
                one.box_px / limits.box_px,
                one.confidence / limits.confidence,
                one.mask_share / limits.mask_share,
            ),
        )

    def table(self) -> str:
        """Return a Markdown table, one frame a row, the limits last."""
        limits = self.limits
        rows = [
            ('frame', 'pixels', 'highest confidence', 'box (px)', 'confidence', 'masks', ''),
            ('---', '---', '---:', '---:', '---:', '---:', '---'),
            *(
                (
                    str(one.frame),
                    f'{one.size_wh[0]}x{one.size_wh[1]}',
                    f'{one.best_confidence:.3f}',
                    f'{one.box_px:.2e}',
                    f'{one.confidence:.2e}',
                    f'{one.mask_share:.2e}',
                    'ok' if one.holds(limits) else 'off',
                )
                for one in self.frames
            ),
            (
                'limit',
                '',
                '',
                f'{limits.box_px}',
                f'{limits.confidence}',
                f'{limits.mask_share}',
                '',
            ),
        ]
        return '\n'.join(f'| {" | ".join(cells)} |' for cells in rows)
