# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An INT8 model becomes part of its model's package, with what was measured."""

from __future__ import annotations

import pytest

from roof_detector.inference.errors import BadModel
from roof_detector.inference.package.container import read_files
from roof_detector.inference.package.manifest import INT8, ONNX
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.shipped_weights import resolve_model
from training.quantization.int8_package import write_int8_package
from training.quantization.loss import Loss
from training.quantization.quantization import Quantized


@pytest.fixture
def made(tmp_path):
    content = read_files(resolve_model('roof_anomalies'))[ONNX]
    (tmp_path / 'model.onnx').write_bytes(content)
    loss = Loss(
        images=300,
        instances=719,
        map50=(0.887, 0.886),
        map50_95=(0.607, 0.606),
        forward_ms=(20.0, 10.0),
    )
    return Quantized(tmp_path / 'model.onnx', loss)


@pytest.mark.parametrize(
    ('on', 'verdict'),
    [('photographs', 'the parameter int8 runs it'), ('simulation', 'not measured on photographs')],
)
def test_the_package_states_the_loss_and_whether_it_may_run(tmp_path, made, on, verdict):
    output = tmp_path / 'out' / 'model.zip'
    said = write_int8_package('roof_anomalies', made, output, on=on)
    assert 'loses 0.1 points of mAP50' in said and verdict in said
    package = ModelPackage.open(output)
    assert package.manifest.int8.measured_on == on
    assert package.manifest.int8.objects == 719
    assert package.files[INT8] == made.path.read_bytes()


def test_what_is_no_package_is_refused(tmp_path, made):
    with pytest.raises(BadModel, match='have to be model packages'):
        write_int8_package(str(made.path), made, tmp_path / 'out.zip', on='photographs')
