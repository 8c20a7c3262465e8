# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the README says is so."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_every_file_that_a_document_links_to_exists():
    for document in (ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')):
        for link in re.findall(r'\]\(([^)#\s]+)', document.read_text()):
            if '://' not in link:
                assert (document.parent / link).exists(), f'{document.name} links to {link}'
