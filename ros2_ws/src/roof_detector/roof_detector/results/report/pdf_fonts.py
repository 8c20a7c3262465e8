# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which fonts a PDF is set in, and which characters none of them has."""

from __future__ import annotations

from functools import cache

import typst

CJK_PACKAGE = 'fonts-wqy-zenhei'
"""The package of Debian and Ubuntu with a font for Chinese; fonts-noto-cjk serves as well."""
# In the order of how well they go with the Latin font.
_CJK_FAMILIES = (
    *('Noto Serif CJK SC', 'Source Han Serif SC', 'Noto Sans CJK SC', 'Source Han Sans SC'),
    *('WenQuanYi Zen Hei', 'WenQuanYi Micro Hei', 'Droid Sans Fallback', 'AR PL UMing CN'),
    *('SimSun', 'Microsoft YaHei', 'PingFang SC', 'Songti SC'),
)
_ALWAYS = frozenset(map(chr, range(0x20, 0x7F)))


@cache
def cjk_family() -> str | None:
    """Return the family of an installed font with Chinese characters, None without any."""
    families = set(typst.Fonts().families())
    return next((name for name in _CJK_FAMILIES if name in families), None)


def missing_characters(text: str, family: str | None) -> set[str]:
    """Return the characters of a text that no font has: Typst refuses them in PDF/A."""
    wanted = sorted(set(text) - _ALWAYS)
    compiler = typst.Compiler(b'', sys_inputs={})
    return set(_missing(compiler, wanted, family))


def _missing(compiler: typst.Compiler, characters: list[str], family: str | None) -> list[str]:
    if not characters or _can_set(compiler, characters, family):
        return []
    if len(characters) == 1:
        return characters
    half = len(characters) // 2
    return [
        *_missing(compiler, characters[:half], family),
        *_missing(compiler, characters[half:], family),
    ]


def _can_set(compiler: typst.Compiler, characters: list[str], family: str | None) -> bool:
    fonts = '("Libertinus Serif"' + (f', "{family}"' if family else '') + ',)'
    codes = ', '.join(str(ord(one)) for one in characters)
    source = (
        f'#set text(font: {fonts}, lang: "en")\n'
        f'#set document(title: "x")\n'
        f'#for code in ({codes},) [#str.from-unicode(code) ]'
    )
    try:
        compiler.compile(source.encode(), format='pdf', pdf_standards='a-3b')
    except RuntimeError:
        return False
    return True
