# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An XML reader that remembers lines, without entities or external files."""

from __future__ import annotations

import xml.sax
import xml.sax.handler
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import defusedxml.sax
from defusedxml import DefusedXmlException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from xml.sax.expatreader import AttributesImpl

    from training.dataset.fault import FaultLog


@dataclass(kw_only=True)
class LinedElement:
    """An element's tag, line, attributes, text and children."""

    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ''
    children: list[LinedElement] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[LinedElement]:
        """Yield the children of a tag."""
        return (child for child in self.children if child.tag == tag)

    def child(self, tag: str) -> LinedElement | None:
        """Return the first child of a tag."""
        return next(self.all(tag), None)

    def text_of(self, tag: str) -> str:
        """Return the text of the first child of a tag, '' without one."""
        child = self.child(tag)
        return child.text.strip() if child else ''


class _TreeBuilder(xml.sax.handler.ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.root: LinedElement | None = None
        self._open: list[LinedElement] = []
        self._locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802 - sax's name
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        element = LinedElement(
            tag=name, line=self._locator.getLineNumber(), attributes=dict(attrs)
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def endElement(self, name: str) -> None:  # noqa: N802
        self._open.pop()

    def characters(self, content: str) -> None:
        if self._open:
            self._open[-1].text += content


def read_xml(path: Path) -> LinedElement:
    """Read a file; raise xml.sax.SAXParseException or defusedxml.DefusedXmlException."""
    builder = _TreeBuilder()
    with path.open('rb') as stream:
        defusedxml.sax.parse(stream, builder, forbid_dtd=True)
    assert builder.root is not None
    return builder.root


def parsed_xml(file: Path, log: FaultLog) -> LinedElement | None:
    """Read an XML file; log the fault and return None if it is none."""
    try:
        return read_xml(file)
    except xml.sax.SAXParseException as error:
        text = f'is not XML: {error.getMessage()}; export it again.'
        log.fault('xml', file, text, line=error.getLineNumber() or 0)
    except DefusedXmlException:
        log.fault('xml', file, 'defines entities, which labels never need; it is not read.')
    return None
