# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import pytest

from generation.variants_page import PROOFS, variants_page


def test_the_page_counts_what_passes_and_shows_what_fails(tmp_path):
    head, *lines = PROOFS.read_text().splitlines()
    stock = next(line for line in lines if json.loads(line)['title'] == 'stock')
    other = next(line for line in lines if line != stock)
    failed = {**json.loads(other), 'title': 'a bad one', 'problem': 'ValueError: it fails'}
    path = tmp_path / 'variants.jsonl'
    elsewhere = json.dumps({**json.loads(other), 'device': 'another CPU'})
    path.write_text('\n'.join([head, elsewhere, stock, json.dumps(failed), '{"title": "cut of']))
    page = variants_page(path)
    assert 'another CPU (1 variants) and ' in page
    assert '**2 variants pass, 1 fail.** They are 2 networks' in page
    assert '| a bad one | ValueError: it fails |' in page
    path.write_text('\n'.join([head, other]))
    with pytest.raises(ValueError, match='no proof of the stock network'):
        variants_page(path)
    path.write_text('{"kind": "other"}')
    with pytest.raises(ValueError, match='holds no proofs'):
        variants_page(path)


def test_the_proofs_have_no_variant_twice_and_none_that_differs():
    head, *lines = PROOFS.read_text().splitlines()
    assert json.loads(head)['kind'] == 'compose proofs'
    rows = [json.loads(line) for line in lines]
    assert len({row['title'] for row in rows}) == len(rows)
    for row in rows:
        if not row['problem']:
            assert max(row[f'{step}_error'] for step in ('fuse', 'onnx', 'openvino')) <= 1e-3
