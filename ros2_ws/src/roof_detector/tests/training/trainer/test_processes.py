# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from pathlib import Path

from roof_detector.inference.safe_load import load_checkpoint
from training.interruption import StopRequest
from training.train_config import TrainConfig
from training.trainer.processes import train_in_processes
from training.trainer.run import _prepare


def test_two_processes_know_our_blocks_and_end_with_one_network(
    boxes_set, tiny_models, tmp_path, monkeypatch
):
    config = TrainConfig(
        model=tiny_models['detect'],
        data=str(boxes_set),
        image_size=64,
        epochs=1,
        batch=4,
        device='cpu',
        threads=1,
        precision='float32',
        plots=False,
    )
    output = tmp_path / 'run'
    _prepare(config, output, resume=False)
    here = str(Path(__file__).parent)
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([here, os.environ.get('PYTHONPATH', '')]))
    train_in_processes(
        [str(output / 'config.yaml'), '--output', str(output)],
        count=2,
        stop=StopRequest(),
        module='two_cpu_processes',
    )
    # Each process says it in a file of its own: in one pipe their lines may cut each other.
    told = [(output / f'rank_{rank}.txt').read_text() for rank in (0, 1)]
    assert told[0] == told[1] and told[0].startswith('C3k2_ContextGuided ')
    record = load_checkpoint(output / 'weights' / 'best.pt')['roof_detector']
    assert record['epochs_done'] == 1
