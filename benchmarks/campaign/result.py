# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The tries and failures of a campaign.

A campaign is a module of this package that ends with

    if __name__ == '__main__':
        sys.exit(run_campaign('damaged_bags', attempt))

where `attempt(options, tally)` does the work and notes each try in the tally.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from benchmarks.bench.machine import describe_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RESULTS = Path(__file__).resolve().parents[1] / 'results' / 'campaign'
_SHOWN_FAILURES = 20


@dataclass(frozen=True)
class CampaignOptions:
    """The number of tries. `short` takes seconds and is used by the test suite."""

    short: bool
    seed: int

    def random(self) -> random.Random:
        """Return a random generator for the seed of this run."""
        return random.Random(self.seed)


@dataclass
class Tally:
    """Tries and failures so far, by kind, with figures that a campaign measured besides.

    A figure is a number or text with its unit in its name, such as `longest_s`.
    """

    attempts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def held(self, kind: str, *, times: int = 1) -> None:
        """Count successful tries of a kind."""
        self.attempts[kind] += times

    def failed(self, kind: str, what: str) -> None:
        """Count a failed try of a kind, with what happened."""
        self.attempts[kind] += 1
        self.failures.append(f'{kind}: {what}')

    def check(self, kind: str, what: str, *, holds: bool) -> None:
        """Count a try of a kind; a non-empty `what` describes its failure."""
        if holds:
            self.held(kind)
        else:
            self.failed(kind, what)


@dataclass(frozen=True, kw_only=True)
class CampaignResult:
    """The outcome of one run, as stored in the results folder."""

    name: str
    seed: int
    short: bool
    attempts: int
    failures: int
    seconds: float
    by_kind: Mapping[str, int]
    figures: Mapping[str, Any]
    failed: tuple[str, ...]
    run: Mapping[str, Any]

    def write(self, path: Path) -> None:
        """Write the result as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + '\n')


def run_campaign(name: str, attempt: Callable[[CampaignOptions, Tally], None]) -> int:
    """Run a campaign from the command line; return 0 if every promise held in every try.

    Nothing tried is a failure as well. A full run writes its result to the results folder, any
    run to `--output`.
    """
    parser = argparse.ArgumentParser(description=sys.modules[attempt.__module__].__doc__)
    parser.add_argument('--short', action='store_true', help='some seconds instead of minutes')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--output', type=Path, help='where to write the result')
    options = parser.parse_args()
    tally, began_s = Tally(), monotonic()
    attempt(CampaignOptions(short=options.short, seed=options.seed), tally)
    attempts = sum(tally.attempts.values())
    result = CampaignResult(
        name=name,
        seed=options.seed,
        short=options.short,
        attempts=attempts,
        failures=len(tally.failures),
        seconds=round(monotonic() - began_s, 1),
        by_kind=dict(sorted(tally.attempts.items())),
        figures=tally.figures,
        failed=tuple(tally.failures[:_SHOWN_FAILURES]),
        run=describe_run(),
    )
    if options.output or not options.short:
        result.write(options.output or RESULTS / f'{name}.json')
    for failure in result.failed:
        print(f'FAILED {failure}', file=sys.stderr)
    print(
        f'{name}: {result.attempts} attempts, {result.failures} failures, {result.seconds} s'
        + ''.join(f', {key} {value}' for key, value in result.figures.items())
    )
    return 0 if attempts and not tally.failures else 1
