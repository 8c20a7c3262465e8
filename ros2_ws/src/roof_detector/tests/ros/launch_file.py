# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reading launch files as a test does: without ROS's launch, which PyPI does not have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import yaml

from roof_detector.ros.camera_parameters import CAMERA_TABLE
from roof_detector.ros.detector_parameters import DETECTOR_TABLE
from roof_detector.ros.recorder_parameters import RECORDER_TABLE
from roof_detector.ros.simulated_flight_parameters import SIMULATED_FLIGHT_TABLE
from roof_detector.station.station_parameters import STATION_TABLE

PACKAGE = Path(__file__).parents[2]
SHARE = '$(find-pkg-share roof_detector)/'
# The table of each node by its executable, and the launch file that starts that node alone.
TABLES = {
    'detector': DETECTOR_TABLE,
    'camera': CAMERA_TABLE,
    'simulated_flight': SIMULATED_FLIGHT_TABLE,
    'recorder': RECORDER_TABLE,
    'station': STATION_TABLE,
}
NODE_FILES = {name: f'{name}.launch.xml' for name in TABLES} | {'recorder': 'record.launch.xml'}
NAMES = sorted(path.name for path in (PACKAGE / 'launch').iterdir())


@dataclass(frozen=True)
class LaunchFile:
    """A launch file of the package, parsed."""

    name: str

    @cached_property
    def text(self) -> str:
        """Return the file's text."""
        return (PACKAGE / 'launch' / self.name).read_text()

    @cached_property
    def elements(self) -> list[ElementTree.Element]:
        """Return all elements in the file's order."""
        return list(ElementTree.fromstring(self.text).iter())

    def all(self, tag: str) -> list[ElementTree.Element]:
        """Return the elements of one tag."""
        return [element for element in self.elements if element.tag == tag]

    @property
    def arguments(self) -> dict[str, ElementTree.Element]:
        """Return the declared arguments; those given to an include are none."""
        given = {id(arg) for include in self.all('include') for arg in include}
        return {arg.get('name'): arg for arg in self.all('arg') if id(arg) not in given}

    def position(self, element: ElementTree.Element) -> int:
        """Return where an element stands among all."""
        return next(k for k, each in enumerate(self.elements) if each is element)

    def default(self, name: str, parameter: object) -> object:
        """Return an argument's default as the node would take it."""
        text = self.arguments[name].get('default')
        is_text = isinstance(parameter.default, str)
        return parameter.coerce(text if is_text else yaml.safe_load(text))


def variables(text: str) -> list[tuple[str, bool]]:
    """Return the variables that a text uses, and whether each has a default there."""
    return [(name, bool(rest)) for name, rest in re.findall(r'\$\(var (\w+)( [^)]+)?\)', text)]
