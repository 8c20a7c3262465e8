# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
# ruff: noqa: T201
"""The subcommand `search`: propose variants for a time, and train the best beside stock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from training.compose.description import Description
from training.compose.errors import ComposeError
from training.compose.model_file import model_rows
from training.compose.pass_time import StockPass
from training.compose.search import (
    budget_in_ms,
    drawn_variants,
    measure,
    pareto_front,
    timed,
    write_candidates,
)
from training.machine import describe_machine

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from training.compose.search import MeasuredVariant

# A short training lacks steps of the optimizer: each batch is one.
_STEP_IMAGES = 16
_HEADING = (
    '| ms | times stock | M weights | score | variant |\n| ---: | ---: | ---: | ---: | --- |'
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the search."""
    parser.add_argument('--budget', required=True, metavar='TIME', help='of a pass, such as 20ms')
    parser.add_argument('--device', default='cpu', help='cpu: OpenVINO on one core, in float32')
    parser.add_argument('--output', type=Path, required=True, help='a new folder for all results')
    parser.add_argument('--head', default='detect', help='a head of the wanted task; %(default)s')
    parser.add_argument('--size', type=int, default=320, help='of images, pixels; %(default)s')
    parser.add_argument('--candidates', type=int, default=24, help='measured; %(default)s')
    parser.add_argument('--seed', type=int, default=0, help='of the drawing; %(default)s')
    parser.add_argument('--data', type=Path, help='a data.yaml: trains the best few beside stock')
    parser.add_argument('--best', type=int, default=3, help='so many are trained; %(default)s')
    parser.add_argument('--epochs', type=int, default=10, help='of each training; %(default)s')
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0, 1], help='of the trainings; 0 1'
    )


def run(parsed: argparse.Namespace) -> int:
    """Measure, print the front, and train if there is data; return the exit code."""
    budget_ms = budget_in_ms(parsed.budget)
    _check(parsed)
    variants = drawn_variants(parsed.candidates, head=parsed.head, seed=parsed.seed)
    parsed.output.mkdir(parents=True)
    stock = StockPass(side=parsed.size)
    found = []
    for number, one in enumerate(variants, start=1):
        found.append(measure(one, stock, seed=parsed.seed))
        problem = found[-1].problem or f'{found[-1].ratio:.2f} times stock'
        print(f'{number} of {len(variants)}: {one.title}: {problem}', flush=True)
    candidates = timed(found, stock.best_ms)
    front = pareto_front(candidates, budget_ms=budget_ms)
    facts = {
        'kind': 'compose search',
        'budget_ms': budget_ms,
        'size': parsed.size,
        'seed': parsed.seed,
        'stock_ms': round(stock.best_ms, 2),
        'machine': describe_machine('cpu'),
        'front': [one.description.title for one in front],
    }
    write_candidates(candidates, parsed.output / 'search.json', facts=facts)
    print(front_text(front, budget_ms=budget_ms, stock_ms=stock.best_ms))
    best = best_few(front, parsed.best)
    if parsed.data is None or not best:
        return 0 if front else 1
    return _train(best, parsed)


def front_text(front: Sequence[MeasuredVariant], *, budget_ms: float, stock_ms: float) -> str:
    """Return the front as a Markdown table, and what its figures can and cannot tell."""
    if not front:
        return (
            f'Nothing that was measured takes at most {budget_ms:g} ms; stock YOLO11 takes '
            f'{stock_ms:.1f} ms.'
        )
    rows = [
        f'| {one.latency_ms:.1f} | {one.ratio:.2f} | {one.parameters / 1e6:.2f} | '
        f'{one.score:.2f} | {one.description.title} |'
        for one in front
    ]
    note = (
        f'Stock YOLO11 takes {stock_ms:.1f} ms. The score is of untrained networks and a guess; '
        'only training tells which of them finds more.'
    )
    return '\n'.join([_HEADING, *rows, note])


def best_few(front: Sequence[MeasuredVariant], count: int) -> list[MeasuredVariant]:
    """Return so many of the front with the best scores, without the stock network."""
    others = [one for one in front if one.description.title not in {'stock', ''}]
    return sorted(others, key=lambda one: -one.score)[:count]


def _check(parsed: argparse.Namespace) -> None:
    if parsed.device != 'cpu':
        msg = f'--device is {parsed.device!r}, but latencies are measured on cpu alone so far.'
        raise ComposeError(msg)
    if parsed.size < 64 or parsed.size % 32:
        msg = f'--size is {parsed.size}, expected a multiple of 32 from 64 on, such as 320.'
        raise ComposeError(msg)
    if parsed.candidates < 1 or parsed.best < 1:
        msg = '--candidates and --best are at least 1.'
        raise ComposeError(msg)
    if parsed.output.exists():
        msg = f'{parsed.output} exists already, not overwriting.'
        raise ComposeError(msg)
    if parsed.data is not None and Description(head=parsed.head).task != 'detect':
        msg = (
            f'--head is {parsed.head}, but --data trains detectors beside stock YOLO11 alone; '
            'search without it, and train what is found yourself.'
        )
        raise ComposeError(msg)
    if parsed.data is not None and not parsed.data.is_file():
        msg = f'{parsed.data} is not there; --data is the data.yaml of a training set.'
        raise ComposeError(msg)


def _train(best: Sequence[MeasuredVariant], parsed: argparse.Namespace) -> int:
    """Train the best and stock alike, and print what the ablation concludes."""
    from training.research.ablation.__main__ import main as ablation  # noqa: PLC0415

    config = write_plan(best, parsed)
    return ablation([str(config), '--output', str(parsed.output / 'ablation')])


def write_plan(best: Sequence[MeasuredVariant], parsed: argparse.Namespace) -> Path:
    """Write the model files of the best, and an ablation that trains them and stock alike."""
    models = []
    for number, one in enumerate(best, start=1):
        path = (parsed.output / f'yolo11n-found{number}.yaml').absolute()
        text = yaml.safe_dump(model_rows(one.description), default_flow_style=None, width=200)
        path.write_text(f'# {one.description.title}\n{text}', encoding='utf-8')
        print(f'{path.stem}: {one.description.title}')
        models.append(str(path))
    data = str(parsed.data.absolute())
    plan: dict[str, Any] = {
        'baseline': 'YOLO11',
        'variants': models,
        'scale': 'n',
        'seeds': parsed.seeds,
        'train': {
            'data': data,
            'image_size': parsed.size,
            'epochs': parsed.epochs,
            'accumulate_to': _STEP_IMAGES,
            'plots': False,
            'tensorboard': False,
        },
        'test': {'data': data, 'split': 'val'},
    }
    config = parsed.output / 'ablation.yaml'
    config.write_text(yaml.safe_dump(plan, sort_keys=False), encoding='utf-8')
    return config
