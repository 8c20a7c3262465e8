# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from roof_detector.inference.errors import BadModel, UnsafeModel
from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
from roof_detector.inference.importing.network import load_network
from roof_detector.inference.importing.tensor_file import read_tensors


class ImportCalls:
    """Pickle as a call of a function, which reading the pickle carries out."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def test_a_checkpoint_becomes_architecture_weights_and_facts(detect_pt, tmp_path):
    imported = import_checkpoint(detect_pt, folder=tmp_path)
    assert imported.facts.task == 'detect'
    assert imported.facts.names == ('equip', 'drain', 'crack', 'ponding', 'rust')
    assert (imported.facts.stride, imported.facts.image_size) == (32, (320, 320))
    assert imported.facts.values['train_metrics'] == {'fitness': 0.5}
    assert imported.tensors == tmp_path / 'weights.safetensors'
    assert imported.architecture['nc'] == 5


@pytest.mark.parametrize('kind', ['detect_pt', 'segment_pt'])
def test_the_network_built_again_answers_as_the_checkpoint_does(kind, request, tmp_path):
    images = np.random.default_rng(1).random((2, 3, 160, 160), dtype=np.float32)
    imported = import_checkpoint(
        request.getfixturevalue(kind), folder=tmp_path, images=[images, images[:1]]
    )
    network = load_network(imported.architecture, read_tensors(imported.tensors)).eval()
    for given, answer in zip((images, images[:1]), imported.answers, strict=True):
        with torch.inference_mode():
            output = network(torch.from_numpy(given))[0]
        outputs = output if isinstance(output, tuple) else (output,)
        for one, other in zip(outputs, answer, strict=True):
            # Another number of threads sums in another order: up to 0.02 pixels at stride 32.
            np.testing.assert_allclose(one.numpy(), other, rtol=1e-3, atol=0.05)


@pytest.mark.parametrize(
    ('call', 'error', 'sentence'),
    [
        (lambda trap: ImportCalls(os.system, f'touch {trap}'), UnsafeModel, 'os.system'),
        (lambda trap: ImportCalls(os.mkdir, str(trap)), UnsafeModel, 'writing a file'),
        (
            lambda trap: ImportCalls(exec, f'open({str(trap)!r}, "w")'),
            UnsafeModel,
            'writing a file',
        ),
        (lambda _: ImportCalls(bytearray, 2**45), BadModel, 'GiB of memory'),
    ],
    ids=['system', 'mkdir', 'exec', 'bytearray'],
)
def test_what_a_pickle_calls_changes_nothing_and_ends_in_a_sentence(
    tmp_path, call, error, sentence
):
    trap = tmp_path / 'trap'
    torch.save({'model': call(trap)}, tmp_path / 'evil.pt', pickle_module=pickle)
    with pytest.raises(error, match=sentence) as raised:
        import_checkpoint(tmp_path / 'evil.pt', folder=tmp_path)
    assert '\n' not in str(raised.value)
    assert not trap.exists()
