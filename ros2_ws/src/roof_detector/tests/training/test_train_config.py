# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import fields

import pytest

from training.errors import TrainingError
from training.train_config import REFERENCE, TrainConfig, reference


def config(**values):
    return TrainConfig(**{'model': 'yolo11n.yaml', 'data': 'data.yaml', **values})


def test_an_empty_file_is_told_what_it_lacks(tmp_path):
    path = tmp_path / 'empty.yaml'
    path.write_text('')
    with pytest.raises(TrainingError, match='lacks model and data'):
        TrainConfig.read(path)


def test_an_unknown_option_is_refused_with_the_one_that_was_meant(tmp_path):
    path = tmp_path / 'typo.yaml'
    path.write_text('model: yolo11n.yaml\ndata: data.yaml\nlearning_rat: 0.1\nxyzzy: 1\n')
    with pytest.raises(TrainingError, match=r'did you mean learning_rate.*xyzzy') as refusal:
        TrainConfig.read(path)
    assert 'mean' not in str(refusal.value).partition('xyzzy')[2].partition('Known')[0]


@pytest.mark.parametrize(
    ('option', 'value', 'expectation'),
    [
        ('epochs', 0, 'a whole number from 1'),
        ('epochs', 2.5, 'a whole number from 1'),
        ('epochs', True, 'a whole number from 1'),
        ('image_size', 100, 'a multiple of 32, such as 96'),
        ('mosaic', 1.5, 'from 0 to 1'),
        ('learning_rate', float('nan'), 'from 1e-07 to 1'),
        ('learning_rate', '2e-3', 'a number'),
        ('rotate', 'sideways', 'auto or any or quarter or none'),
        ('batch', 'big', 'auto, or a whole number from 1'),
        ('rect', 'yes', 'true or false'),
        ('model', 7, 'text'),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_range(option, value, expectation):
    with pytest.raises(TrainingError, match=f'{option} is .*{expectation}'):
        config(**{option: value})


def test_an_automatic_batch_is_refused_for_several_gpus():
    with pytest.raises(TrainingError, match='give the number'):
        config(batch='auto', device='0,1')


def test_the_number_of_a_gpu_may_stand_without_quotes(tmp_path):
    path = tmp_path / 'gpu.yaml'
    path.write_text('model: yolo11n.yaml\ndata: data.yaml\ndevice: 0\n')
    assert TrainConfig.read(path).device == '0'


def test_the_reference_shows_every_option_with_its_default():
    assert REFERENCE.read_text() == reference()
    assert TrainConfig.read(REFERENCE) == config(
        model='yolo11n.yaml', data='runs/simulated/data.yaml'
    )
    for field in fields(TrainConfig):
        assert f'\n{field.name}: ' in reference()
        assert field.metadata['reason'].endswith('.')


def test_every_configuration_of_the_package_can_be_read():
    configurations = [path for path in REFERENCE.parent.glob('*.yaml') if path != REFERENCE]
    assert configurations
    for path in configurations:
        if 'model:' in path.read_text():
            TrainConfig.read(path)
