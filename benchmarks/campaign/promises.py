# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Write docs/reference/promises.md: each promise, the tests that hold it, its campaign's figures.

`python -m benchmarks.campaign.promises` writes the page from promises.yaml and the results folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / 'docs' / 'reference' / 'promises.md'
RESULTS = HERE.parent / 'results' / 'campaign'

_HEAD = """# Promises

What this software promises to those who fly it, each with the tests that hold it in every run of
`make test`, and with the figures of its campaign: attempts, failures and seconds of the last full
run. `make campaign` runs all campaigns; `make test` runs each in a short form. This page is
written by `python -m benchmarks.campaign.promises` from `benchmarks/campaign/promises.yaml` and
`benchmarks/results/campaign/`. Tests are named from `ros2_ws/src/roof_detector/tests/`, or from
the root where they begin with a slash.
"""
_PROMISES = '| promise | held by | campaign |\n| --- | --- | --- |'
_CAMPAIGNS = """
## Campaigns

| campaign | attempts | failures | seconds | measured | when and where |
| --- | ---: | ---: | ---: | --- | --- |"""


def page() -> str:
    """Return the page as Markdown."""
    lines = [_HEAD]
    for chapter in chapters():
        lines += [f'\n## {chapter["chapter"]}\n', _PROMISES]
        for promise in chapter['promises']:
            tests = '<br>'.join(f'`{test}`' for test in promise['tests'])
            figures = _figures(promise.get('campaign'))
            lines.append(f'| {promise["promise"]} | {tests} | {figures} |')
    lines.append(_CAMPAIGNS)
    for path in sorted(RESULTS.glob('*.json')):
        result = json.loads(path.read_text())
        run = result['run']
        machine = run['machine']
        lines.append(
            f'| {result["name"]} | {result["attempts"]} | {result["failures"]} '
            f'| {result["seconds"]:.0f} '
            f'| {", ".join(f"{name} {value}" for name, value in result["figures"].items())} '
            f'| {run["date"][:10]}, {machine["processor"]}, {machine["cores"]} cores, load '
            f'{machine["load_1min"]} |'
        )
    return '\n'.join(lines) + '\n'


def chapters() -> list[dict[str, Any]]:
    """Return the chapters of the page, each with its promises."""
    return yaml.safe_load((HERE / 'promises.yaml').read_text())


def _figures(campaign: str | None) -> str:
    if campaign is None:
        return ''
    path = RESULTS / f'{campaign}.json'
    if not path.exists():
        return f'{campaign}: only its short form was run so far'
    result = json.loads(path.read_text())
    return (
        f'{campaign}: {result["attempts"]} attempts, {result["failures"]} failures, '
        f'{result["seconds"]:.0f} s'
    )


if __name__ == '__main__':
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
