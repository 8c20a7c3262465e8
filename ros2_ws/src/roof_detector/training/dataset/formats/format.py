# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One format of labels: how it is recognised, and how it is read or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from training.dataset.fault import FaultLog
    from training.dataset.labelled_set import LabelledSet

    Reader = Callable[[Sequence[Path], Path, FaultLog, tuple[str, ...]], LabelledSet]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format by its name; the file kinds that it may have each have a test of their content.

    `json` judges a parsed document (or the first line of JSON lines), `table` the first rows of a
    CSV file, `xml` the text of an XML file, `text` the first lines of a .txt, `suffixes` claims
    files by kind. `tokens` are texts that all stand in a file too damaged to be parsed. `holds`
    says what is read; a format without `read` is refused, and `instead` is what to export.
    """

    key: str
    title: str
    holds: str
    read: Reader | None = None
    instead: str = ''
    json: Callable[[Any], bool] | None = None
    table: Callable[[list[list[str]]], bool] | None = None
    xml: Callable[[str], bool] | None = None
    text: Callable[[list[str]], bool] | None = None
    suffixes: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
