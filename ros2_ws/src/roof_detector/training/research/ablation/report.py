# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The report of an ablation as Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from training.evaluation.comparison import shown_interval
from training.evaluation.table import Column, Table, Value

if TYPE_CHECKING:
    from training.research.ablation.findings import Findings
    from training.research.ablation.plan import AblationPlan
    from training.research.ablation.trial_result import TrialResult

_OPTIONS_SHOWN = ('epochs', 'batch', 'image_size', 'learning_rate', 'optimizer', 'patience')
_SHARES_ALIKE = 0.002  # share of transferred weights below which a difference decides nothing


def table_of(findings: Findings) -> Table:
    """Return one row for each variant, means over its seeds."""
    any_result = next((one for some in findings.results.values() for one in some), None)
    classes = list(any_result.per_class) if any_result else []
    columns = [
        Column('model'),
        Column('mAP50', best='max'),
        Column('over seeds'),
        Column(f'to {findings.baseline}'),
        Column('mAP50-95', best='max'),
        *(Column(f'{name} AP50', best='max') for name in classes),
        Column('parameters (M)', 3, best='min'),
        Column('GFLOPs', 2, best='min'),
        Column('CPU time', 2, best='min'),
        Column('taken over (%)', 1),
    ]
    rows = [_row(findings, label, classes) for label in findings.labels]
    return Table(tuple(columns), tuple(rows))


def _row(findings: Findings, label: str, classes: list[str]) -> tuple[Value, ...]:
    found = findings.results.get(label, ())
    if not found:
        failed = any(trial.startswith(f'{label},') for trial in findings.failures)
        return (label, 'failed' if failed else None, *([None] * (7 + len(classes))))
    scores = findings.scores(label)
    gain = findings.gain(label)
    share = found[0].transferred
    return (
        label,
        _mean([one.map50 for one in found]),
        f'{min(scores):.3f} to {max(scores):.3f}' if len(scores) > 1 else None,
        None if gain is None or label == findings.baseline else f'{gain:+.3f}',
        _mean([one.map50_95 for one in found]),
        *(_mean([one.per_class.get(name) for one in found]) for name in classes),
        found[0].parameters / 1e6,
        found[0].operations / 1e9,
        findings.time_ratios.get(label),
        0.0 if share is None else share * 100,
    )


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def write_report(findings: Findings, plan: AblationPlan, output: Path, *, machine: str) -> None:
    """Write ablation.md and ablation.json into the output folder."""
    text = report_text(findings, plan, machine=machine)
    (output / 'ablation.md').write_text(text, encoding='utf-8')
    content = {
        'baseline': findings.baseline,
        'train': _shared_options(plan),
        'test': asdict(plan.test),
        'machine': machine,
        'results': [asdict(one) for label in findings.labels for one in _of(findings, label)],
        'failures': dict(findings.failures),
        'time_ratios': dict(findings.time_ratios),
        'verdicts': findings.verdicts(),
    }
    (output / 'ablation.json').write_text(
        json.dumps(content, indent=1, allow_nan=False), encoding='utf-8'
    )


def report_text(findings: Findings, plan: AblationPlan, *, machine: str) -> str:
    """Return the report as Markdown: table, conclusions, and how it was made."""
    parts = [f'# Ablation: the variants beside {findings.baseline}', table_of(findings).markdown()]
    if verdicts := findings.verdicts():
        parts.append(' '.join(verdicts))
    if findings.failures:
        lines = [f'- {trial}: {reason}' for trial, reason in findings.failures.items()]
        parts.append('\n'.join(['Failed:', '', *lines]))
    parts += [
        '## How it was made',
        _making(findings, plan),
        '## How to read it',
        _reading(machine),
    ]
    return '\n\n'.join(part.strip() for part in parts) + '\n'


def _making(findings: Findings, plan: AblationPlan) -> str:
    options = _shared_options(plan)
    budget = ', '.join(f'{name} {options[name]}' for name in _OPTIONS_SHOWN)
    weights = Path(str(options['weights'])).name or 'none, all begin at random'
    lines = [
        f'- Every variant alike: {budget}; seeds {", ".join(map(str, findings.seeds))}.',
        f'- Starting weights: {weights}. What fits a variant by name and shape is taken over; '
        'the last column says how much that is.',
    ]
    shares = {
        label: one.transferred or 0.0 for label in findings.labels for one in _of(findings, label)
    }
    if shares and max(shares.values()) - min(shares.values()) > _SHARES_ALIKE:
        most, least = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
        lines.append(
            f'- The starting weights fit {most} best ({shares[most]:.1%}) and {least} least '
            f'({shares[least]:.1%}), whose other layers begin at random: with a small budget that '
            'alone can decide.'
        )
    base = [one for label in findings.labels for one in _of(findings, label)][:1]
    for one in base:
        lines += [
            f'- Trained on {_set_name(plan.trials[0].config.data)}, content '
            f'`{one.data_hash[:12]}`.',
            f'- Measured on the split {plan.test.split} of {_set_name(plan.test.data)}, content '
            f'`{one.test_hash[:12]}`: {one.test_images} images, {one.test_instances} objects, '
            f'{one.image_size[0]} pixels, with suppression and letterbox of the node.',
            f'- With these images drawn again, 95 % of the mAP50 of {one.label}, seed '
            f'{one.seed}, lie at {shown_interval(one.map50_interval)}.',
        ]
    if plan.test.data == plan.trials[0].config.data and plan.test.split == 'val':
        lines.append(
            '- The best epoch of each run was chosen on these same images: all figures are '
            'somewhat too good, for all variants alike.'
        )
    return '\n'.join(lines)


def _set_name(data: str) -> str:
    """Return a data set's name without the folders of the workstation."""
    return Path(*Path(data).parts[-2:]).as_posix()


def _reading(machine: str) -> str:
    return (
        'Figures are means over seeds. Differences are taken seed by seed. Parameters are those '
        'of the network as it trains, operations those of the fused network on one square '
        'image (docs/reference/models.md says how they are counted). CPU time is the forward '
        'pass in float32 with torch on one core, interleaved within one process, as a ratio to '
        f'the first row. {machine}'
    )


def _shared_options(plan: AblationPlan) -> dict[str, Any]:
    options = plan.trials[0].config.as_plain()
    return {name: value for name, value in options.items() if name not in ('model', 'seed')}


def _of(findings: Findings, label: str) -> tuple[TrialResult, ...]:
    return tuple(findings.results.get(label, ()))
