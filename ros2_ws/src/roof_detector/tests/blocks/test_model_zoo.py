# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.nn.modules import Detect
from ultralytics.nn.tasks import DetectionModel, SegmentationModel
from ultralytics.utils import YAML

from roof_detector.blocks.model_files import model_files
from roof_detector.blocks.registry import registered
from training.research.flop_count import count_flops

FILES = [path.name for path in model_files()]
REQUIRED = {
    'ContextGuided',
    'ContextGuided-MSBlock',
    'ContextGuided-P2',
    'ContextGuidedDown',
    'DyHead',
    'KALN',
    'MSBlock',
    'SnakeConv',
    'VSS',
}
each_file = pytest.mark.parametrize('file_name', FILES)


def test_the_zoo_holds_every_variant_for_both_tasks():
    expected = itertools.product(REQUIRED, ('', '-seg'))
    assert set(FILES) >= {f'yolo11-{variant}{task}.yaml' for variant, task in expected}


@pytest.mark.parametrize('file_name', [name for name in FILES if '-seg' not in name])
def test_the_segmentation_file_differs_in_its_head_alone(file_name):
    files = {path.name: YAML.load(path) for path in model_files()}
    detect, segment = files[file_name], files[file_name.replace('.yaml', '-seg.yaml')]
    head, mask_head = detect['head'].pop(), segment['head'].pop()
    assert detect == segment
    assert mask_head[2] == head[2].replace('Detect', 'Segment')
    assert (mask_head[0], mask_head[3][:3]) == (head[0], ['nc', 32, 256])


def test_every_registered_block_serves_in_a_model_of_the_zoo_or_is_a_plain_stage():
    rows = [
        row
        for path in model_files()
        for part in ('backbone', 'head')
        for row in YAML.load(path)[part]
    ]
    unused = set(registered()) - {row[2] for row in rows}
    composed = {'DySample', 'EMA', 'LSKA', 'SPDConv', 'SimAM', 'TimmAttention', 'TimmBackbone'}
    composed |= {'CARAFE', 'LibraryStage', 'MixedPool', 'ScaleSequence', 'WeightedFusion'}
    assert unused == {'VSSBlock'} | composed  # what variants are composed of


def right_strides(file_name):
    return [4, 8, 16, 32] if '-P2' in file_name else [8, 16, 32]


@each_file
def test_models_build_at_scale_n_with_the_right_strides(zoo, file_name):
    assert zoo.model(file_name).stride.tolist() == right_strides(file_name)


@each_file
@pytest.mark.parametrize('scale', ['s', 'm'])
def test_models_build_at_larger_scales_with_the_right_strides(file_name, scale, monkeypatch):
    # Shapes are all that is asked, so no memory is filled; the stock bias needs real strides.
    monkeypatch.setattr(Detect, 'bias_init', lambda self: None)
    kind = SegmentationModel if '-seg' in file_name else DetectionModel
    with torch.device('meta'):
        model = kind(file_name.replace('yolo11', f'yolo11{scale}'), verbose=False)
        levels = model.train()(torch.zeros(1, 3, 256, 192))['feats']
    found = [(256 / x.shape[2], 192 / x.shape[3]) for x in levels]
    assert found == [(stride, stride) for stride in right_strides(file_name)]


@each_file
def test_one_epoch_on_eight_images_lowers_the_loss_and_reaches_every_weight(
    zoo, images, file_name
):
    model = zoo.model(file_name).train()
    model.args = SimpleNamespace(**vars(get_cfg()))
    for level in model.model[-1].cv3:
        # From the stock prior, objects being rare, the loss rises at first, as objects get
        # assigned; from even odds it has to fall.
        nn.init.zeros_(level[-1].bias)
    before = total_loss(model, images)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for first in range(0, 8, 2):
        optimizer.zero_grad()
        loss, _ = model(picked(images, slice(first, first + 2)))
        loss.sum().backward()
        optimizer.step()
    trained = {key: weight for key, weight in model.named_parameters() if weight.requires_grad}
    assert [key for key, weight in trained.items() if weight.grad is None] == []
    assert all(weight.isfinite().all() for weight in trained.values())
    assert total_loss(model, images) < 0.98 * before


@each_file
def test_fusing_changes_nothing_but_the_speed(zoo, file_name):
    model = zoo.lively(file_name)
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        plain = model(x)[0]
        fused = model.fuse(verbose=False)(x)[0]
    for ours, theirs in zip(flat(fused), flat(plain), strict=True):
        assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@each_file
def test_images_of_a_batch_do_not_influence_each_other(zoo, file_name):
    model = zoo.lively(file_name)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        together, alone = model(x)[0], model(x[1:])[0]
    for batch, single in zip(flat(together), flat(alone), strict=True):
        assert_close(batch[1:], single, rtol=1e-3, atol=1e-3)


@each_file
def test_every_operation_of_every_model_has_a_price(zoo, file_name):
    model = zoo.lively(file_name)
    count = count_flops(lambda: model(torch.zeros(1, 3, 64, 64)))
    assert count.products > 0
    assert count.unpriced == set()


def test_stock_models_are_counted_as_their_makers_count_them():
    model = DetectionModel('yolo11n.yaml', verbose=False).eval().fuse(verbose=False)
    count = count_flops(lambda: model(torch.zeros(1, 3, 640, 640)))
    assert count.products == pytest.approx(6.5e9, rel=0.02)


def test_the_trainer_of_ultralytics_trains_a_custom_model(tmp_path, images):
    """One real epoch through the stock command: data set, loss, validation and checkpoint."""
    data = written_data_set(tmp_path, images)
    model = YOLO('yolo11n-ContextGuided.yaml')
    model.train(
        data=str(data),
        epochs=1,
        imgsz=64,
        batch=4,
        device='cpu',
        workers=0,
        amp=False,
        plots=False,
        val=False,
        project=str(tmp_path),
        name='run',
        optimizer='AdamW',
    )
    trained = YOLO(tmp_path / 'run' / 'weights' / 'last.pt')
    assert 'C3k2_ContextGuided' in {type(layer).__name__ for layer in trained.model.model}
    assert trained.names == {0: 'equipment'}


def picked(images, which):
    part = {key: value[which] for key, value in images.items()}
    return {**part, 'batch_idx': torch.arange(float(len(part['img'])))}


def total_loss(model, images):
    with torch.no_grad():
        return model(images)[0].sum().item()


def flat(outputs):
    return [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)


def written_data_set(folder, images):
    import cv2

    for part in ('images', 'labels'):
        (folder / part).mkdir()
    for number, image in enumerate(images['img']):
        pixels = (image.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        cv2.imwrite(str(folder / 'images' / f'{number}.png'), pixels)
        box = ' '.join(f'{value:.6f}' for value in images['bboxes'][number].tolist())
        (folder / 'labels' / f'{number}.txt').write_text(f'0 {box}\n')
    data = folder / 'data.yaml'
    YAML.save(
        data, {'path': str(folder), 'train': 'images', 'val': 'images', 'names': ['equipment']}
    )
    return data
