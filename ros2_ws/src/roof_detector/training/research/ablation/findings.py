# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The results of an ablation, and the conclusions that they allow."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.research.ablation.trial_result import TrialResult


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The results and failures of an ablation by variant, the baseline's first.

    `failures` gives reasons by trial, as in `SnakeConv, seed 1`; `time_ratios` the time of a
    forward pass over that of the baseline.
    """

    baseline: str
    labels: tuple[str, ...]
    seeds: tuple[int, ...]
    results: Mapping[str, Sequence[TrialResult]]
    failures: Mapping[str, str]
    time_ratios: Mapping[str, float]

    def scores(self, label: str) -> list[float]:
        """Return the mAP50 of a variant, seed by seed."""
        found = [result.map50 for result in self.results.get(label, ())]
        return [score for score in found if score is not None]

    def gain(self, label: str) -> float | None:
        """Return the gain in mAP50 of a variant over the baseline, for seeds that both have."""
        base = {one.seed: one.map50 for one in self.results.get(self.baseline, ())}
        pairs = [
            one.map50 - other
            for one in self.results.get(label, ())
            if one.map50 is not None and (other := base.get(one.seed)) is not None
        ]
        return mean(pairs) if pairs else None

    def verdicts(self) -> list[str]:
        """Return sentences with the conclusion that the seeds allow for each variant."""
        base = self.scores(self.baseline)
        others = [label for label in self.labels if label != self.baseline and self.scores(label)]
        if not base or not others:
            return [f'{self.baseline} has no result to compare with.'] if others else []
        if len(base) < 2:
            return [
                'One seed tells nothing of chance: training twice with other seeds moves the '
                'figures too. Do not choose between neighbours in this table.'
            ]
        ahead = [label for label in others if min(self.scores(label)) > max(base)]
        behind = [label for label in others if max(self.scores(label)) < min(base)]
        level = [label for label in others if label not in (*ahead, *behind)]
        return [
            f'{what}: {", ".join(which)}.'
            for what, which in (
                (f'Better than {self.baseline} with every seed', ahead),
                (f'Worse than {self.baseline} with every seed', behind),
                (f'Not to be told from {self.baseline}, for the seeds overlap', level),
            )
            if which
        ]
