# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import io

import onnx
import onnxruntime
import openvino
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from roof_detector.blocks import BlocksError, C3k2_SnakeConv, DySnakeConv, SnakeConv
from roof_detector.blocks.pixel_sampling import sample_bilinear
from roof_detector.blocks.snake_convolution import accumulate_outward
from roof_detector.inference.openvino_core import openvino_core

EXACT = {'rtol': 1e-9, 'atol': 1e-10}
FLOAT = {'rtol': 1e-4, 'atol': 1e-4}
CASES = [
    pytest.param('dsconvpro_k3_m0', id='3 taps along x'),
    pytest.param('dsconvpro_k5_m1', id='5 taps along y'),
]


def own_state(published, taps, morph):
    """Rename the published tensors, leaving out what one morph does not read."""
    partner_and_own = slice(0, taps + 1) if morph == 0 else slice(taps - 1, 2 * taps)
    bent = [morph * taps + tap for tap in range(taps) if tap != taps // 2]
    strip = f'dsc_conv_{"xy"[morph]}.'
    own = {
        'offsets.conv.weight': 'offset_conv.weight',
        'offsets.conv.bias': 'offset_conv.bias',
        'offsets.weight': 'gn_offset.weight',
        'offsets.bias': 'gn_offset.bias',
        'conv.weight': f'{strip}weight',
        'conv.bias': f'{strip}bias',
        'norm.weight': 'gn.weight',
        'norm.bias': 'gn.bias',
    }
    state = {key: published[name] for key, name in own.items()}
    for key in ('offsets.conv.weight', 'offsets.conv.bias'):
        state[key] = state[key][partner_and_own]
    for key in ('offsets.weight', 'offsets.bias'):
        state[key] = state[key][bent]
    state['conv.weight'] = state['conv.weight'].flatten(1)[:, :, None, None]
    return state


def published(oracle, name):
    case = oracle(name)
    arguments = case.meta['args']
    model = SnakeConv(
        arguments['in_channels'],
        arguments['out_channels'],
        arguments['kernel_size'],
        arguments['morph'],
        arguments['extend_scope'],
    ).double()
    model.load_state_dict(own_state(case.state, model.kernel_size, model.morph))
    return case, model


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('training', [False, True])
def test_output_and_every_gradient_match_the_published_layer(oracle, name, training):
    case, model = published(oracle, name)
    x = case['in.x'].requires_grad_()
    y = model.train(training)(x)
    assert_close(y, case['out.eval'], **EXACT)
    (y * case['in.ct']).sum().backward()
    expected = case.under('grad.eval.')
    assert_close(x.grad, expected.pop('x'), **EXACT)
    gradients = own_state(expected, model.kernel_size, model.morph)
    for key, weight in model.named_parameters():
        assert_close(weight.grad, gradients[key], msg=lambda m, key=key: f'{key}: {m}', **EXACT)


def test_what_is_left_out_of_the_published_offsets_has_no_gradient_there(oracle):
    case = oracle('dsconvpro_k5_m1')
    unread = case['grad.eval.offset_conv.weight'][:4]
    assert torch.count_nonzero(unread) == 0


def test_positions_and_readings_match_the_published_maps(oracle):
    case = oracle('dsconvpro_maps_m0')
    taps, (height, width) = 5, case['in.feature'].shape[2:]
    offsets = case['in.offset'][:, :taps]
    bend = accumulate_outward(torch.cat((offsets[:, :2], offsets[:, 3:]), 1))
    rows = torch.arange(height)[:, None] + bend
    columns = torch.arange(width) + torch.arange(-2, 3)[:, None, None].expand_as(bend)

    def interleaved(positions):
        return positions.transpose(1, 2).reshape(2, height * taps, width)

    assert_close(interleaved(rows), case['out.y_map'], **EXACT)
    assert_close(interleaved(columns).double(), case['out.x_map'], **EXACT)
    read = sample_bilinear(
        case['in.feature'], interleaved(rows), interleaved(columns), outside='border'
    )
    assert_close(read, case['out.interp'], **EXACT)


class PublishedOffsets(nn.Module):
    """The community port's offsets, which it normalises over the batch instead of in groups."""

    def __init__(self, state, morph):
        super().__init__()
        self.state, self.morph = state, morph

    def forward(self, x):
        offset = nn.functional.conv2d(
            x, self.state['offset_conv.weight'], self.state['offset_conv.bias'], padding=1
        )
        bn = [self.state[f'bn.{key}'] for key in ('running_mean', 'running_var', 'weight', 'bias')]
        offset = torch.tanh(nn.functional.batch_norm(offset, *bn))
        return offset[:, [3 * self.morph, 3 * self.morph + 2]]


def test_three_views_stand_in_the_order_of_the_community_port(oracle):
    case = oracle('dysnakeconv_k3_b1')
    model = DySnakeConv(6, 8, 3).double().eval()
    model.square.load_state_dict(case.under('sd.conv_0.'))
    for morph, (name, snake) in enumerate(
        (('conv_x', model.horizontal), ('conv_y', model.vertical))
    ):
        state = case.under(f'sd.{name}.')
        snake.offsets = PublishedOffsets(state, morph)
        strip = state[f'dsc_conv_{"xy"[morph]}.weight']
        own = {'conv.weight': strip.flatten(1)[:, :, None, None]}
        own |= {'conv.bias': state[f'dsc_conv_{"xy"[morph]}.bias']}
        own |= {f'norm.{key}': state[f'gn.{key}'] for key in ('weight', 'bias')}
        snake.load_state_dict(own)
    ours, theirs = model(case['in.x'])[0], case['out.eval'][0]
    assert_close(ours[:8], theirs[:8], **EXACT)
    # The port reads zeros beyond the border and we read the border, so the rest is only alike:
    # each of our channels more like its own than like any other of the port's.
    alike = torch.corrcoef(torch.cat((ours, theirs)).flatten(1))[:24, 24:]
    assert torch.equal(alike.argmax(1), torch.arange(24))
    assert alike.diagonal().min() > 0.8


@pytest.mark.parametrize('taps', [3, 5, 9])
@pytest.mark.parametrize('morph', [0, 1])
def test_a_gradient_reaches_every_parameter_at_every_kernel_size(taps, morph):
    model = SnakeConv(4, 8, taps, morph).double()
    x = torch.randn(2, 4, 11, 12, dtype=torch.float64)
    (model(x) * torch.randn(2, 8, 11, 12)).sum().backward()
    for key, weight in model.named_parameters():
        per_channel = weight.grad.flatten(1) if weight.ndim > 1 else weight.grad[:, None]
        assert (per_channel.abs().amax(1) > 0).all(), key


@pytest.mark.parametrize('morph', [0, 1])
def test_samples_of_a_batch_do_not_read_each_other(morph):
    model = SnakeConv(3, 8, 5, morph)
    x = torch.randn(3, 3, 7, 6)
    together = model(x)
    for index in range(3):
        assert_close(together[index : index + 1], model(x[index : index + 1]))


@pytest.mark.parametrize('size', [(1, 1), (1, 7), (6, 1), (3, 2)])
@pytest.mark.parametrize('c2', [1, 2, 3, 8, 14])
@pytest.mark.parametrize('batch', [0, 1, 2])
def test_any_size_and_any_number_of_channels_pass(size, c2, batch):
    x = torch.randn(batch, 3, *size)
    for morph in (0, 1):
        y = SnakeConv(3, c2, 5, morph)(x)
        assert y.shape == (batch, c2, *size)
        assert torch.isfinite(y).all()


@pytest.mark.parametrize('morph', [0, 1])
def test_a_straight_snake_is_a_strip_convolution_with_repeated_border(morph):
    model = SnakeConv(3, 8, 5, morph, offset=False)
    assert not any('offset' in key for key in model.state_dict())
    x = torch.randn(2, 3, 6, 7)
    kernel = model.conv.weight.reshape(8, 3, *((1, 5) if morph == 0 else (5, 1)))
    padding = (2, 2, 0, 0) if morph == 0 else (0, 0, 2, 2)
    strip = nn.functional.conv2d(
        nn.functional.pad(x, padding, mode='replicate'), kernel, model.conv.bias
    )
    assert_close(model(x), torch.relu(model.norm(strip)))


def test_vertical_is_horizontal_on_the_image_turned_by_a_quarter():
    # Rows then count the other way along the strip: so do the taps and the steps to them.
    horizontal = SnakeConv(3, 8, 5, 0, extend_scope=1.5)
    state = horizontal.state_dict()
    state['conv.weight'] = state['conv.weight'].unflatten(1, (3, 5)).flip(2).flatten(1, 2)
    for key in ('conv.weight', 'conv.bias', 'weight', 'bias'):
        state[f'offsets.{key}'] = state[f'offsets.{key}'].flip(0)
    state['offsets.conv.weight'] = state['offsets.conv.weight'].rot90(dims=(2, 3))
    vertical = SnakeConv(3, 8, 5, 1, extend_scope=1.5)
    vertical.load_state_dict(state)
    x = torch.randn(2, 3, 6, 7)
    assert_close(vertical(x.rot90(dims=(2, 3))), horizontal(x).rot90(dims=(2, 3)))


@pytest.mark.parametrize('taps', [1, 2, 4, -3])
def test_a_kernel_without_a_centre_to_bend_from_is_refused(taps):
    with pytest.raises(BlocksError, match='expected an odd number from 3'):
        SnakeConv(3, 8, taps)


def test_an_unknown_direction_is_refused():
    with pytest.raises(BlocksError, match=r'morph 2, expected 0 .* or 1'):
        SnakeConv(3, 8, 3, 2)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_near_full_precision(dtype):
    model = SnakeConv(8, 8, 5).eval()
    x = torch.randn(1, 8, 9, 7)
    full = model(x)
    half = model.to(dtype)(x.to(dtype))
    assert half.dtype is dtype
    assert_close(half.float(), full, rtol=0.1, atol=0.1)


def test_the_stage_trains_every_parameter_in_both_forms():
    for c3k in (False, True):
        stage = C3k2_SnakeConv(8, 16, 2, c3k=c3k)
        (stage(torch.randn(2, 8, 9, 8)) * torch.randn(2, 16, 9, 8)).sum().backward()
        assert all(weight.grad is not None for weight in stage.parameters())


def test_it_exports_for_any_size_without_scattered_writes():
    model = SnakeConv(4, 8, 5, 1).eval()
    file = io.BytesIO()
    torch.onnx.export(
        model,
        (torch.randn(1, 4, 9, 7),),
        file,
        dynamo=False,
        opset_version=17,
        input_names=['x'],
        dynamic_axes={'x': {0: 'batch', 2: 'height', 3: 'width'}},
    )
    kinds = {node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node}
    assert 'GridSample' in kinds
    assert not any('Scatter' in kind for kind in kinds)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=['CPUExecutionProvider'])
    file.seek(0)
    # By default a CPU with AMX computes in bfloat16, which moves sampling positions.
    options = {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': 1}
    compiled = openvino_core().compile_model(openvino.convert_model(file), 'CPU', options)
    for shape in ((1, 4, 9, 7), (2, 4, 12, 5), (1, 4, 1, 6)):
        x = torch.randn(shape)
        y = model(x).detach()
        assert_close(torch.from_numpy(session.run(None, {'x': x.numpy()})[0]), y, **FLOAT)
        assert_close(torch.from_numpy(compiled([x.numpy()])[0]), y, **FLOAT)
