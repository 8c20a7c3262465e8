# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which files are generated, and their text."""

from __future__ import annotations

from pathlib import Path

from benchmarks.campaign import promises
from benchmarks.page import benchmarks_page
from generation.command_reference import command_reference
from generation.dataset_formats import dataset_formats_page
from generation.format_reference import format_reference
from generation.parameter_files import parameter_file
from generation.parameter_reference import parameter_reference
from generation.variants_page import variants_page
from roof_detector.launching.jobs import (
    CAMERA,
    DETECTOR,
    INSPECTOR,
    RECORDER,
    SIMULATED_FLIGHT,
    STATION,
)

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'ros2_ws' / 'src' / 'roof_detector' / 'config'
DOCS = ROOT / 'docs'
# Each node with the launch file that starts it.
NODES = {
    DETECTOR: 'detector',
    CAMERA: 'camera',
    SIMULATED_FLIGHT: 'simulated_flight',
    RECORDER: 'record',
    INSPECTOR: 'inspector',
    STATION: 'station',
}


def generated_files() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    files = {
        CONFIG / f'{job.name}.yaml': parameter_file(job, launch=launch)
        for job, launch in NODES.items()
    }
    files[DOCS / 'reference' / 'parameters.md'] = parameter_reference(NODES)
    files[DOCS / 'reference' / 'commands.md'] = command_reference()
    files[DOCS / 'reference' / 'formats.md'] = format_reference()
    files[DOCS / 'reference' / 'dataset_formats.md'] = dataset_formats_page()
    files[DOCS / 'reference' / 'variants.md'] = variants_page()
    files[DOCS / 'benchmarks.md'] = benchmarks_page()
    files[promises.PAGE] = promises.page()
    return files
