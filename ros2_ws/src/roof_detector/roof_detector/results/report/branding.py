# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How pages and reports of an operator look, as the station's parameters say it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import cv2
import numpy as np
import yaml

from roof_detector.results.errors import ExportError
from roof_detector.results.report.report_model import EncodedImage
from roof_detector.results.report.report_texts import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ACCENT = '#1f4e79'
_COLOUR = re.compile(r'#[0-9a-fA-F]{6}')
_LARGEST_FILE = 10_000_000
_LOGO_SIDE = 600
_LONGEST_TITLE = 200


@dataclass(frozen=True, kw_only=True)
class Branding:
    """How the pages and the reports of an operator look; '' stands for none.

    An empty title is that of the language. `logo` and `background` are image files, `accent` is
    the colour of headings. Raises ExportError for what is no title, colour or language.
    """

    title: str = ''
    logo: str = ''
    background: str = ''
    accent: str = ''
    language: str = ''
    dark: bool = True

    def __post_init__(self) -> None:
        for name in ('title', 'logo', 'background', 'accent', 'language'):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > _LONGEST_TITLE:
                msg = f'The {name} is {str(value)[:60]!r}, expected a short text.'
                raise ExportError(msg)
        if self.accent and not _COLOUR.fullmatch(self.accent):
            msg = f"The accent is {self.accent!r}, expected a colour such as '#1f4e79'."
            raise ExportError(msg)
        if self.language not in ('', *LANGUAGES):
            msg = f'The language is {self.language!r}, expected {" or ".join(LANGUAGES)}.'
            raise ExportError(msg)

    @property
    def colour(self) -> str:
        """Return the colour of headings as #rrggbb in lower case."""
        return (self.accent or DEFAULT_ACCENT).lower()

    def image(self, name: str, folder: Path | None = None) -> EncodedImage | None:
        """Return the `logo` or the `background`, None without one; raise ExportError.

        A relative name is that of a file in the folder, or where the program runs.
        """
        path = self.path(name, folder)
        return None if path is None else read_image(path, name)

    def path(self, name: str, folder: Path | None = None) -> Path | None:
        """Return the file of the `logo` or the `background`, None without one."""
        value: str = getattr(self, name)
        return (folder or Path()) / Path(value).expanduser() if value else None


def branding_of(values: Mapping[str, Any]) -> Branding:
    """Return what the parameters of a station say of its looks; raise ExportError."""
    given = {field.name: values[field.name] for field in fields(Branding) if field.name in values}
    looks: dict[str, Any] = {
        name: one.strip() if isinstance(one, str) else one for name, one in given.items()
    }
    return Branding(**looks)


def read_branding(path: Path) -> Branding:
    """Read the looks of a station.yaml; raise ExportError.

    Other parameters of the station are left alone.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8-sig'))
    except OSError as error:
        msg = f'{path} cannot be read ({error.strerror}); name a station.yaml.'
        raise ExportError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        msg = f'{path} is not YAML: {" ".join(str(error).split())}.'
        raise ExportError(msg) from error
    try:
        return branding_of(_parameters(content, path))
    except ExportError as error:
        msg = f'{path}: {error}'
        raise ExportError(msg) from error


def read_image(path: Path, name: str) -> EncodedImage:
    """Read an image in any usual format, reduced to a logo; raise ExportError for what is none."""
    named = f'The {name} {path}'
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _LARGEST_FILE else b''
    except OSError as error:
        msg = f'{named} cannot be read ({error.strerror}); name an image file.'
        raise ExportError(msg) from error
    if not data:
        msg = f'{named} has {size} bytes, expected an image of up to 10 MB.'
        raise ExportError(msg)
    if path.suffix.lower() == '.svg':
        return _svg(data, named)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        msg = f'{named} is no image that can be read; save it as PNG, JPEG or SVG.'
        raise ExportError(msg)
    scale = min(_LOGO_SIDE / max(image.shape[:2]), 1.0)
    if scale < 1:
        wh = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
        image = cv2.resize(image, wh, interpolation=cv2.INTER_AREA)
    if image.dtype != np.uint8:
        image = (image / 257).astype(np.uint8)
    encoded = cv2.imencode('.png', image)[1].tobytes()
    return EncodedImage(encoded, 'png', (int(image.shape[1]), int(image.shape[0])))


def _svg(data: bytes, named: str) -> EncodedImage:
    """Return a drawing that needs nothing beside itself."""
    refused = f'{named} is no SVG that can be used'
    if b'<!DOCTYPE' in data or b'<!ENTITY' in data:
        msg = f'{refused}: it defines entities. Export it as plain SVG.'
        raise ExportError(msg)
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as error:
        msg = f'{refused} ({error}). Export it again, or save it as PNG.'
        raise ExportError(msg) from error
    if root.tag.rpartition('}')[2] != 'svg':
        msg = f'{refused}: its first element is {root.tag[:40]!r}.'
        raise ExportError(msg)
    for element in root.iter():
        if str(element.tag).rpartition('}')[2] == 'script':
            msg = f'{refused}: it holds a script. Export it as plain SVG.'
            raise ExportError(msg)
        for name, value in element.attrib.items():
            outside = name.rpartition('}')[2] == 'href' and not value.startswith(('#', 'data:'))
            if outside:
                msg = f'{refused}: it refers to {value[:60]!r}. Embed the images in it.'
                raise ExportError(msg)
    return EncodedImage(data, 'svg', (1, 1))


def _parameters(content: Any, path: Path) -> Mapping[str, Any]:
    """Return the parameters of the first node of a ROS parameter file."""
    nodes = content.values() if isinstance(content, dict) else ()
    for node in nodes:
        values = node.get('ros__parameters') if isinstance(node, dict) else None
        if isinstance(values, dict):
            return values
    msg = (
        f'{path} holds no parameters: expected "/**:", below it "ros__parameters:", and below '
        'that title, logo and accent. Copy config/station.yaml.'
    )
    raise ExportError(msg)
