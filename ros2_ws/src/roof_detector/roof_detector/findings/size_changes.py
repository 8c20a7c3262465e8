# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which objects of two inspections grew or shrank, beside what makes all of them look larger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from roof_detector.findings.change_sentences import change_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roof_detector.findings.roof_finding import FindingSize, RoofFinding

_LEAST_CHANGE = 0.2  # of an area: masks of one object differ by less
_SIGMAS = 3.0  # of many unchanged objects one in twenty differs by two
_LEAST_FOR_FACTOR = 5
_LEAST_FOR_SPREAD = 8
_MEDIAN_TO_SIGMA = 1.4826  # of the absolute values of a normal distribution
_WIDEST = 2.0  # how many times as large as stated the deviations may turn out to be
_LEAST_SIGMA = 0.12  # of the logarithm: walls and outlines are seen otherwise each time


@dataclass(frozen=True, kw_only=True)
class SizeAgreement:
    """How the areas of the same objects differ between two inspections where nothing changed.

    An error of the height of a flight scales all of its areas alike: `factor` is that of the new
    areas to the old ones, from `pairs` objects that both inspections have. `widening` is how the
    differences that are left compare with their stated deviations.
    """

    factor: float = 1.0
    widening: float = 1.0
    pairs: int = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[RoofFinding, RoofFinding]]) -> SizeAgreement:
        """Return the agreement of pairs, most of which are taken to be unchanged.

        Without enough of them, or where their factor is beyond what their deviations allow, sizes
        are compared as they are.
        """
        ratios = [found for old, new in pairs if (found := _log_ratio(old.size, new.size))]
        if len(ratios) < _LEAST_FOR_FACTOR:
            return cls()
        common = median(ratio for ratio, _ in ratios)
        if abs(common) > _SIGMAS * median(sigma for _, sigma in ratios):
            return cls()
        widening = 1.0
        if len(ratios) >= _LEAST_FOR_SPREAD:
            left = median(abs(ratio - common) / sigma for ratio, sigma in ratios)
            widening = min(max(_MEDIAN_TO_SIGMA * left, 1.0), _WIDEST)
        return cls(factor=math.exp(common), widening=widening, pairs=len(ratios))

    def change(self, old: FindingSize, new: FindingSize) -> int:
        """Return 1 where an object grew, -1 where it shrank, 0 where that cannot be said."""
        found = _log_ratio(old, new)
        if found is None:
            return 0
        ratio, sigma = found[0] - math.log(self.factor), found[1] * self.widening
        least = max(_SIGMAS * sigma, math.log1p(_LEAST_CHANGE))
        return 0 if abs(ratio) <= least else int(math.copysign(1, ratio))

    def sentence(self, old: FindingSize, new: FindingSize, language: str) -> str:
        """Return what was compared, in words."""
        _, sigma = _log_ratio(old, new) or (0.0, 0.0)
        is_scaled = self.pairs and abs(self.factor - 1) >= 0.01
        return change_sentence(
            language,
            'sizes_scaled' if is_scaled else 'sizes',
            old=old.area_m2,
            new=new.area_m2,
            scaled=new.area_m2 / self.factor,
            factor=self.factor,
            pairs=self.pairs,
            sigma=sigma * self.widening,
        )


def _log_ratio(old: FindingSize | None, new: FindingSize | None) -> tuple[float, float] | None:
    """Return the logarithm of the ratio of two areas and its deviation, None without both."""
    if old is None or new is None or old.is_from_mask != new.is_from_mask:
        return None
    if min(old.area_m2, new.area_m2) <= 0:
        return None
    sigma = math.hypot(old.area_error_m2 / old.area_m2, new.area_error_m2 / new.area_m2)
    return math.log(new.area_m2 / old.area_m2), max(sigma, _LEAST_SIGMA)
