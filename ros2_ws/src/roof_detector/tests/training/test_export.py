# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import pytest

from roof_detector.inference.detector import Detector
from roof_detector.simulation.flight.sample_frames import sample_frames
from training.export import main


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    frames = sample_frames(3, size_wh=(160, 96))
    assert (frames[0] != frames[1]).any()
    for i, frame in enumerate(frames):
        assert cv2.imwrite(str(folder / f'{i}.png'), frame)
    return str(folder)


def test_one_command_makes_every_format_it_can_and_says_which_it_cannot(tmp_path, images, capfd):
    output = tmp_path / 'out'
    command = ['roof_anomalies', '--format', 'engine', 'torchscript', '--frames', images]
    code = main([*command, '--image-size', '64', '96', '--output', str(output)])
    said = capfd.readouterr()
    with Detector.open(output / 'roof_anomalies.torchscript', trust_model=True) as detector:
        assert detector.image_size == (96, 64)
        assert detector.names == ('equip', 'drain', 'crack', 'ponding', 'rust')
    assert said.out.count(' ok |') == 3
    if not (output / 'roof_anomalies.engine').exists():
        assert code == 1
        assert 'engine: The format engine is made with tensorrt' in said.err
        assert [path.name for path in output.iterdir()] == ['roof_anomalies.torchscript']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--frames', 'nowhere'], 'no file or folder nowhere'),
        (['--image-size', '1', '2', '3'], '--image-size has 3 numbers'),
        (['--frame-count', '0'], '0 images were asked for'),
        (['--precision', 'f16'], 'on CUDA only'),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(tmp_path, capsys, options, message):
    command = ['roof_anomalies', '--format', 'torchscript', '--output', str(tmp_path / 'out')]
    assert main([*command, *options]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
