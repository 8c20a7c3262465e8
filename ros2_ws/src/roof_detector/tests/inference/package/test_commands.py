# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""`roof_detector models import, show, key, sign, verify`."""

from __future__ import annotations

import json

import pytest

from roof_detector.cli.main import main
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


def test_what_is_no_package_is_said_to_be_none(tmp_path, capsys):
    assert run(capsys, 'verify', resolve_model('roofs'))[0] == 0
    other = tmp_path / 'model.onnx'
    other.write_bytes(b'x')
    code, said = run(capsys, 'verify', other)
    assert code == 1 and 'is not a model package' in said
