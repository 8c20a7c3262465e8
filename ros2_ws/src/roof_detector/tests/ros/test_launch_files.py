# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Launch files against the package that they launch."""

from __future__ import annotations

import importlib
import itertools
import re
from xml.etree import ElementTree

import pytest
from launch_file import NAMES, NODE_FILES, PACKAGE, SHARE, TABLES, LaunchFile, variables

UNSET = 'unset'
# Arguments that belong to launching rather than to a node.
PLUMBING = {'namespace', 'log_level', 'use_sim_time', 'respawn'}

every_file = pytest.mark.parametrize('name', NAMES)
every_node = pytest.mark.parametrize('node', sorted(TABLES))


def entry_points():
    return dict(re.findall(r"'(\w+) = ([\w.]+:main)'", (PACKAGE / 'setup.py').read_text()))


def dependencies():
    root = ElementTree.parse(PACKAGE / 'package.xml').getroot()
    return {element.text for element in root if element.tag.endswith('depend')}


def shipped(reference):
    return PACKAGE / reference.removeprefix(SHARE)


def test_there_is_a_file_for_every_job_and_setup_installs_it():
    jobs = (
        'detector',
        'camera',
        'simulated_flight',
        'record',
        'replay',
        'rviz',
        'drone',
        'station',
    )
    assert sorted(f'{job}.launch.xml' for job in jobs) == NAMES
    assert "glob('launch/*.launch.xml')" in (PACKAGE / 'setup.py').read_text()


@every_file
def test_every_argument_has_a_description_and_no_line_breaks(name):
    for argument in LaunchFile(name).arguments.values():
        assert argument.get('description', '').endswith('.'), argument.attrib
        assert '  ' not in argument.get('description')


@every_file
def test_every_variable_is_declared_or_has_a_default_where_it_is_used(name):
    file = LaunchFile(name)
    declared = set()
    for element in file.elements:
        texts = [value for key, value in element.attrib.items() if key != 'description']
        for variable, has_default in variables(' '.join(texts)):
            assert variable in file.arguments, variable
            assert has_default or variable in declared, f'{variable} is used before it is declared'
        if element.tag == 'arg':
            declared.add(element.get('name'))


@every_file
def test_every_node_is_an_executable_of_a_package_that_is_depended_on(name):
    for node in LaunchFile(name).all('node'):
        if node.get('pkg') != 'roof_detector':
            assert node.get('pkg') in dependencies()
            continue
        module, _, function = entry_points()[node.get('exec')].partition(':')
        assert callable(getattr(importlib.import_module(module), function))


@every_file
def test_every_file_that_is_named_exists(name):
    references = re.findall(r'\$\(find-pkg-share roof_detector\)/[\w./]+', LaunchFile(name).text)
    assert references
    for reference in references:
        assert shipped(reference).is_file(), reference


@every_file
def test_an_include_is_given_arguments_that_it_declares(name):
    for include in LaunchFile(name).all('include'):
        included = LaunchFile(shipped(include.get('file')).name)
        assert {arg.get('name') for arg in include} <= set(included.arguments)


@every_file
def test_whoever_starts_a_process_sets_the_dds_profile(name):
    file = LaunchFile(name)
    if file.all('node') or file.all('executable'):
        values = {env.get('name'): env.get('value') for env in file.all('set_env')}
        # What the operator has set stays.
        assert values['FASTRTPS_DEFAULT_PROFILES_FILE'] == (
            f"$(env FASTRTPS_DEFAULT_PROFILES_FILE '{SHARE}config/fastdds.xml')"
        )
        assert values['RMW_IMPLEMENTATION'] == '$(env RMW_IMPLEMENTATION rmw_fastrtps_cpp)'


@every_node
def test_every_parameter_is_an_argument_with_its_default_and_description(node):
    file = LaunchFile(NODE_FILES[node])
    for parameter in TABLES[node]:
        assert file.default(parameter.name, parameter) == parameter.default
        said = file.arguments[parameter.name].get('description')
        assert said == parameter.descriptor().description


@every_node
def test_only_an_argument_that_was_given_becomes_a_parameter_after_the_file(node):
    """An argument is given exactly if it has a value before it is declared."""
    file = LaunchFile(NODE_FILES[node])
    (from_file,) = file.all('set_parameters_from_file')
    setters = {setter.get('name'): setter for setter in file.all('set_parameter')}
    assert list(setters) == [parameter.name for parameter in TABLES[node]]
    for parameter in TABLES[node]:
        setter, argument = setters[parameter.name], file.arguments[parameter.name]
        given = f'$(var {parameter.name} {UNSET})'
        # A string is quoted, so that camera 0 stays one; all else stands as it was typed.
        value = f"'{given}'" if isinstance(parameter.default, str) else given
        assert setter.get('value') == f'|-\n {value}'
        assert setter.get('if') == f'$(not-equals {given} {UNSET})'
        places = [file.position(element) for element in (from_file, setter, argument)]
        assert places == sorted(places)


@every_node
def test_a_node_s_parameters_reach_no_other_node(node):
    """set_parameter acts on all that follows in its group."""
    (group,) = ElementTree.fromstring(LaunchFile(NODE_FILES[node]).text)
    assert group.tag == 'group' and len(group.findall('node')) == 1


@every_node
def test_a_node_has_time_to_end_in_order(node):
    """A signal after 10 s ends it at once, and launch would send SIGKILL after 10 s."""
    (started,) = LaunchFile(NODE_FILES[node]).all('node')
    assert float(started.get('sigterm_timeout')) >= (60.0 if node == 'recorder' else 20.0)


def test_the_drone_s_arguments_are_those_of_the_files_it_includes():
    drone = LaunchFile('drone.launch.xml')
    includes = drone.all('include')
    given = {arg.get('name') for include in includes for arg in include}
    assert 'params_file' in given
    included = {}
    for include in includes:
        included |= LaunchFile(shipped(include.get('file')).name).arguments
    forwarded = {
        variable
        for include in includes
        for arg in include
        for variable, _ in variables(arg.get('value'))
    }
    for name, argument in drone.arguments.items():
        if name in PLUMBING | {'simulated'}:
            continue
        if name in forwarded:
            assert argument.get('default') == UNSET
            continue
        assert argument.get('default') == included[name].get('default')
        assert argument.get('description') == included[name].get('description')


def test_the_drone_names_apart_what_two_of_its_nodes_share():
    flying = [{p.name for p in TABLES[node]} for node in ('camera', 'detector', 'recorder')]
    shared = {name for a, b in itertools.combinations(flying, 2) for name in a & b}
    assert shared
    for include in LaunchFile('drone.launch.xml').all('include'):
        file = LaunchFile(shipped(include.get('file')).name)
        assert shared & set(file.arguments) <= {arg.get('name') for arg in include}


def test_each_include_of_the_drone_has_a_scope_of_its_own():
    root = ElementTree.fromstring(LaunchFile('drone.launch.xml').text)
    assert root.findall('include') == []
    assert all(len(group.findall('include')) == 1 for group in root.findall('group'))


def test_a_replay_takes_its_time_from_the_bag():
    replay = LaunchFile('replay.launch.xml')
    (include,) = replay.all('include')
    assert {arg.get('name'): arg.get('value') for arg in include} == {'use_sim_time': 'true'}
    for executable in replay.all('executable'):
        command = executable.get('cmd').split()
        assert command[:4] == ['ros2', 'bag', 'play', '--clock'] and command[-2:] == [
            '$(var',
            'bag)',
        ]
    assert replay.arguments['bag'].get('default') is None
