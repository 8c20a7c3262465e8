# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A hook of mkdocs: links from docs/ to files of the repository beside it become plain text.

They lead somewhere in a clone and on a code host, and nowhere on the site.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r'(!?)\[([^\]]+)\]\(([^)#\s]+)(#[^)]*)?\)')


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:
    """Return a page without the links that lead out of docs/."""
    folder = posixpath.dirname(page.file.src_uri)

    def kept(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[3]))
        if not target.startswith('..'):
            return link[0]
        return '' if link[1] else link[2]

    return _LINK.sub(kept, markdown)
