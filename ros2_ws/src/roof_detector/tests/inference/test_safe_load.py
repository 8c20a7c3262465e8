# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel, UnsafeModel
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.safe_load import load_checkpoint


class Calls:
    """Pickle as a call of a function, which reading the pickle carries out."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def write_with(path, checkpoint: dict):
    torch.save(checkpoint, path)
    return path


def test_an_ordinary_checkpoint_is_read_without_trust(detect_pt):
    checkpoint = load_checkpoint(detect_pt)
    assert type(checkpoint['model']).__name__ == 'DetectionModel'
    assert isinstance(checkpoint['train_metrics']['fitness'], np.float64)


def test_what_was_allowed_for_one_file_is_forgotten_after_it(detect_pt):
    before = set(torch.serialization.get_safe_globals())
    load_checkpoint(detect_pt)
    assert set(torch.serialization.get_safe_globals()) == before


@pytest.mark.parametrize(
    ('function', 'name'),
    [(open, 'open'), (exec, 'exec'), (pickle.loads, 'loads')],
    ids=['open', 'exec', 'loads'],
)
def test_a_malicious_checkpoint_is_refused_and_does_not_run(tmp_path, function, name):
    trap = tmp_path / 'trap'
    code = f'open({str(trap)!r}, "w").close()'
    arguments = {
        'open': (str(trap), 'w'),
        'exec': (code,),
        'loads': (pickle.dumps(Calls(exec, code)),),
    }[name]
    path = write_with(tmp_path / 'evil.pt', {'model': Calls(function, *arguments)})
    with pytest.raises(UnsafeModel, match=rf'evil\.pt is refused: .*{name}.* trust_model'):
        Detector.open(path, device='cpu')
    assert not trap.exists()


def test_trust_runs_what_the_checkpoint_says(tmp_path):
    trap = tmp_path / 'trap'
    path = write_with(tmp_path / 'evil.pt', {'model': Calls(open, str(trap), 'w')})
    with pytest.raises(BadModel, match='holds a TextIOWrapper'):
        Detector.open(path, device='cpu', trust_model=True)
    assert trap.exists()


def test_a_layer_cannot_be_constructed_with_arguments_of_the_file(tmp_path):
    # Ultralytics evaluates the activation of a configuration as Python.
    trap = tmp_path / 'trap'
    tasks = import_quietly('ultralytics.nn.tasks')
    configuration = {
        'nc': 1,
        'activation': f'open({str(trap)!r}, "w").close()',
        'backbone': [],
        'head': [],
    }
    path = write_with(tmp_path / 'evil.pt', {'model': Calls(tasks.DetectionModel, configuration)})
    with pytest.raises(UnsafeModel, match=r'constructs ultralytics\.nn\.tasks\.DetectionModel'):
        load_checkpoint(path)
    assert not trap.exists()


def test_only_the_forward_methods_of_layers_can_be_read_as_attributes(tmp_path):
    tasks = import_quietly('ultralytics.nn.tasks')
    good = write_with(
        tmp_path / 'good.pt', {'model': Calls(getattr, tasks.DetectionModel, 'forward')}
    )
    assert load_checkpoint(good)['model'] is tasks.DetectionModel.forward
    evil = write_with(
        tmp_path / 'evil.pt', {'model': Calls(getattr, tasks.DetectionModel, '__init__')}
    )
    with pytest.raises(UnsafeModel, match="reads the attribute '__init__'"):
        load_checkpoint(evil)


@pytest.mark.parametrize(
    'name', ['os.system', 'ultralytics.utils.checks.check_requirements', 'numpy.load']
)
def test_functions_of_known_packages_are_refused_too(tmp_path, name):
    module, _, attribute = name.rpartition('.')
    path = tmp_path / 'evil.pt'
    torch.save({'model': torch.zeros(1)}, path)
    opcodes = b'\x80\x02c' + f'{module}\n{attribute}\n)R.'.encode()
    rewrite_pickle(path, opcodes)
    with pytest.raises(UnsafeModel, match=attribute):
        load_checkpoint(path)


def rewrite_pickle(path, opcodes: bytes) -> None:
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, 'w') as target:
        for name in source.namelist():
            inside = opcodes if name.endswith('data.pkl') else source.read(name)
            target.writestr(name, inside)


def test_our_own_blocks_are_allowed(tmp_path):
    from roof_detector.blocks import ContextGuidedBlock

    path = write_with(tmp_path / 'own.pt', {'model': ContextGuidedBlock(16, 16)})
    assert isinstance(load_checkpoint(path)['model'], ContextGuidedBlock)
