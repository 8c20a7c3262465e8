# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import subprocess
import sys
from copy import deepcopy

import pytest
import torch
from torch import nn
from ultralytics import YOLO
from ultralytics.nn import tasks
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel, yaml_model_load

from roof_detector.blocks import BlocksError, ContextGuidedBlock, parser, registry
from roof_detector.blocks.model_files import find_model_file
from roof_detector.blocks.registry import register, registered


@pytest.fixture
def scratch_registry(monkeypatch):
    """Let a test register blocks that vanish with it."""
    monkeypatch.setattr(registry, '_registrations', dict(registry._registrations))


def stock(**changes):
    """Return YOLO11's own description, with the rows of the given indices replaced."""
    description = yaml_model_load('yolo11n.yaml')
    rows = description['backbone'] + description['head']
    for name, row in changes.items():
        rows[int(name.removeprefix('row'))][:] = row
    return description


def build(description):
    return DetectionModel(deepcopy(description), verbose=False)


def test_models_without_custom_rows_pass_through_the_stock_parser(monkeypatch):
    seen = []

    def spy(*arguments, **options):
        seen.append(arguments)
        return tasks.parse_model.stock(*arguments, **options)

    description = stock()
    layers, save = parser._extended(spy)(description, 3, verbose=False)
    assert seen == [(description, 3)]
    assert (len(layers), save) == (24, [4, 6, 10, 13, 16, 19, 22])


def test_installing_again_changes_nothing():
    before = (tasks.parse_model, tasks.check_yaml)
    parser.install()
    assert (tasks.parse_model, tasks.check_yaml) == before


def test_an_unknown_parser_is_refused_with_the_release_and_the_way_out(monkeypatch):
    def parse_model(d, ch, verbose=True):
        return None

    monkeypatch.setattr(tasks, 'parse_model', parse_model)
    with pytest.raises(BlocksError, match=r'do not know the model parser .* that of 8\.4\.190'):
        parser.install()
    assert tasks.parse_model is parse_model


def test_the_model_keeps_the_custom_names_and_the_layers_their_places():
    model = build(yaml_model_load('yolo11n-ContextGuided.yaml'))
    assert model.yaml['backbone'][4][2] == 'C3k2_ContextGuided'
    layer = model.model[4]
    assert (layer.i, layer.f) == (4, -1)
    assert layer.type == 'roof_detector.blocks.context_guided.C3k2_ContextGuided'
    assert layer.np == sum(weights.numel() for weights in layer.parameters())
    assert [layer.i for layer in model.model] == list(range(24))


@pytest.mark.parametrize(('scale', 'c3k', 'channels'), [('n', False, 32), ('m', True, 64)])
def test_a_stage_receives_what_the_stock_parser_gives_its_own(scale, c3k, channels):
    description = yaml_model_load(f'yolo11{scale}-ContextGuided.yaml')
    with torch.device('meta'):
        layers, _ = tasks.parse_model(description, 3, verbose=False)
        own, _ = tasks.parse_model(yaml_model_load(f'yolo11{scale}.yaml'), 3, verbose=False)
    assert layers[4].cv1.conv.weight.shape == own[4].cv1.conv.weight.shape
    assert layers[4].cv2.conv.weight.shape == own[4].cv2.conv.weight.shape
    inner = layers[4].m[0]
    assert isinstance(inner, ContextGuidedBlock) is not c3k
    blocks = [part for part in layers[4].modules() if isinstance(part, ContextGuidedBlock)]
    assert {block.reduce.conv.in_channels for block in blocks} == {channels}


def test_the_head_keeps_its_depthwise_class_branch_when_no_stock_stage_is_left():
    changes = {
        f'row{i}': [-1, 2, 'C3k2_ContextGuided', [c]]
        for i, c in {2: 256, 4: 512, 6: 512, 8: 1024, 13: 512, 16: 256, 19: 512, 22: 1024}.items()
    }
    head = build(stock(**changes)).model[-1]
    assert not head.legacy
    assert isinstance(head.cv3[0][0], nn.Sequential)


def test_options_end_a_row_and_reach_the_block():
    row = [-1, 2, 'MSBlock', [512, {'kernel_sizes': [1, 9]}]]
    branches = build(stock(row4=row)).model[4].branches
    assert branches[1][0][1].conv.kernel_size == (9, 9)


def test_an_unknown_option_is_refused_with_the_known_ones():
    row = [-1, 2, 'MSBlock', [512, {'kernels': [1, 9]}]]
    with pytest.raises(BlocksError, match=r"no option 'kernels'; its options are .*kernel_sizes"):
        build(stock(row4=row))


def test_a_layer_with_repeats_is_refused():
    with pytest.raises(BlocksError, match='its row must have 1 repeat'):
        build(stock(row3=[-1, 4, 'ContextGuidedDown', [256, 3, 2]]))


def test_an_activation_for_the_whole_model_is_refused():
    description = {**yaml_model_load('yolo11n-MSBlock.yaml'), 'activation': 'nn.ReLU()'}
    with pytest.raises(BlocksError, match='sets activation'):
        build(description)
    assert isinstance(Conv.default_act, nn.SiLU)


class Widen(nn.Module):
    """A plain stage that takes no repeats."""

    def __init__(self, c1, c2):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, 1)

    def forward(self, x):
        return self.conv(x)


def test_a_stage_without_repeats_is_repeated_in_a_row(scratch_registry):
    register(stands_for='C3k2')(Widen)
    layer = build(stock(row4=[-1, 6, 'Widen', [512]])).model[4]
    assert [part.conv.in_channels for part in layer] == [64, 128, 128]
    assert (layer.i, layer.type.rpartition('.')[2]) == (4, 'Widen')


def test_an_unknown_stand_in_is_refused():
    with pytest.raises(BlocksError, match="cannot stand for 'C2f': choose one of C3k2"):
        register(stands_for='C2f')


def test_names_of_ultralytics_and_of_other_files_are_refused(scratch_registry):
    with pytest.raises(BlocksError, match='a module of ultralytics itself'):
        register(stands_for='C3k2')(type('C3k2', (nn.Module,), {}))
    register(stands_for='C3k2')(Widen)
    with pytest.raises(BlocksError, match='is registered by'):
        register(stands_for='C3k2')(type('Widen', (nn.Module,), {'__module__': 'elsewhere'}))


def test_a_file_of_the_working_directory_goes_before_that_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = 'yolo11-KALN.yaml'
    assert find_model_file(name).parent.name == 'models'
    (tmp_path / name).touch()
    assert find_model_file(name) is None


@pytest.mark.parametrize('name', ['yolo11n.yaml', 'yolo11-Nothing.yaml', '/a/yolo11-KALN.yaml'])
def test_other_names_are_left_to_ultralytics(name):
    assert find_model_file(name) is None


@pytest.mark.parametrize(
    'name', ['yolo11-KALN.yaml', 'yolo11x-KALN.yaml', 'yolo11s-KALN-seg.yaml']
)
def test_names_with_and_without_a_scale_are_found(name):
    assert find_model_file(name).name == name.replace('11x', '11').replace('11s', '11')


NO_IMAGE = """
import io
from PIL import Image, UnidentifiedImageError
try:
    Image.open(io.BytesIO(b'no image'))
except UnidentifiedImageError:
    print('said so')
"""


def in_a_fresh_process(program, folder, **environment):
    """Run a program that has imported nothing yet, from a directory that is not ours."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', program],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_fresh_process_loads_a_checkpoint_without_importing_the_package(tmp_path):
    """And Pillow asks for no package when it cannot read an image, once the blocks are there."""
    checkpoint = tmp_path / 'best.pt'
    YOLO('yolo11n-ContextGuided.yaml').save(checkpoint)
    program = f"""
from ultralytics import YOLO
model = YOLO({str(checkpoint)!r})
print(type(model.model.model[4]).__name__)
print(YOLO('yolo11n-ContextGuided.yaml').task)
import roof_detector.blocks
"""
    done = in_a_fresh_process(program + NO_IMAGE, tmp_path)
    said = done.stdout.split(maxsplit=2)
    assert said == ['C3k2_ContextGuided', 'detect', 'said so\n'], done.stderr


def test_importing_the_blocks_changes_nothing_but_that_ultralytics_stays_offline(tmp_path):
    """Neither what torch unpickles, nor the threads, nor Pillow, which asks for no package."""
    program = """
import os
os.environ.pop('OMP_NUM_THREADS', None)
import cv2, torch
threads = cv2.getNumThreads(), torch.get_num_threads()
before = set(torch.serialization.get_safe_globals())
import roof_detector.blocks
print(set(torch.serialization.get_safe_globals()) == before)
from ultralytics.utils import AUTOINSTALL, ONLINE
print(AUTOINSTALL, ONLINE, 'OMP_NUM_THREADS' in os.environ)
print(threads == (cv2.getNumThreads(), torch.get_num_threads()))
"""
    done = in_a_fresh_process(program + NO_IMAGE, tmp_path)
    assert done.stdout.splitlines() == ['True', 'False False False', 'True', 'said so'], (
        done.stderr
    )


def test_registered_names_are_those_of_the_classes():
    assert all(name == entry.block.__name__ for name, entry in registered().items())
