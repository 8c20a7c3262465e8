# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import yaml

from training.errors import TrainingError
from training.model_card import data_section
from training.research.ablation.findings import Findings
from training.research.ablation.latency import ratios_to
from training.research.ablation.plan import AblationPlan
from training.research.ablation.report import table_of
from training.research.ablation.trial_result import TrialResult
from training.research.model_cost import variants


def result(label, seed, map50):
    return TrialResult(
        label=label,
        seed=seed,
        map50=map50,
        map50_interval=(0.1, 0.9),
        map50_95=map50,
        per_class={'equip': map50, 'drain': None},
        parameters=2_000_000,
        operations=6_000_000_000,
        image_size=(640, 640),
        transferred=0.5,
        epochs=3,
        best_epoch=2,
        training_s=10.0,
        test_image_s=0.1,
        test_images=4,
        test_instances=8,
        data_hash='a' * 64,
        test_hash='b' * 64,
        checkpoint_sha256='c' * 64,
        commit='d' * 40,
        versions={},
    )


def found(**scores):
    seeds = tuple(range(max((len(one) for one in scores.values()), default=0)))
    results = {
        label: [result(label, seed, score) for seed, score in enumerate(one)]
        for label, one in scores.items()
    }
    return Findings(
        baseline='YOLO11',
        labels=('YOLO11', *(label for label in scores if label != 'YOLO11')),
        seeds=seeds,
        results=results,
        failures={},
        time_ratios={},
    )


def test_without_results_nothing_is_concluded():
    assert found().verdicts() == []
    assert table_of(found()).rows == (('YOLO11', *[None] * 8),)


def test_a_variant_wins_or_loses_only_when_no_seed_says_otherwise():
    verdicts = found(
        YOLO11=[0.50, 0.55], Up=[0.56, 0.60], Down=[0.40, 0.49], Both=[0.45, 0.60]
    ).verdicts()
    assert verdicts == [
        'Better than YOLO11 with every seed: Up.',
        'Worse than YOLO11 with every seed: Down.',
        'Not to be told from YOLO11, for the seeds overlap: Both.',
    ]


def test_one_seed_decides_nothing_and_a_missing_baseline_neither():
    assert 'One seed tells nothing' in found(YOLO11=[0.1], Up=[0.9]).verdicts()[0]
    assert found(Up=[0.9, 0.9]).verdicts() == ['YOLO11 has no result to compare with.']


def test_a_gain_is_taken_over_the_seeds_that_both_have():
    findings = found(YOLO11=[0.5, 0.7], Up=[0.6])
    assert findings.gain('Up') == pytest.approx(0.1)
    assert findings.gain('Absent') is None


def test_the_table_gives_means_spread_and_a_dash_for_what_is_unknown():
    text = table_of(found(YOLO11=[0.5, 0.7], Up=[0.6, 0.9])).markdown()
    assert '| YOLO11 | 0.600 | 0.500 to 0.700 | - |' in text
    assert '| Up | **0.750** | 0.600 to 0.900 | +0.150 |' in text
    assert '| **0.750** | - | **2.000** | **6.00** | - | 50.0 |' in text


def test_time_is_compared_round_by_round():
    taken = {'YOLO11': [1.0, 10.0, 2.0], 'Up': [1.5, 15.0, 9.0]}
    assert ratios_to('YOLO11', taken) == {'YOLO11': 1.0, 'Up': 1.5}
    assert ratios_to('Absent', taken) == {}


def test_a_result_is_read_back_as_it_was_written(tmp_path):
    assert TrialResult.read(tmp_path) is None
    result('YOLO11', 0, 0.5).write(tmp_path)
    assert TrialResult.read(tmp_path) == result('YOLO11', 0, 0.5)


def test_an_empty_choice_is_the_whole_zoo(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text(yaml.safe_dump({'train': {'data': 'data.yaml'}, 'seeds': [3, 4]}))
    plan = AblationPlan.read(path, tmp_path)
    assert plan.labels == variants()
    assert plan.labels[0] == plan.baseline == 'YOLO11'
    assert (len(plan.trials), plan.seeds) == (2 * len(variants()), (3, 4))
    assert {trial.config.patience for trial in plan.trials} == {0}
    assert len({trial.folder for trial in plan.trials}) == len(plan.trials)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'variant': ['KALN']}, 'sets variant, which is not known'),
        ({'train': {}}, 'lacks train with data'),
        ({'train': {'data': 'd', 'model': 'm', 'seed': 1}}, 'model and seed in train'),
        ({'train': {'data': 'd', 'epoch': 1}}, 'epoch'),
        ({'train': {'data': 'd', 'epochs': 0}}, 'epochs is 0'),
        ({'variants': ['Nowhere']}, 'names the variant Nowhere, expected'),
        ({'seeds': [1, 1]}, 'expected different whole numbers'),
        ({'test': {'splits': 'test'}}, 'test sets splits'),
        ({'test': 'test'}, 'test holds a str'),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_a_plan_that_cannot_be_is_refused(tmp_path, change, message):
    path = tmp_path / 'config.yaml'
    path.write_text(yaml.safe_dump({'train': {'data': 'data.yaml'}, **change}))
    with pytest.raises(TrainingError, match=message):
        AblationPlan.read(path, tmp_path)


def test_results_of_an_earlier_version_are_still_read(tmp_path):
    now = result('YOLO11', 0, 0.5)
    now.write(tmp_path)
    (file,) = tmp_path.iterdir()
    text = file.read_text()
    for name in ('test_image_s', 'test_images'):
        text = text.replace(f'"{name}"', f'"{name.replace("image", "picture")}"')
    file.write_text(text)
    assert 'test_pictures' in text and TrialResult.read(tmp_path) == now


@pytest.mark.parametrize('key', ['images', 'pictures'])
def test_a_model_card_counts_images_by_the_records_of_both_versions(key):
    split = {key: 1234, 'backgrounds': 0, 'instances': 9}
    data = {'name': 'roofs', 'hash': 'a' * 64, 'splits': {'train': split}}
    assert '| train | 1234 | 0 | 9 |' in data_section({'data': data})
