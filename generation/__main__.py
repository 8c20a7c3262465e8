# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Write every generated file: `python -m generation`."""

from __future__ import annotations

from generation.files import generated_files

if __name__ == '__main__':
    for path, text in generated_files().items():
        path.write_text(text, encoding='utf-8')
