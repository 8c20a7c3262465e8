# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Compare the zoo: `python -m training.research.ablation config.yaml --output DIR`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from training.dataset import DatasetError
from training.errors import TrainingError
from training.evaluation import EvaluationError
from training.interruption import Interrupted, StopRequest, stop_on_signals
from training.machine import describe_machine
from training.research.ablation.execution import Execution
from training.research.ablation.plan import AblationPlan
from training.research.ablation.rehearsal import estimate, rehearsals, take_sample
from training.research.ablation.report import table_of, write_report
from training.research.ablation.trial_process import run_apart

if TYPE_CHECKING:
    from training.research.ablation.findings import Findings


def main(argv: list[str] | None = None) -> int:
    """Run or try out an ablation; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m training.research.ablation', description=__doc__
    )
    parser.add_argument('config', type=Path, help='see configs/ablation.yaml')
    parser.add_argument('--output', type=Path, default=Path('runs/ablation'))
    parser.add_argument(
        '--dry-run', action='store_true', help='train a few images of each, print the cost, end'
    )
    parser.add_argument(
        '--rounds', type=int, default=30, help='timed images of each network (%(default)s)'
    )
    options = parser.parse_args(argv)
    output = options.output.absolute()
    try:
        plan = AblationPlan.read(options.config, output)
        with stop_on_signals() as stop:
            if options.dry_run:
                return _rehearse(plan, stop)
            return _run(plan, output, stop, rounds=options.rounds)
    except Interrupted as interrupted:
        return interrupted.exit_code
    except (TrainingError, DatasetError, EvaluationError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1


def _rehearse(plan: AblationPlan, stop: StopRequest) -> int:
    with tempfile.TemporaryDirectory(prefix='roof_detector-ablation-') as name:
        folder = Path(name)
        sample = take_sample(plan, folder / 'sample')
        trials = rehearsals(plan, sample, folder)
        found = {
            trial.label: run_apart(trial, stop=stop)
            for trial in tqdm(trials, desc='rehearsal', unit='model')
        }
        table, hours = estimate(plan, sample, found, folder)
    print(f'{table.text()}\n{len(plan.trials)} runs, at most {hours:.2f} h.')  # noqa: T201
    return 1 if any(isinstance(one, str) for one in found.values()) else 0


def _run(plan: AblationPlan, output: Path, stop: StopRequest, *, rounds: int) -> int:
    execution = Execution(plan=plan, stop=stop)
    try:
        execution.run()
    except Interrupted:
        _report(execution.findings(rounds=0), plan, output)
        print('Stopped; the same command goes on from here.', file=sys.stderr)  # noqa: T201
        raise
    _report(execution.findings(rounds=rounds), plan, output)
    return 1 if execution.failures else 0


def _report(findings: Findings, plan: AblationPlan, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    described = describe_machine('cpu')
    machine = f'{described["device"]}, torch {described["torch"]}.'
    write_report(findings, plan, output, machine=machine)
    print(table_of(findings).text(), *findings.verdicts(), sep='\n')  # noqa: T201
    for trial, reason in findings.failures.items():
        print(f'{trial} failed: {reason}', file=sys.stderr)  # noqa: T201
    print(output / 'ablation.md')  # noqa: T201


if __name__ == '__main__':
    sys.exit(main())
