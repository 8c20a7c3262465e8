# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools

import pytest
import yaml

from roof_detector.blocks.model_files import model_files
from training.compose import ComposeError, Description, model_rows
from training.compose.__main__ import main
from training.compose.backbones import TIMM_BACKBONES
from training.compose.check import prove
from training.compose.variants import FACTORS, all_variants, described
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
    ],
)
def test_what_does_not_exist_or_fit_is_refused_before_anything_is_built(values, said):
    with pytest.raises(ComposeError, match=said):
        Description.of(values)


def test_there_are_forty_backbones_and_two_hundred_and_fifty_variants():
    assert len(set(TIMM_BACKBONES)) >= 40
    variants = all_variants()
    assert len(variants) >= 250
    assert len({repr(one) for one in variants}) == len(variants)
    values = [one.as_dict() for one in variants]
    for factor in ('backbone', 'attention', 'head', 'upsampling', 'neck_downsampling'):
        assert {one[factor] for one in values} == set(FACTORS[factor])


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


@pytest.mark.parametrize(
    'values',
    [
        {'backbone': 'lcnet_035', 'attention': 'ema', 'neck_downsampling': 'spd', 'head': 'p2'},
        {'stages': 'ContextGuided', 'attention': 'coord', 'upsampling': 'dysample',
         'backbone_downsampling': 'spd', 'head': 'segment'},
        {'backbone': 'starnet_s050', 'attention': 'lska', 'head': 'obb'},
    ],
)  # fmt: skip
def test_a_variant_builds_runs_fuses_and_exports_alike(values, one_thread):
    proof = prove(Description.of(values), side=64)
    assert proof.problem == ''
    assert proof.parameters > 1e5


def test_a_variant_that_fails_is_reported_and_stops_no_other(one_thread):
    proof = prove(Description(), side=50)
    assert proof.problem
    assert proof.took_s > 0


def test_the_command_writes_a_model_file_that_ultralytics_builds(tmp_path, capsys):
    from ultralytics import YOLO

    described_file = tmp_path / 'mine.yaml'
    described_file.write_text('stages: MSBlock\nattention: simam\n')
    model_file = tmp_path / 'yolo11n-mine.yaml'
    assert main(['write', str(described_file), str(model_file)]) == 0
    assert 'SimAM' in model_file.read_text()
    assert YOLO(str(model_file)).task == 'detect'
    assert main(['write', str(described_file), str(model_file)]) == 2
    assert 'not overwriting' in capsys.readouterr().err
    described_file.write_text('attention: [')
    assert main(['check', str(described_file)]) == 2
    assert 'cannot be read as YAML' in capsys.readouterr().err
