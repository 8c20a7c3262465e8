# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models import, golden, show, key, sign, verify`."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from roof_detector.cli.main import main
from roof_detector.inference.package.building import finish_package
from roof_detector.inference.package.container import read_files, write_zip
from roof_detector.inference.package.golden import read_image
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.shipped_weights import resolve_model


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(['models', *map(str, arguments)])
    return ended.value.code, ''.join(capsys.readouterr())


def test_a_checkpoint_becomes_a_package_that_is_signed_and_verified(tmp_path, detect_pt, capsys):
    package, keys = tmp_path / 'roof.zip', tmp_path / 'keys'
    code, said = run(capsys, 'import', detect_pt, '--output', package, '--licence', 'CC BY 4.0')
    assert code == 0 and 'detect of equip, drain, crack, ponding, rust, 320x320' in said
    code, said = run(capsys, 'import', detect_pt, '--output', package)
    assert code == 1 and 'exists already' in said
    shown = json.loads(run(capsys, 'show', package)[1])
    assert (shown['name'], shown['licence'], shown['signed']) == ('roof', 'CC BY 4.0', False)
    assert run(capsys, 'key', keys)[0] == 0
    public = keys / 'model_key.pub'
    code, said = run(capsys, 'verify', package, '--key', public)
    assert code == 1 and 'is not signed' in said
    assert run(capsys, 'sign', package, '--key', keys / 'model_key.pem')[0] == 0
    code, said = run(capsys, 'verify', package, '--key', public)
    assert code == 0 and 'signed by the owner of the key' in said
    code, said = run(capsys, 'key', keys)
    assert code == 1 and 'not overwriting' in said
    code, said = run(capsys, 'scale', package, '--metres-per-pixel', '0.01', '0.08')
    assert code == 0 and 'of 0.01 to 0.08 m on the ground' in said
    assert 'Its signature was removed: sign it again.' in said
    shown = json.loads(run(capsys, 'show', package)[1])
    assert (shown['metres_per_pixel'], shown['signed']) == ([0.01, 0.08], False)
    code, said = run(capsys, 'scale', package, '--metres-per-pixel', '0.08', '0.01')
    assert code == 1 and 'expected the lowest and the highest' in said


def test_what_is_no_package_is_said_to_be_none(tmp_path, capsys):
    assert run(capsys, 'verify', resolve_model('roofs'))[0] == 0
    other = tmp_path / 'model.onnx'
    other.write_bytes(b'x')
    code, said = run(capsys, 'verify', other)
    assert code == 1 and 'is not a model package' in said


def test_a_package_takes_golden_images_of_ones_own(tmp_path, roof_bgr, capsys):
    (tmp_path / 'small').mkdir()
    photo, small = tmp_path / 'a roof.jpg', tmp_path / 'small' / 'b.png'
    assert cv2.imwrite(str(photo), roof_bgr)
    assert cv2.imwrite(str(small), np.full((9, 70, 3), 127, np.uint8))
    output = tmp_path / 'own.zip'
    code, said = run(capsys, 'golden', 'roof_anomalies', photo, small, '--output', output)
    assert code == 0, said
    assert 'b.png: nothing is detected in it' in said and 'No golden image shows' in said
    package = ModelPackage.open(output)
    assert [one.image for one in package.golden] == ['golden_1.png', 'golden_2.png']
    old = ModelPackage.open(resolve_model('roof_anomalies'))
    stride = max(package.manifest.strides)
    for one in package.golden:
        height, width = read_image(package.files[one.image], name=one.image).shape[:2]
        assert 0 < width <= 640 and 0 < height <= 640
        assert width % stride == height % stride == 0
        assert package.files[one.image] not in old.files.values()
    assert not package.is_signed
    assert package.files['model.onnx'] == old.files['model.onnx']
    assert run(capsys, 'verify', output)[0] == 0
    assert run(capsys, 'golden', 'roofs', photo, '--output', output)[0] == 1
    code, said = run(capsys, 'golden', 'roofs', *[photo] * 9, '--output', tmp_path / 'x.zip')
    assert code == 1 and '1 to 8 golden images' in said


def test_a_package_with_the_golden_outputs_of_another_network_is_refused(
    tmp_path, roof_bgr, capsys
):
    assert cv2.imwrite(str(tmp_path / 'roof.png'), roof_bgr)
    output = tmp_path / 'own.zip'
    assert (
        run(capsys, 'golden', 'roof_anomalies', tmp_path / 'roof.png', '--output', output)[0] == 0
    )
    files = read_files(output)
    golden = json.loads(files['golden.json'])
    for anchor in golden['images'][0]['anchors']:
        anchor['confidence'] = min(1.0, anchor['confidence'] + 0.2)
    inner = {name: one for name, one in files.items() if name != 'manifest.json'}
    inner['golden.json'] = json.dumps(golden).encode()
    write_zip(output, finish_package(inner, ModelPackage.open(output).manifest))
    code, said = run(capsys, 'verify', output)
    assert code == 1 and 'fails its self-test' in said
