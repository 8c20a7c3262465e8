# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A node to launch, with its arguments and parameters."""

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
    description='Use the time of /clock, as when a bag is played.',
)
RESPAWN = Parameter(
    'respawn',
    default=True,
    description='Restart the process when it ends with an error: a node ends itself when a part '
    'of it has failed for good.',
)
LOG_LEVEL = Parameter('log_level', 'info', 'Minimum severity that is logged.', choices=LOG_LEVELS)
NAMESPACE = Argument('namespace', '', 'Namespace of the node and its topics.')


@dataclass(frozen=True, eq=False, kw_only=True)
class NodeJob:
    """A node that a launch file starts: its executable and the table of its parameters.

    `node_name` is the node's name if it differs from the executable's. `finish_s` is the time for
    an orderly end after Ctrl-C. `renamed` maps parameters to arguments of another name; `fixed`
    are parameters that the operator cannot set. `params_argument` is the name of the argument for
    the parameter file.
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
        """Return the arguments of this node, without those that all nodes have."""
        file = Argument(
            self.params_argument,
            '',
            f'YAML file with parameters of the {self.name.replace("_", " ")}, such as '
            f'config/{self.name}.yaml; empty for none. Arguments take precedence over it.',
        )
        return [
            file,
            *(Argument.of(one, name=name) for name, one in self.argument_names().items()),
        ]

    @property
    def enclave(self) -> str:
        """Return the enclave with the node's keys; it has no effect without security."""
        return f'{ENCLAVES}/{self.node_name or self.name}'

    def full_name(self, given: Mapping[str, str]) -> str:
        """Return the node's full name in the graph."""
        namespace = given.get(NAMESPACE.name, '').strip('/')
        name = self.node_name or self.name
        return f'/{namespace}/{name}' if namespace else f'/{name}'

    def parameters(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Return the node's parameters: those of its file, overridden by given arguments.

        Raises LaunchError for a value that the node would refuse or never receive.
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
    """Return the DDS profile for an environment; for LOCALHOST the one bound to this computer.

    The discovery range alone does not keep out a peer that names this computer.
    """
    reach = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    is_alone = reach.upper() == 'LOCALHOST' or environment.get('ROS_LOCALHOST_ONLY') == '1'
    return 'fastdds_loopback.xml' if is_alone else 'fastdds.xml'


def write_parameters(values: Mapping[str, Any]) -> Path:
    """Write parameters to a temporary file that only this user can read.

    An empty list is written as [''], because YAML's [] has no type. The caller deletes the file.
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
    """A YAML dumper that quotes every string: ROS may read a plain word (y) as a Boolean."""


_QuotedTexts.add_representer(
    str, lambda dumper, text: dumper.represent_scalar('tag:yaml.org,2002:str', text, style='"')
)


def merged_arguments(jobs: Mapping[str, NodeJob]) -> list[Argument]:
    """Return the arguments of several nodes; a shared one has the descriptions of all."""
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


def refuse_idle(given: Mapping[str, str], idle: NodeJob, *active: NodeJob, because: str) -> None:
    """Raise LaunchError for an argument of a node that is not started."""
    acting = {argument.name for job in active for argument in job.arguments()}
    for argument in idle.arguments():
        if argument.name in given and argument.name not in acting:
            msg = (
                f'{argument.name} is for the {idle.name.replace("_", " ")}, which is not started '
                f'{because}; leave it out.'
            )
            raise LaunchError(msg)
