# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Who may import whom (docs/decisions/layout.md): dependencies go one way."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'roof_detector'
TRAINING = Path(__file__).parents[1] / 'training'
MAY_IMPORT = {
    'vision': set(),
    'supervision': set(),
    'blocks': set(),
    'security': set(),
    'georeference': {'vision'},
    'simulation': {'vision', 'georeference'},
    'inference': {'vision', 'blocks'},
    'bags': {'vision', 'supervision'},
    'telemetry': {'bags', 'georeference'},
    'inputs': {'vision', 'bags', 'supervision', 'georeference', 'telemetry'},
    'results': {'vision', 'bags', 'georeference', 'inputs'},
    'pipeline': {'vision', 'supervision', 'inference'},
    'findings': {'vision', 'georeference', 'telemetry', 'inputs', 'bags', 'pipeline'},
    'ros': {
        'vision',
        'pipeline',
        'supervision',
        'georeference',
        'simulation',
        'inference',
        'bags',
        'inputs',
        'findings',
        'telemetry',
    },
}
# These join the others for a person's command and may import any of them.
ABOVE_ALL = {'cli', 'demo', 'doctor', 'fleet', 'history', 'launching', 'offline', 'station'}
OF_ROS = ('rclpy', 'rcl_interfaces', 'cv_bridge', 'ament_index_python')


@cache
def parsed(path):
    return ast.parse(path.read_text(), str(path))


def imported_modules(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} imports relatively'
            yield node.module


def imports_at_module_level(path):
    """Yield the modules that a file imports outside functions, those for types included."""
    pending = list(parsed(path).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)
        elif not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            pending += ast.iter_child_nodes(node)


def packages():
    return sorted(path.name for path in PACKAGE.iterdir() if any(path.glob('**/*.py')))


def test_every_package_is_known_here():
    assert set(packages()) <= set(MAY_IMPORT) | ABOVE_ALL


@pytest.mark.parametrize('package', packages())
def test_a_package_imports_only_those_below_it(package):
    allowed = MAY_IMPORT.get(package, set(packages())) | {package}
    for path in (PACKAGE / package).rglob('*.py'):
        for module in imported_modules(path):
            parts = module.split('.')
            if parts[0] == 'roof_detector' and len(parts) > 1:
                assert parts[1] in allowed or module == 'roof_detector.__version__', (
                    f'{path} imports {module}'
                )
            assert parts[0] not in {'training', 'benchmarks'}, f'{path} imports {module}'


@pytest.mark.parametrize('package', packages())
def test_only_ros_and_its_users_import_ros(package):
    if package in {'ros', 'station', 'doctor', 'launching'}:
        return
    for path in (PACKAGE / package).rglob('*.py'):
        for module in imported_modules(path):
            root = module.split('.')[0]
            assert root not in OF_ROS and not root.endswith('_msgs'), f'{path} imports {module}'


def test_training_imports_neither_the_nodes_nor_the_station_nor_benchmarks():
    refused = ('roof_detector.ros', 'roof_detector.station', 'benchmarks')
    for path in TRAINING.rglob('*.py'):
        for module in imported_modules(path):
            assert not module.startswith(refused), path


def test_no_modules_import_each_other_not_even_for_types():
    root = PACKAGE.parent
    files = {
        '.'.join(path.relative_to(root).with_suffix('').parts): path
        for path in (*PACKAGE.rglob('*.py'), *TRAINING.rglob('*.py'))
    }
    graph = {
        name: files.keys() & set(imports_at_module_level(path)) for name, path in files.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_no_two_classes_share_a_name():
    files = defaultdict(set)
    for path in (*PACKAGE.rglob('*.py'), *TRAINING.rglob('*.py')):
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef):
                files[node.name].add(path)
    assert {name: found for name, found in files.items() if len(found) > 1} == {}


def test_every_python_file_says_its_licence():
    for path in (*PACKAGE.rglob('*.py'), *TRAINING.rglob('*.py')):
        head = path.read_text().splitlines()[:2]
        assert head == [
            '# SPDX-FileCopyrightText: 2026 roof_detector authors',
            '# SPDX-License-Identifier: AGPL-3.0-only',
        ], path
