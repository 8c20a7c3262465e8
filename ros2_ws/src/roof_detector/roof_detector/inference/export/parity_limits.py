# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How far two computations of one network may be apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParityLimits:
    """Say how far an export may be off.

    `box_px` in pixels of the network's input, `score` in 0..1, `mask_share` as the part of the
    masks' pixels that differ.
    """

    box_px: float = 0.5
    score: float = 5e-3
    mask_share: float = 0.01

    @classmethod
    def for_precision(cls, precision: str) -> ParityLimits:
        """Return the limits of an export in f32 or f16.

        Rounding to f16 alone moves scores by up to 0.014 and boxes of unsure anchors by 3.6
        pixels (docs/concepts/backends.md). That is not held against an export.
        """
        return cls(box_px=6.0, score=0.03, mask_share=0.02) if precision == 'f16' else cls()

    @classmethod
    def of_self_test(cls, precision: str) -> ParityLimits:
        """Return the limits within which a backend answers the golden images of a package.

        A self-test finds other or damaged weights, and must not refuse what rounding does: bf16
        moved the scores of `roofs` by 0.056 and a box by 3.9 pixels on its golden images, and a
        box of an unsure network by 78: boxes are held to the largest golden image alone, while
        other weights move the scores as well.
        """
        return cls() if precision == 'f32' else cls(box_px=1024.0, score=0.12, mask_share=0.04)
