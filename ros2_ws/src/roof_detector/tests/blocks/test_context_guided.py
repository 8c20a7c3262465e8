# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.testing import assert_close

from roof_detector.blocks import (
    BlocksError,
    C3k2_ContextGuided,
    ContextGuidedBlock,
    ContextGuidedDown,
)

EXACT = {'rtol': 1e-9, 'atol': 1e-10}
DOWN_NAMES = (
    ('conv1x1.', 'reduce.'),
    ('F_loc.', 'surround.local.'),
    ('F_sur.', 'surround.around.'),
    ('act.', 'surround.activation.'),
    ('reduce.conv.', 'project.'),
    ('F_glo.fc.0.', 'gate.squeeze.'),
    ('F_glo.fc.2.', 'gate.excite.'),
)
BLOCK_NAMES = (*DOWN_NAMES, ('bn_prelu.act.', 'surround.activation.'))


def own_state(published, names, local):
    """Rename the published tensors; the joint normalisation falls into its two halves."""
    own = {}
    for key, value in published.items():
        joint = key.removeprefix('bn_prelu.')
        if joint.startswith('bn.'):
            halves = (value, value) if value.ndim == 0 else (value[:local], value[local:])
            own[f'surround.local.{joint}'], own[f'surround.around.{joint}'] = halves
            continue
        old, new = next(pair for pair in names if key.startswith(pair[0]))
        own[new + key.removeprefix(old)] = value
    return own


CASES = [
    pytest.param('cg_block_add16', ContextGuidedBlock, BLOCK_NAMES, id='added'),
    pytest.param('cg_block_noadd_in12_out20', ContextGuidedBlock, BLOCK_NAMES, id='not added'),
    pytest.param('cg_down_12_24', ContextGuidedDown, DOWN_NAMES, id='down'),
]


def published(oracle, name, block, names):
    case = oracle(name)
    arguments = case.meta['args']
    options = {'add': arguments['add']} if 'add' in arguments else {}
    model = block(
        arguments['nIn'],
        arguments['nOut'],
        arguments['dilation_rate'],
        arguments['reduction'],
        **options,
    ).double()
    local = model.surround.local.conv.out_channels
    model.load_state_dict(own_state(case.state, names, local))
    return case, model, local


@pytest.mark.parametrize(('name', 'block', 'names'), CASES)
def test_eval_output_and_every_gradient_match_the_published_block(oracle, name, block, names):
    case, model, local = published(oracle, name, block, names)
    x = case['in.x'].requires_grad_()
    y = model.eval()(x)
    assert_close(y, case['out.eval'], **EXACT)
    (y * case['in.ct']).sum().backward()
    expected = case.under('grad.eval.')
    assert_close(x.grad, expected.pop('x'), **EXACT)
    gradients = own_state(expected, names, local)
    assert set(gradients) == {key for key, _ in model.named_parameters()}
    for key, weight in model.named_parameters():
        assert_close(weight.grad, gradients[key], msg=lambda m, key=key: f'{key}: {m}', **EXACT)


@pytest.mark.parametrize(('name', 'block', 'names'), CASES)
def test_training_output_gradient_and_statistics_match_the_published_block(
    oracle, name, block, names
):
    case, model, local = published(oracle, name, block, names)
    x = case['in.x'].requires_grad_()
    y = model.train()(x)
    assert_close(y, case['out.train'], **EXACT)
    (y * case['in.ct']).sum().backward()
    assert_close(x.grad, case['grad.train.x'], **EXACT)
    buffers = dict(model.named_buffers())
    for key, value in own_state(case.under('out.train_after.'), names, local).items():
        assert_close(buffers[key], value, **EXACT)


@pytest.mark.parametrize('c2', [2, 3, 17, 40])
@pytest.mark.parametrize('size', [(1, 1), (1, 7), (5, 4)])
def test_any_number_of_channels_and_any_size_pass(c2, size):
    x = torch.randn(2, 5, *size)
    assert ContextGuidedBlock(5, c2, add=False).eval()(x).shape == (2, c2, *size)
    down = ContextGuidedDown(5, c2).eval()(x)
    assert down.shape == (2, c2, (size[0] + 1) // 2, (size[1] + 1) // 2)


def test_adding_an_input_of_other_channels_is_refused_with_the_way_out():
    with pytest.raises(BlocksError, match='8 channels cannot be added to an output of 12'):
        ContextGuidedBlock(8, 12)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_near_full_precision(dtype):
    model = ContextGuidedBlock(16, 16).eval()
    x = torch.randn(1, 16, 9, 7)
    full = model(x)
    assert_close(model.to(dtype)(x.to(dtype)).float(), full, rtol=5e-2, atol=5e-2)


def test_samples_of_a_batch_do_not_influence_each_other_in_eval_mode():
    model = C3k2_ContextGuided(8, 16, 2, c3k=True).eval()
    x = torch.randn(3, 8, 6, 5)
    assert_close(model(x)[1:2], model(x[1:2]))


def test_the_gate_of_a_narrow_stage_keeps_four_hidden_units():
    stage = C3k2_ContextGuided(32, 64, e=0.25)
    assert stage.m[0].gate.squeeze.out_features == 4


def test_each_half_of_the_joint_normalisation_folds_into_its_convolution():
    model = ContextGuidedBlock(8, 8).eval()
    around = model.surround.around
    folded = fuse_conv_bn_eval(around.conv, around.bn)
    x = torch.randn(1, 4, 6, 6)
    assert_close(folded(x), around(x))


def test_constant_input_gives_finite_output_and_gradients():
    x = torch.zeros(2, 8, 4, 4, requires_grad=True)
    y = ContextGuidedBlock(8, 8)(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
