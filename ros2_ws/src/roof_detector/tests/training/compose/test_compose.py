# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import yaml

from roof_detector.blocks.model_files import model_files
from training.compose import ComposeError, Description, model_rows
from training.compose.__main__ import main
from training.compose.backbones import TIMM_BACKBONES
from training.compose.build import build_network
from training.compose.campaign import ProofFile, left_to_do, read_lines
from training.compose.check import Proof, prove
from training.compose.parts import SCALES
from training.compose.variants import FACTORS, all_variants, covering_subset, described
from training.compose.zoo import zoo


def test_an_empty_description_is_the_stock_network():
    from ultralytics import YOLO

    rows = model_rows(Description())
    stock = YOLO('yolo11n.yaml').model.yaml
    assert [rows['backbone'], rows['head']] == [stock['backbone'], stock['head']]
    assert Description.of({}) == Description()


def test_every_model_file_of_the_package_is_a_description():
    described_files = zoo()
    assert set(described_files) == {path.stem for path in model_files()}
    for path in model_files():
        assert model_rows(described_files[path.stem]) == yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        ({'backbone': 'mobilenetv4_conv_smal'}, 'Did you mean mobilenetv4_conv_small'),
        ({'attention': 'cbma'}, 'Did you mean cbam'),
        ({'stages': 'MSBlok'}, 'Did you mean MSBlock'),
        ({'stages': {'MSBlock': ['b9']}}, "no place of MSBlock 'b9'"),
        ({'stages': {'MSBlock': ['t2']}}, 'MSBlock is to stand at t2, which'),
        ({'stages': {'MSBlock': [], 'VSS': []}}, 'both to stand at b4'),
        ({'stages': 'MSBlock', 'backbone': 'lcnet_035'}, 'name its places'),
        ({'stages': ['MSBlock']}, 'write a block, or blocks with lists'),
        ({'backbone': 'lcnet_035', 'backbone_downsampling': 'spd'}, 'downsampling of its own'),
        ({'head': 'detekt'}, 'Did you mean detect'),
        ({'scale': 'z'}, "no scale 'z'"),
        ({'bakcbone': 'yolo11'}, 'Did you mean backbone'),
        ({'upsampling': None}, 'no upsampling None'),
        ({'neck': 'bifnp'}, 'Did you mean bifpn'),
        ({'stages': {'convnext': ['t5']}}, 'at t5, which a network of .* the neck pan'),
        ({'box_loss': 'wiuo'}, 'Did you mean wiou'),
        ({'class_loss': 'bec'}, 'Did you mean bce'),
        ({'head': 'p2-obb', 'box_loss': 'nwd'}, 'p2-obb gives rotated ones'),
        ({'backbone': 'mobilenetv4_conv_small.e2400_r224_in1k'}, 'which timm would download'),
        ({'backbone': 'hf-hub:timm/lcnet_050'}, 'an address, from which timm would download'),
        ({'backbone': 'efficientvit_m0'}, r'maps of the strides \[16, 32, 64\], but \[8\]'),
        ({'backbone': 'vit_tiny_patch16_224'}, r'maps of the strides \[16\], but \[8, 32\]'),
        ({'pretrained': True}, 'never downloaded, so there is no key pretrained'),
        ({'backbone': ['lcnet_050']}, 'There is no backbone'),
    ],
)
def test_what_does_not_exist_or_fit_is_refused_before_anything_is_built(values, said):
    with pytest.raises(ComposeError, match=said):
        Description.of(values)


def test_there_are_forty_backbones_and_two_hundred_and_fifty_variants():
    assert len(set(TIMM_BACKBONES)) >= 40
    variants = all_variants()
    assert len(variants) >= 250
    assert len({one.title for one in variants}) == len(variants)
    page = Path(__file__).parents[6] / 'docs' / 'how-to' / 'compose.md'
    assert f'The {len(variants)} variants that' in page.read_text()
    values = [one.as_dict() for one in variants]
    for factor in set(FACTORS) - {'stages'}:
        assert {one[factor] for one in values} == set(FACTORS[factor])
    assert {one['scale'] for one in values} == set(SCALES)


def test_the_covering_subset_holds_every_part():
    values = [one.as_dict() for one in covering_subset()]
    for factor in set(FACTORS) - {'backbone', 'stages'}:
        assert {one[factor] for one in values} == set(FACTORS[factor])
    assert {block for one in values for block in one['stages']} == set(FACTORS['stages'][1:])
    assert len({one['backbone'] for one in values}) >= 15
    assert len(values) <= 20


def test_the_variants_cover_all_pairs_that_fit():
    seen = {
        (one.attention, one.head, stage)
        for one in all_variants()
        for stage in (one.stages or {'none': ()})
    }
    for place, factors in (
        (slice(0, 2), ('attention', 'head')),
        (slice(1, 3), ('head', 'stages')),
    ):
        pairs = itertools.product(*(FACTORS[factor] for factor in factors))
        fitting = {p for p in pairs if described(dict(zip(factors, p, strict=True))) is not None}
        assert fitting <= {one[place] for one in seen}


# A backbone that comes without another part is left to `check`: building takes seconds each.
COVERING = [one for one in covering_subset() if one.title != f'backbone {one.backbone}']
# With the statistics of a new network the maps of this one grow until they are not finite.
DEEP = Description.of(
    {
        'backbone': 'mobileone_s0', 'stages': 'KALN', 'attention': 'lska', 'neck': 'asf',
        'upsampling': 'carafe', 'head': 'dyhead', 'box_loss': 'siou', 'class_loss': 'varifocal',
    }
)  # fmt: skip


@pytest.mark.parametrize('description', [*COVERING, DEEP], ids=lambda one: one.title)
def test_every_part_builds_learns_fuses_and_exports_alike(description, one_thread):
    proof = prove(description)
    assert proof.problem == ''
    assert proof.parameters > 1e5
    assert proof.gflops > 1e-3


@pytest.mark.parametrize('upsampling', FACTORS['upsampling'])
@pytest.mark.parametrize('neck', FACTORS['neck'])
def test_every_neck_takes_every_upsampling(neck, upsampling):
    for head, scale in (('detect', 'n'), ('p2', 's')):
        one = Description(neck=neck, upsampling=upsampling, head=head, scale=scale)
        build_network(one, class_count=3)


def test_the_proof_sees_a_network_that_is_exported_wrongly(monkeypatch, one_thread):
    monkeypatch.setattr(
        'training.compose.check.openvino_outputs',
        lambda compiled, images: [compiled([images])[0] * 1.01],
    )
    proof = prove(Description(backbone='lcnet_035'))
    assert proof.problem.startswith('openvino differs by')
    assert proof.onnx_error < 1e-3


def test_another_network_of_timm_can_be_named():
    assert Description(backbone='resnet26').channels_of('b5') == 1024


def test_a_run_that_was_stopped_goes_on_with_what_it_lacks(tmp_path):
    variants = all_variants()[:3]
    path = tmp_path / 'proofs.jsonl'
    file = ProofFile(path, side=64)
    assert left_to_do(variants, file) == variants
    file.append(Proof(description=variants[0], problem='', parameters=3))
    with path.open('a') as cut_off:
        cut_off.write('{"title": "stock", "descri')
    again = ProofFile(path, side=64)
    assert left_to_do(variants, again) == variants[1:]
    again.append(Proof(description=variants[1], problem='it fails'))
    assert left_to_do(variants, again) == variants[2:]
    rows = list(read_lines(path))
    assert [row.get('title') for row in rows] == [None, 'stock', variants[1].title]
    assert Description.of(rows[2]['description']) == variants[1]
    assert not any('device' in row for row in rows)
    head_device = rows[0]['machine']['device']
    head = {**rows[0], 'machine': {**rows[0]['machine'], 'device': 'another CPU'}}
    path.write_text(json.dumps(head) + '\n')
    ProofFile(path, side=64).append(Proof(description=variants[0], problem=''))
    assert [row.get('device') for row in read_lines(path)] == [None, head_device]
    with pytest.raises(ComposeError, match='no proofs at 128 pixels'):
        ProofFile(path, side=128)


def test_a_variant_that_fails_is_reported_and_stops_no_other(one_thread):
    proof = prove(Description(), side=50)
    assert proof.problem
    assert proof.took_s > 0


def test_the_command_writes_a_model_file_that_ultralytics_builds(tmp_path, capsys):
    from ultralytics import YOLO

    described_file = tmp_path / 'mine.yaml'
    described_file.write_text('stages: MSBlock\nattention: simam\nbox_loss: nwd\n')
    model_file = tmp_path / 'yolo11n-mine.yaml'
    assert main(['write', str(described_file), str(model_file)]) == 0
    assert 'SimAM' in model_file.read_text()
    assert '# Losses are options of the training: box_loss: nwd' in model_file.read_text()
    assert YOLO(str(model_file)).task == 'detect'
    assert main(['write', str(described_file), str(model_file)]) == 2
    assert 'not overwriting' in capsys.readouterr().err
    described_file.write_text('attention: [')
    assert main(['check', str(described_file)]) == 2
    assert 'cannot be read as YAML' in capsys.readouterr().err
