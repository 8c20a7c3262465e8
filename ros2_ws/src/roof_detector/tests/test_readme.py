# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the README says is so."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_the_parameter_table_lists_every_parameter_with_its_default():
    from roof_detector.ros.detector.detector_parameters import DETECTOR_TABLE

    text = (ROOT / 'README.md').read_text()
    rows = re.findall(r'^\| `(\w+)` \| `?([^|`]+?)`? \| (yes)? ?\|', text, re.MULTILINE)
    expected = [
        (p.name, str(list(p.default)) if p.default == () else str(p.default) or 'empty', p.live)
        for p in DETECTOR_TABLE
    ]
    listed = [(n, {'false': 'False', 'true': 'True'}.get(d, d), bool(live)) for n, d, live in rows]
    assert listed == expected


def test_every_file_that_a_document_links_to_exists():
    for document in (ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')):
        for link in re.findall(r'\]\(([^)#\s]+)', document.read_text()):
            if '://' not in link:
                assert (document.parent / link).exists(), f'{document.name} links to {link}'


def test_the_recorder_s_table_lists_every_parameter_with_its_default_and_description():
    from roof_detector.ros.recorder.recorder_parameters import RECORDER_TABLE

    text = (ROOT / 'docs' / 'how-to' / 'recording.md').read_text()
    rows = re.findall(r'^\| `(\w+)` \| (.+?) \| (yes)? ?\| (.+) \|$', text, re.MULTILINE)
    listed = {name: (default.strip('`'), bool(live), said) for name, default, live, said in rows}
    assert list(listed) == [parameter.name for parameter in RECORDER_TABLE]
    for parameter in RECORDER_TABLE:
        default, live, said = listed[parameter.name]
        assert (live, said) == (parameter.live, parameter.descriptor().description)
        if isinstance(parameter.default, tuple):
            expected = [str(list(parameter.default)), 'see `config/recorder.yaml']
            assert default in expected
        else:
            assert parameter.coerce(_typed(default, parameter.default)) == parameter.default


def _typed(text, like):
    if isinstance(like, bool):
        return text == 'true'
    return '' if text == "''" else type(like)(text)
