# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A search for variants that keep to a time: measured latency beside a score before training."""

from __future__ import annotations

import json
import math
import random
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from training.compose.build import build_network
from training.compose.description import Description
from training.compose.errors import ComposeError
from training.compose.exported import export_onnx, openvino_model
from training.compose.variants import FACTORS, described
from training.compose.zero_cost import linear_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.compose.pass_time import StockPass

_LOSSES = ('box_loss', 'class_loss')
_CODED_IMAGES = 16
_CODED_SIDE = 96


@dataclass(frozen=True, kw_only=True)
class MeasuredVariant:
    """A variant that was measured; `problem` is '' if it could be.

    `ratio` is its time over that of the stock network, measured interleaved; `latency_ms` the
    ratio times the stock network's time, which is measured over the whole search.
    """

    description: Description
    problem: str = ''
    parameters: int = 0
    ratio: float = math.inf
    latency_ms: float = math.inf
    score: float = -math.inf

    def beats(self, other: MeasuredVariant) -> bool:
        """Return whether it is no worse in time and score, and better in one."""
        mine, others = (self.latency_ms, -self.score), (other.latency_ms, -other.score)
        return mine != others and all(a <= b for a, b in zip(mine, others, strict=True))


def drawn_variants(count: int, *, head: str, seed: int) -> list[Description]:
    """Return the stock network and other networks drawn at random, `count` in all.

    Half of a variant's parts are those of the stock network, on average. Losses stay as they are:
    they cost no time in flight.
    """
    if head not in FACTORS['head']:
        Description(head=head)  # raises
    task = Description(head=head).task
    heads = [one for one in FACTORS['head'] if Description(head=one).task == task]
    draw = random.Random(seed)
    found = {Description(head=head).title: Description(head=head)}
    for _ in range(100 * count):
        if len(found) >= count:
            break
        choice: dict[str, Any] = {'head': head}
        for factor, values in FACTORS.items():
            if factor not in _LOSSES and draw.random() < 0.5:
                choice[factor] = draw.choice(heads if factor == 'head' else list(values))
        one = described(choice)
        if one is not None:
            found.setdefault(one.title, one)
    return list(found.values())


def measure(description: Description, stock: StockPass, *, seed: int = 0) -> MeasuredVariant:
    """Build, time and score a variant; what cannot be built or exported stands as a problem."""
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter('ignore')  # the tracer's, about sizes that are constants
            torch.manual_seed(seed)
            network = build_network(description, class_count=5)
            images = torch.rand(_CODED_IMAGES, 3, _CODED_SIDE, _CODED_SIDE)
            score = linear_regions(network, images)
            network.model[-1].export = True
            fused = network.fuse(verbose=False).eval()
            parameters = sum(weights.numel() for weights in fused.parameters())
            with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
                image = torch.zeros(1, 3, stock.side, stock.side)
                fused(image)
                compiled = openvino_model(export_onnx(fused, image, Path(folder) / 'one.onnx'))
                ratio = stock.ratio(compiled)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else ''
        return MeasuredVariant(description=description, problem=f'{type(error).__name__}: {first}')
    return MeasuredVariant(
        description=description, parameters=parameters, ratio=ratio, score=score
    )


def timed(candidates: Sequence[MeasuredVariant], stock_ms: float) -> list[MeasuredVariant]:
    """Return the candidates with their latency, from the stock network's time."""
    return [replace(one, latency_ms=one.ratio * stock_ms) for one in candidates]


def pareto_front(
    candidates: Sequence[MeasuredVariant], *, budget_ms: float
) -> list[MeasuredVariant]:
    """Return those within the budget that no other beats, the quickest first."""
    fitting = [one for one in candidates if not one.problem and one.latency_ms <= budget_ms]
    front = [one for one in fitting if not any(other.beats(one) for other in fitting)]
    return sorted(front, key=lambda one: (one.latency_ms, -one.score))


def budget_in_ms(text: str) -> float:
    """Return a budget such as 20ms or 0.02s in milliseconds; raise ComposeError otherwise."""
    for unit, factor in (('ms', 1.0), ('s', 1000.0)):
        if text.endswith(unit):
            try:
                value = float(text.removesuffix(unit)) * factor
            except ValueError:
                break
            if 0 < value < math.inf:
                return value
            break
    msg = f'The budget is {text!r}, expected a time such as 20ms.'
    raise ComposeError(msg)


def write_candidates(
    candidates: Sequence[MeasuredVariant], path: Path, *, facts: dict[str, Any]
) -> None:
    """Write what was measured as JSON, with the facts of the search."""
    rows = [
        {
            'title': one.description.title,
            'description': one.description.as_dict(),
            'problem': one.problem,
            'parameters': one.parameters,
            **(
                {}
                if one.problem
                else {
                    'ratio': round(one.ratio, 3),
                    'latency_ms': round(one.latency_ms, 2),
                    'score': round(one.score, 3) if math.isfinite(one.score) else None,
                }
            ),
        }
        for one in candidates
    ]
    path.write_text(json.dumps({**facts, 'candidates': rows}, indent=1) + '\n', encoding='utf-8')
