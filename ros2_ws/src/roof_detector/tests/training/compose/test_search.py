# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from training.compose import ComposeError, Description
from training.compose.__main__ import main, make_parser
from training.compose.search import (
    MeasuredVariant,
    budget_in_ms,
    drawn_variants,
    pareto_front,
    timed,
)
from training.compose.search_run import best_few, front_text, write_plan
from training.compose.zero_cost import linear_regions
from training.research.ablation.plan import AblationPlan


def candidate(latency_ms, score, *, problem='', **values):
    return MeasuredVariant(
        description=Description(**values), latency_ms=latency_ms, score=score, problem=problem
    )


def test_the_front_is_what_no_other_beats_within_the_budget():
    quick, good, slow = candidate(5, -9), candidate(9, -2), candidate(30, -1)
    beaten, twin = candidate(9, -3), candidate(5, -9, attention='se')
    failed = candidate(1, 0, problem='it fails')
    everything = [slow, beaten, good, failed, quick, twin]
    assert pareto_front([], budget_ms=20) == []
    assert pareto_front(everything, budget_ms=20) == [quick, twin, good]
    assert pareto_front(everything, budget_ms=30) == [quick, twin, good, slow]
    assert pareto_front(everything, budget_ms=1) == []


def test_the_best_few_have_the_best_scores_and_are_not_the_stock_network():
    stock = candidate(5, 0)
    one, other = candidate(6, -1, attention='se'), candidate(7, -2, attention='eca')
    assert best_few([stock, other, one], 1) == [one]
    assert best_few([stock], 3) == []


def test_latencies_are_the_stock_networks_time_by_the_ratio():
    assert timed([MeasuredVariant(description=Description(), ratio=1.5)], 10)[0].latency_ms == 15
    unmeasured = timed([MeasuredVariant(description=Description(), problem='it fails')], 10)[0]
    assert unmeasured.latency_ms == math.inf


def test_the_text_says_what_a_score_is_and_when_nothing_fits():
    text = front_text([candidate(12, -1.5, attention='se')], budget_ms=20, stock_ms=8)
    assert 'attention se' in text
    assert 'only training tells' in text
    assert 'Nothing that was measured takes at most 2 ms; stock YOLO11 takes 8.0' in front_text(
        [], budget_ms=2, stock_ms=8
    )


@pytest.mark.parametrize(('text', 'ms'), [('20ms', 20), ('0.02s', 20), ('1.5ms', 1.5)])
def test_a_budget_is_a_time(text, ms):
    assert budget_in_ms(text) == pytest.approx(ms)


@pytest.mark.parametrize('text', ['20', 'ms', '-3ms', 'infms', 'nanms', 'xs', ''])
def test_another_budget_is_refused(text):
    with pytest.raises(ComposeError, match='expected a time such as 20ms'):
        budget_in_ms(text)


def test_networks_are_drawn_alike_for_a_seed_and_keep_the_task():
    first = drawn_variants(20, head='segment', seed=1)
    assert first == drawn_variants(20, head='segment', seed=1)
    assert first != drawn_variants(20, head='segment', seed=2)
    assert first[0] == Description(head='segment')
    assert len({one.title for one in first}) == 20
    assert {one.task for one in first} == {'segment'}
    assert {(one.box_loss, one.class_loss) for one in first} == {('ciou', 'bce')}
    with pytest.raises(ComposeError, match='Did you mean segment'):
        drawn_variants(3, head='segmet', seed=0)


def test_a_network_that_tells_images_apart_scores_higher():
    torch.manual_seed(0)
    images = torch.randn(4, 3, 8, 8)
    sharp = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.SiLU())
    blunt = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.SiLU())
    with torch.no_grad():
        for layer in (blunt[0], blunt[2]):
            layer.bias += 1.0  # most units are on whatever comes in
    assert -math.inf < linear_regions(blunt, images) < linear_regions(sharp, images) <= 0
    assert linear_regions(sharp, images[:1].expand(4, 3, 8, 8)) == -math.inf


def test_the_score_is_the_determinant_of_equation_2():
    images = torch.tensor([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    # Codes 10, 11 and 01: of 2 units 2, 1 or 0 agree.
    kernel = torch.tensor([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]]) / 2
    found = linear_regions(nn.Sequential(nn.ReLU()), images)
    assert found == pytest.approx(kernel.det().log().item())


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (['--budget', '20'], 'expected a time'),
        (['--budget', '20ms', '--device', 'cuda'], 'on cpu alone'),
        (['--budget', '20ms', '--size', '100'], 'multiple of 32'),
        (['--budget', '20ms', '--candidates', '0'], 'at least 1'),
        (['--budget', '20ms', '--data', 'absent.yaml'], 'is not there'),
        (['--budget', '20ms', '--head', 'dyhed'], 'Did you mean dyhead'),
        (['--budget', '20ms', '--head', 'obb', '--data', 'a.yaml'], 'trains detectors'),
    ],
)
def test_the_command_refuses_what_it_cannot_do_and_writes_nothing(tmp_path, capsys, options, said):
    output = tmp_path / 'found'
    assert main(['search', *options, '--output', str(output)]) == 2
    assert said in capsys.readouterr().err
    assert not output.exists()


def test_the_best_are_trained_beside_stock_with_equal_budgets(tmp_path):
    data = tmp_path / 'data.yaml'
    options = ['--budget', '9ms', '--output', str(tmp_path), '--data', str(data), '--epochs', '3']
    parsed = make_parser().parse_args(['search', *options])
    best = [candidate(6, -1, attention='se'), candidate(7, -2, neck='bifpn')]
    plan = AblationPlan.read(write_plan(best, parsed), tmp_path / 'ablation')
    assert plan.labels == ('YOLO11', 'yolo11n-found1', 'yolo11n-found2')
    assert plan.seeds == (0, 1)
    configs = [one.config for one in plan.trials]
    budgets = {(one.epochs, one.accumulate_to, one.data, one.patience) for one in configs}
    assert budgets == {(3, configs[0].batch, str(data), 0)}
    assert 'WeightedFusion' in (tmp_path / 'yolo11n-found2.yaml').read_text()


def test_the_command_measures_and_keeps_what_it_found(tmp_path, capsys, one_thread):
    output = tmp_path / 'found'
    options = ['search', '--budget', '10s', '--size', '64', '--candidates', '2', '--seed', '3']
    assert main([*options, '--output', str(output)]) == 0
    found = json.loads((output / 'search.json').read_text())
    assert found['candidates'][0]['title'] == 'stock'
    assert len(found['candidates']) == 2
    assert all(one['problem'] or one['latency_ms'] > 0 for one in found['candidates'])
    assert found['front']
    assert 'Stock YOLO11 takes' in capsys.readouterr().out
    assert main([*options, '--output', str(output)]) == 2
    assert 'not overwriting' in capsys.readouterr().err
