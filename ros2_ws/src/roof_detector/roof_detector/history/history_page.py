# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A page of tables as one HTML file, with everything in it and no script."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from roof_detector.inputs.plain_text import plain_text
from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import export_errors
from roof_detector.results.report.report_model import EncodedImage

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).parent / 'static' / 'page.html.jinja'
Cell = str | EncodedImage


@dataclass(frozen=True, kw_only=True)
class PagePart:
    """A heading, sentences and a table; `numbers` are the columns that are set to the right."""

    heading: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """A page: its title, the verdict in a sentence and whether it is good, facts and parts."""

    title: str
    verdict: str
    is_good: bool
    facts: tuple[str, ...] = ()
    parts: tuple[PagePart, ...] = ()


def write_page(folder: Path, stem: str, page: HistoryPage, values: dict[str, Any]) -> list[Path]:
    """Write the page and the same for programs as JSON; raise ExportError."""
    texts = {
        f'{stem}.html': _template().render(page=page),
        f'{stem}.json': json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + '\n',
    }
    files = []
    for name, text in texts.items():
        with export_errors(folder / name):
            folder.mkdir(parents=True, exist_ok=True)
            output = AtomicOutput(folder / name, overwrite=True)
            output.part.write_text(text, encoding='utf-8')
            output.finish()
        files.append(output.path)
    return files


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: plain_text(value) if type(value) is str else value,
    )
    environment.filters['data_uri'] = _data_uri
    environment.tests['image'] = lambda value: isinstance(value, EncodedImage)
    return environment.from_string(_TEMPLATE.read_text(encoding='utf-8'))


def _data_uri(image: EncodedImage) -> str:
    return f'data:image/{image.kind};base64,{base64.b64encode(image.data).decode("ascii")}'
