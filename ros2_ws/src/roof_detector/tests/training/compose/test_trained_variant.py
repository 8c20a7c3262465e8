# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A checkpoint of a composed network is read as any other: confined, and rebuilt from data."""

from __future__ import annotations

import pytest
import torch

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.timm_backbone import TimmBackbone
from roof_detector.inference.errors import BadModel
from roof_detector.inference.importing.architecture import check_architecture
from roof_detector.inference.safe_load import load_checkpoint
from training.compose import Description, build_network, model_rows


@pytest.mark.parametrize(
    'values',
    [
        {'backbone': 'lcnet_050', 'attention': 'se', 'stages': 'inception_next', 'head': 'dyhead'},
        {'attention': 'cbam', 'stages': 'shufflenet', 'neck': 'bifpn', 'upsampling': 'carafe'},
    ],
    ids=['of timm', 'of torchvision'],
)
def test_a_checkpoint_with_parts_of_a_library_is_read_confined(values, tmp_path, one_thread):
    network = build_network(Description.of(values), class_count=3).eval()
    path = tmp_path / 'best.pt'
    torch.save({'model': network, 'train_args': {'imgsz': 64, 'task': 'detect'}}, path)
    loaded = load_checkpoint(path)['model']
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(image)[0], network(image)[0])


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'kind': 'os.system'}, "the argument 'os.system'"),
        ({'kind': 'se|eca'}, "the argument 'se|eca'"),
        ({'name': 'se'}, "the argument 'se'"),
    ],
)
def test_no_other_text_than_those_of_a_block_is_read_from_a_file(options, said):
    rows = model_rows(Description(attention='se'))
    (row, *_) = [row for row in rows['head'] if row[2] == 'TimmAttention']
    assert check_architecture(rows)['head'] == rows['head']
    row[3][-1] = options
    with pytest.raises(BadModel) as raised:
        check_architecture(rows)
    assert said in str(raised.value)


@pytest.mark.parametrize('name', ['hf-hub:timm/lcnet_050', '../lcnet', 'lcnet_050.ra2_in1k'])
def test_no_address_is_read_as_the_name_of_a_backbone(name):
    rows = model_rows(Description(backbone='lcnet_050'))
    check_architecture(rows)
    rows['backbone'][0][3][-1]['name'] = name
    with pytest.raises(BadModel, match='the argument'):
        check_architecture(rows)


def test_a_backbone_too_large_to_fly_is_refused_before_its_weights_are_made():
    with pytest.raises(BlocksError, match='million weights, at most 100'):
        TimmBackbone(3, name='convnext_large')
