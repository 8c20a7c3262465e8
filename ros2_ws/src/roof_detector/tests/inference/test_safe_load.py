# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from roof_detector.inference.errors import BadModel, UnsafeModel
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.safe_load import load_checkpoint


class LoadCalls:
    """Pickle as a call of a function, which reading the pickle carries out."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def write_with(path, checkpoint: dict):
    torch.save(checkpoint, path, pickle_module=pickle)
    return path


@pytest.mark.parametrize('kind', ['detect_pt', 'segment_pt'])
def test_a_checkpoint_is_made_again_weight_by_weight(kind, request):
    path = request.getfixturevalue(kind)
    checkpoint = load_checkpoint(path)
    whole = torch.load(path, weights_only=False)
    ours, theirs = checkpoint['model'], whole['model']
    assert type(ours) is type(theirs) and ours.names == theirs.names
    assert ours.stride.tolist() == theirs.stride.tolist()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, tensor in theirs.state_dict().items():
        assert ours.state_dict()[name].dtype == tensor.dtype, name
        assert torch.equal(ours.state_dict()[name], tensor), name
    assert checkpoint['train_args'] == whole['train_args']
    assert checkpoint['train_metrics'] == {'fitness': 0.5}
    assert not ours.training and not any(one.requires_grad for one in ours.parameters())


def test_a_fused_checkpoint_is_made_again(detect_pt, tmp_path):
    whole = torch.load(detect_pt, weights_only=False)
    whole['model'] = whole['model'].float().fuse(verbose=False)
    fused = load_checkpoint(write_with(tmp_path / 'fused.pt', whole))['model']
    image = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        assert torch.allclose(fused(image)[0], whole['model'](image)[0], atol=1e-3)


def test_what_a_run_resumes_from_is_read_as_it_was_written(detect_pt, tmp_path):
    whole = torch.load(detect_pt, weights_only=False)
    state = {
        'optimizer': {
            'state': {0: {'step': torch.tensor(3.0), 'exp_avg': torch.rand(2, 3)}},
            'param_groups': [
                {'lr': 0.1, 'betas': (0.9, 0.999), 'params': [0, 1], 'foreach': None}
            ],
        },
        'best': float('-inf'),
        'seconds': np.float64(1.5),
    }
    path = write_with(tmp_path / 'last.pt', {**whole, 'resume': state})
    assert 'resume' not in load_checkpoint(path)
    read = load_checkpoint(path, with_state=True)['resume']
    moments = read['optimizer']['state'][0]
    assert torch.equal(moments['exp_avg'], state['optimizer']['state'][0]['exp_avg'])
    assert read['optimizer']['param_groups'] == state['optimizer']['param_groups']
    assert (read['best'], read['seconds']) == (float('-inf'), 1.5)


@pytest.mark.parametrize(
    'function',
    [os.mkdir, eval, exec, pickle.loads],
    ids=['mkdir', 'eval', 'exec', 'loads'],
)
def test_what_a_checkpoint_calls_changes_nothing(tmp_path, function):
    trap = tmp_path / 'trap'
    code = f'__import__("os").mkdir({str(trap)!r})'
    argument = {
        os.mkdir: str(trap),
        pickle.loads: pickle.dumps(LoadCalls(exec, code)),
    }.get(function, code)
    path = write_with(tmp_path / 'evil.pt', {'model': LoadCalls(function, argument)})
    with pytest.raises(UnsafeModel, match=r'evil\.pt is refused: .* a model has no need of'):
        load_checkpoint(path)
    assert not trap.exists()


def test_an_activation_is_not_evaluated_here(tmp_path):
    # Ultralytics evaluates the activation of a configuration as Python.
    trap = tmp_path / 'trap'
    tasks = import_quietly('ultralytics.nn.tasks')
    model = tasks.DetectionModel('yolo11n.yaml', nc=1, verbose=False)
    model.yaml['activation'] = f'__import__("os").mkdir({str(trap)!r}) or torch.nn.ReLU()'
    path = write_with(tmp_path / 'evil.pt', {'model': model})
    with pytest.raises(BadModel, match='has the activation') as raised:
        load_checkpoint(path)
    assert not trap.exists() and '\n' not in str(raised.value)


def test_a_network_that_is_not_the_one_of_its_architecture_is_refused(detect_pt, tmp_path):
    whole = torch.load(detect_pt, weights_only=False)
    whole['model'].yaml['backbone'][0][3][0] = 128
    with pytest.raises(BadModel, match=r'other\.pt .* shape .* expected \(32'):
        load_checkpoint(write_with(tmp_path / 'other.pt', whole))


def test_a_vast_architecture_is_refused_before_it_takes_memory(detect_pt, tmp_path):
    whole = torch.load(detect_pt, weights_only=False)
    whole['model'].yaml['scales']['n'] = [1.0, 4.0, 8192]
    whole['model'].yaml['backbone'][5][3][0] = 8192
    with pytest.raises(BadModel, match=r'vast\.pt .* not a network that is flown'):
        load_checkpoint(write_with(tmp_path / 'vast.pt', whole))


def test_old_paths_and_numbers_of_other_versions_are_read(detect_pt, tmp_path):
    import pathlib

    whole = torch.load(detect_pt, weights_only=False)
    whole['train_args'] = {
        **whole['train_args'],
        'save_dir': LoadCalls(pathlib.WindowsPath, 'a/b'),
    }
    read = load_checkpoint(write_with(tmp_path / 'windows.pt', whole))
    assert read['train_args']['save_dir'] == 'a/b'
