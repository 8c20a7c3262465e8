# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The limits of the difference between two computations of one network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParityLimits:
    """The greatest allowed differences of an export.

    `box_px` in pixels of the network's input, `score` in 0..1, `mask_share` as the share of the
    masks' pixels that differ.
    """

    box_px: float = 0.5
    score: float = 5e-3
    mask_share: float = 0.01

    @classmethod
    def for_precision(cls, precision: str) -> ParityLimits:
        """Return the limits of an export in FP32 or FP16.

        Rounding to FP16 alone moves confidences by up to 0.014 and boxes of uncertain anchors by
        3.6 pixels (docs/concepts/backends.md), which the limits allow.
        """
        return cls(box_px=6.0, score=0.03, mask_share=0.02) if precision == 'f16' else cls()

    @classmethod
    def of_self_test(cls, precision: str) -> ParityLimits:
        """Return the limits of a backend on the golden images of a package.

        A self-test detects other or damaged weights, and must not fail because of rounding: BF16
        moved the confidences of `roofs` by 0.056 and a box by 3.9 pixels on its golden images, and
        a box of an uncertain network by 78. So boxes are compared on the largest golden image
        alone, while other weights also move the confidences.
        """
        return cls() if precision == 'f32' else cls(box_px=1024.0, score=0.12, mask_share=0.04)
