# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one definition of each parameter of a node, and its declaration in the node."""

from __future__ import annotations

import difflib
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.parameter import Parameter as RosParameter

from roof_detector.inputs.addresses import without_password
from roof_detector.ros.common.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rclpy.node import Node

T = TypeVar('T')
Value = bool | int | float | str | tuple[str, ...]
Values = dict[str, Any]

_TYPES = {
    bool: RosParameter.Type.BOOL,
    int: RosParameter.Type.INTEGER,
    float: RosParameter.Type.DOUBLE,
    str: RosParameter.Type.STRING,
    tuple: RosParameter.Type.STRING_ARRAY,
}
# A name ends in its unit; the longer ends come first.
_UNITS = {
    '_m_s': 'm/s',
    '_ms': 'ms',
    '_hz': 'Hz',
    '_deg': 'degrees',
    '_gb': 'GB',
    '_mb': 'MB',
    '_s': 's',
    '_m': 'm',
}
# Overrides that rclpy itself reads, in any node.
_OF_RCLPY = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node: name, default, range, and whether it may change while running.

    `unit` is by default what the name ends in, such as seconds for max_age_s.

    If `is_address`, the value that the graph sees has no password in it: every node can read a
    parameter, and every bag records it.
    """

    name: str
    default: Value
    description: str
    _: KW_ONLY
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    is_address: bool = False
    unit: str = ''

    def __post_init__(self) -> None:
        by_name = (unit for end, unit in _UNITS.items() if self.name.endswith(end))
        object.__setattr__(self, 'unit', self.unit or next(by_name, ''))

    def shown(self, value: Value) -> Value:
        """Return a value as the graph may see it, without a password."""
        hides = self.is_address and isinstance(value, str)
        return without_password(str(value)) if hides else value

    def descriptor(self) -> ParameterDescriptor:
        """Return the descriptor that `ros2 param describe` shows."""
        choices = f' One of: {", ".join(self.choices)}.' if self.choices else ''
        descriptor = ParameterDescriptor(
            name=self.name,
            type=_TYPES[type(self.default)].value,
            description=self.description + choices,
            read_only=not self.live,
        )
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=self.minimum, to_value=self.maximum)
                ]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))
                ]
        return descriptor

    def coerce(self, value: Any) -> Value:
        """Return the value in the parameter's own type, or raise ParameterError.

        An integer is accepted for a float or a string (camera 0), and any empty list for an empty
        list of names, because YAML does not distinguish them.
        """
        expected = type(self.default)
        if expected is str and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if expected is tuple and value is None:  # how rclpy delivers YAML's []
            value = ()
        if expected is tuple and not isinstance(value, str) and hasattr(value, '__iter__'):
            value = tuple(item for item in value if item != '')
            if not all(isinstance(item, str) for item in value):
                msg = f'{self.name} must be a list of names, not {list(value)!r}.'
                raise ParameterError(msg)
        if type(value) is not expected:
            kind = 'list of names' if expected is tuple else expected.__name__
            msg = f'{self.name} must be a {kind}, not {value!r}.'
            raise ParameterError(msg)
        if isinstance(value, int | float) and not self._within_range(value):
            msg = f'{self.name} must lie between {self.minimum} and {self.maximum}, not {value}.'
            raise ParameterError(msg)
        if self.choices and value not in self.choices:
            msg = f'{self.name} must be one of {", ".join(self.choices)}, not {value!r}.'
            raise ParameterError(msg)
        return value

    def _within_range(self, value: float) -> bool:
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)


HANG_LIMIT = Parameter(
    'hang_limit_s',
    2.0,
    'A thread that waits within one step for longer than this, and for ten times its usual time, '
    'is replaced, or else the process ends; a busy thread after ten times this limit.',
    minimum=0.5,
    maximum=600.0,
    live=True,
)


def is_of_rclpy(name: str) -> bool:
    """Return whether rclpy itself reads a parameter, in any node."""
    return name.startswith(_OF_RCLPY)


class ParameterTable:
    """All parameters of one node, declared, validated and applied together."""

    def __init__(self, *parameters: Parameter) -> None:
        self._parameters = {parameter.name: parameter for parameter in parameters}

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._parameters.values())

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def declare(self, node: Node) -> Values:
        """Declare every parameter, overrides applied, and return the values.

        Raises ParameterError for an override that the table does not know or refuses.
        """
        # Neither Humble nor Jazzy has a public way to read overrides before they are declared.
        overrides: dict[str, RosParameter] = dict(node._parameter_overrides)
        self._refuse_unknown(overrides)
        given: Values = {}
        for parameter in self:
            value = parameter.default
            if parameter.name in overrides:
                value = parameter.coerce(overrides[parameter.name].value)
            given[parameter.name] = value
            ros_type = _TYPES[type(parameter.default)]
            descriptor = parameter.descriptor()
            descriptor.read_only = False
            # Declared by type and then set: the type of an empty list cannot be inferred.
            node.declare_parameter(parameter.name, ros_type, descriptor, ignore_override=True)
            node.set_parameters([_ros_parameter(parameter, parameter.shown(value))])
            descriptor.read_only = not parameter.live
        return given

    def values(self, node: Node) -> Values:
        """Return the present value of every parameter of the table."""
        return {p.name: p.coerce(node.get_parameter(p.name).value) for p in self}

    def set(self, node: Node, name: str, value: Value) -> None:
        """Set one parameter from within the node, as an operator would."""
        node.set_parameters([_ros_parameter(self[name], self[name].coerce(value))])

    def watch(
        self,
        node: Node,
        *,
        check: Callable[[Values], T],
        apply: Callable[[T], None],
    ) -> None:
        """Check every change against all values together, then apply it.

        `check` converts the values into the argument of `apply`, or raises ValueError: its message
        is the reason that the operator sees, and nothing is changed.
        """

        def coerced(parameters: Sequence[RosParameter]) -> list[RosParameter]:
            return [self._coerced_or_same(parameter) for parameter in parameters]

        def merged(parameters: Sequence[RosParameter]) -> Values:
            values = self.values(node)
            for parameter in parameters:
                if parameter.name in self._parameters:
                    values[parameter.name] = self[parameter.name].coerce(parameter.value)
            return values

        def on_set(parameters: Sequence[RosParameter]) -> SetParametersResult:
            try:
                check(merged(parameters))
            except ValueError as refusal:
                return SetParametersResult(successful=False, reason=str(refusal))
            return SetParametersResult(successful=True)

        def after_set(parameters: Sequence[RosParameter]) -> None:
            if any(parameter.name in self._parameters for parameter in parameters):
                apply(check(self.values(node)))

        node.add_pre_set_parameters_callback(coerced)
        node.add_on_set_parameters_callback(on_set)
        node.add_post_set_parameters_callback(after_set)

    def _coerced_or_same(self, parameter: RosParameter) -> RosParameter:
        known = self._parameters.get(parameter.name)
        if known is None:
            return parameter
        try:
            return _ros_parameter(known, known.coerce(parameter.value))
        except ParameterError:
            return parameter

    def _refuse_unknown(self, overrides: dict[str, RosParameter]) -> None:
        for name in overrides:
            if name in self._parameters or is_of_rclpy(name):
                continue
            near = difflib.get_close_matches(name, self._parameters, n=1)
            hint = f' Did you mean {near[0]!r}?' if near else ''
            msg = (
                f'There is no parameter {name!r}.{hint} '
                f'Known parameters: {", ".join(sorted(self._parameters))}.'
            )
            raise ParameterError(msg)


def _ros_parameter(parameter: Parameter, value: Value) -> RosParameter:
    plain = list(value) if isinstance(value, tuple) else value
    return RosParameter(parameter.name, _TYPES[type(parameter.default)], plain)
