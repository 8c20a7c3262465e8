# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a launch file starts: a node, its arguments, and how it gets its parameters."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.launching.argument import Argument, value_of
from roof_detector.launching.errors import LaunchError
from roof_detector.launching.params_file import read_params_file
from roof_detector.ros.common.parameters import Parameter
from roof_detector.security.policies import ENCLAVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.ros.common.parameters import ParameterTable

LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
USE_SIM_TIME = Parameter(
    'use_sim_time',
    default=False,
    description='Take the time from /clock, as when a bag is played.',
)
RESPAWN = Parameter(
    'respawn',
    default=True,
    description='Start the process again when it ends by a fault: a node ends itself where a part '
    'of it is dead for good.',
)
LOG_LEVEL = Parameter('log_level', 'info', 'Least severity that is logged.', choices=LOG_LEVELS)
NAMESPACE = Argument('namespace', '', 'Namespace of the node and its topics.')


@dataclass(frozen=True, eq=False)
class NodeJob:
    """A node that a launch file starts: its executable, and the table of its parameters.

    `node_name` is what it calls itself, where that is not the executable's name.

    `finish_s` is how long it may write after Ctrl-C. `renamed` are arguments under other names
    than their parameters', `fixed` parameters that are not for the operator to choose.
    `params_argument` names the argument for the node's parameter file.
    """

    name: str
    table: ParameterTable
    node_name: str = ''
    finish_s: float = 20.0
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    params_argument: str = 'params_file'

    def argument_names(self) -> dict[str, Parameter]:
        """Return the node's parameters by the names of their arguments."""
        return {self.renamed.get(one.name, one.name): one for one in self.table}

    def arguments(self) -> list[Argument]:
        """Return what may be given for this node alone, but for its namespace and the like."""
        file = Argument(
            self.params_argument,
            '',
            f'YAML file with parameters of the {self.name.replace("_", " ")}, such as '
            f'config/{self.name}.yaml; empty for none. An argument that is given wins over it.',
        )
        return [
            file,
            *(Argument.of(one, name=name) for name, one in self.argument_names().items()),
        ]

    @property
    def enclave(self) -> str:
        """Return the enclave with the node's keys; without security it means nothing."""
        return f'{ENCLAVES}/{self.node_name or self.name}'

    def full_name(self, given: Mapping[str, str]) -> str:
        """Return what the node is called in the graph."""
        namespace = given.get(NAMESPACE.name, '').strip('/')
        name = self.node_name or self.name
        return f'/{namespace}/{name}' if namespace else f'/{name}'

    def parameters(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Return what the node is started with: its file, and over that what was given.

        Raises LaunchError for what the node would refuse, or would never see.
        """
        values: dict[str, Any] = {}
        if file := given.get(self.params_argument):
            values |= read_params_file(
                file, node=self.full_name(given), table=self.table, argument=self.params_argument
            )
        for name, parameter in self.argument_names().items():
            if name in given:
                values[parameter.name] = value_of(parameter, given[name], name=name)
        if USE_SIM_TIME.name in given:
            values[USE_SIM_TIME.name] = value_of(USE_SIM_TIME, given[USE_SIM_TIME.name])
        return {**values, **self.fixed}


def profile_name(environment: Mapping[str, str]) -> str:
    """Return the DDS profile for an environment: bound to this computer where it is meant alone.

    The discovery range itself keeps nobody out who names this computer.
    """
    reach = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    is_alone = reach.upper() == 'LOCALHOST' or environment.get('ROS_LOCALHOST_ONLY') == '1'
    return 'fastdds_loopback.xml' if is_alone else 'fastdds.xml'


def write_parameters(values: Mapping[str, Any]) -> Path:
    """Write parameters into a file of their own for a node, readable by this user alone.

    An empty list is written [''], because YAML's [] has no type. Whoever writes it removes it.
    """
    plain = {
        name: (list(value) or ['']) if isinstance(value, tuple) else value
        for name, value in values.items()
    }
    handle, path = tempfile.mkstemp(prefix='roof_detector_params_', suffix='.yaml')
    with os.fdopen(handle, 'w', encoding='utf-8') as file:
        yaml.dump({'/**': {'ros__parameters': plain}}, file, _QuotedTexts, allow_unicode=True)
    return Path(path)


class _QuotedTexts(yaml.SafeDumper):
    """Quote every text: what is a plain word to PyYAML may be a truth or a number to ROS (y)."""


_QuotedTexts.add_representer(
    str, lambda dumper, text: dumper.represent_scalar('tag:yaml.org,2002:str', text, style='"')
)


def merged_arguments(jobs: Mapping[str, NodeJob]) -> list[Argument]:
    """Return the arguments of several nodes, each once; of one that nodes share, all it means."""
    found: dict[str, Argument] = {}
    for title, job in jobs.items():
        for argument in job.arguments():
            before = found.get(argument.name)
            if before is None:
                found[argument.name] = argument
            elif before != argument:
                text = (
                    f'{before.description} For the {title}: {argument.description} '
                    f'({argument.default or "empty"} by default there.)'
                )
                found[argument.name] = Argument(before.name, before.default, text)
    return list(found.values())


def refuse_idle(given: Mapping[str, str], idle: NodeJob, active: NodeJob, *, because: str) -> None:
    """Raise LaunchError for an argument of a node that does not fly this time."""
    acting = {argument.name for argument in active.arguments()}
    for argument in idle.arguments():
        if argument.name in given and argument.name not in acting:
            msg = (
                f'{argument.name} is for the {idle.name.replace("_", " ")}, which is not started '
                f'{because}; leave it out.'
            )
            raise LaunchError(msg)
