# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The whole job, as `make demo` does it: separate processes, a bag, a summary."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import pytest
from tiny_model import write_model


@pytest.fixture
def demo(tmp_path):
    def run(*arguments, model=None):
        output = tmp_path / 'demo_output'
        command = [sys.executable, '-m', 'roof_detector.cli.main', 'demo']
        chosen = [] if model is None else ['--model', str(model)]
        finished = subprocess.run(
            [*command, '--output', str(output), *chosen, *arguments],
            env={name: value for name, value in os.environ.items() if name != 'ROS_DOMAIN_ID'},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return finished, output

    return run


@pytest.fixture
def model(tmp_path):
    """Return a small network, for what the shipped one need not be loaded for."""
    path = tmp_path / 'tiny.onnx'
    write_model(path)
    return path


def test_a_simulated_flight_is_detected_recorded_and_summed_up(demo):
    finished, output = demo('--frames', '12')
    assert finished.returncode == 0, finished.stdout + finished.stderr
    summary = json.loads((output / 'summary.json').read_text())
    frames = summary['frames']
    assert frames['published'] == 12
    assert frames['detected'] > 0
    assert frames['detected'] + sum(frames['dropped'].values()) == 12
    assert frames['unaccounted'] == 0
    assert 0 < summary['age_s']['p50'] <= summary['age_s']['p95']
    assert set(summary['against_ground_truth']) >= {'precision', 'recall'}
    findings = summary['findings']
    assert set(findings['against_true_objects']) >= {'objects', 'duplicates', 'missed'}
    assert sum(findings['states'].values()) <= sum(summary['detections'].values())
    assert (output / 'inspection' / 'inspection.gpkg').is_file()
    assert 'true objects seen' in finished.stdout
    assert cv2.imread(str(output / 'contact_sheet.jpg')) is not None
    images = sorted((output / 'annotated').glob('*.jpg'))
    assert images
    assert cv2.imread(str(images[0])).shape == (720, 1280, 3)
    assert 'recall at IoU 0.5' in finished.stdout


def test_a_folder_of_images_replaces_the_simulation_and_the_results_of_another_demo(
    demo, model, tmp_path, numbered_images
):
    (tmp_path / 'demo_output' / 'annotated').mkdir(parents=True)
    stale = tmp_path / 'demo_output' / 'annotated' / 'old.jpg'
    stale.write_bytes(b'')
    mine = tmp_path / 'demo_output' / 'notes.txt'
    mine.write_text('kept')
    folder = numbered_images.write_images(tmp_path / 'images', numbers=range(4))
    finished, output = demo('--input', str(folder), '--rate', '2', model=model)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    summary = json.loads((output / 'summary.json').read_text())
    assert summary['frames']['published'] == 4
    assert 'against_ground_truth' not in summary
    assert not stale.exists()
    assert mine.read_text() == 'kept'


def test_a_missing_input_ends_the_demo_with_a_sentence(demo, tmp_path):
    finished, output = demo('--input', str(tmp_path / 'missing.mp4'))
    assert finished.returncode == 1
    assert not output.exists(), 'nothing was started'
    assert 'missing.mp4' in finished.stderr
    assert 'Traceback' not in finished.stderr
