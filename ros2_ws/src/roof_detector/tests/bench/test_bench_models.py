# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import re

import pytest

from benchmarks.bench.__main__ import make_parser
from benchmarks.bench.commands import models


def parsed(*words):
    return make_parser().parse_args(['models', *words])


def test_an_unknown_variant_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r'No model is called Nothing; there are YOLO11, .*KALN'):
        models.run(parsed('--variants', 'Nothing'))


def test_the_command_prints_one_row_for_each_model_and_states_the_machine(capsys):
    chosen = parsed('--variants', 'YOLO11', 'KALN', '--tasks', 'detect', '--backends')
    chosen.image_size = 64
    assert models.run(chosen) == 0
    printed = capsys.readouterr().out
    assert re.findall(r'^\| (YOLO11|KALN) \| detect \| n \| ([\d.]+) \|', printed, re.M) == [
        ('YOLO11', '2.624'),
        ('KALN', '2.450'),
    ]
    assert '64x64 pixels, torch' in printed
