# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What `make generate` writes is what its sources say."""

from __future__ import annotations

import pytest

from generation.files import ROOT, generated_files

FILES = generated_files()


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_file_is_up_to_date(path):
    assert path.read_text() == FILES[path], 'Run `make generate` and commit what it writes.'
