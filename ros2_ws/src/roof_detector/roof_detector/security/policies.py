# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The topics and services that each of our nodes needs, and nothing beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# The parent of all our enclaves.
ENCLAVES = '/roof_detector'
_PARAMETER_SERVICES = (
    'describe_parameters',
    'get_parameters',
    'get_parameter_types',
    'list_parameters',
    'set_parameters',
    'set_parameters_atomically',
)
_LIFECYCLE_SERVICES = (
    'change_state',
    'get_state',
    'get_available_states',
    'get_available_transitions',
    'get_transition_graph',
)
# A topic of DDS alone: the participants of the graph.
_GRAPH = 'ros_discovery_info'
OPERATOR = 'operator'


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The permissions of an enclave in ROS names; a * matches any text, slashes included."""

    enclave: str
    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()

    def published(self) -> list[str]:
        """Return the names of DDS topics that the enclave may write."""
        return sorted(
            {
                _GRAPH,
                *(f'rt{name}' for name in self.publishes),
                *(f'rr{name}Reply' for name in self.serves),
                *(f'rq{name}Request' for name in self.calls),
            }
        )

    def subscribed(self) -> list[str]:
        """Return the names of DDS topics that the enclave may read."""
        return sorted(
            {
                _GRAPH,
                *(f'rt{name}' for name in self.subscribes),
                *(f'rq{name}Request' for name in self.serves),
                *(f'rr{name}Reply' for name in self.calls),
            }
        )


def is_allowed(dds_topic: str, expressions: Iterable[str]) -> bool:
    """Return whether one of the expressions matches a topic, as Fast DDS matches them."""
    return any(fnmatchcase(dds_topic, expression) for expression in expressions)


def our_policies(
    *,
    namespace: str = '',
    image_topics: Sequence[str] = ('/camera/image',),
    recorded_topics: Sequence[str] = (),
    telemetry_topics: Sequence[str] = (),
) -> tuple[Policy, ...]:
    """Return the policies of camera, detector, inspector, recorder, station and operator.

    `image_topics` are the raw topics that the detector subscribes to, each with its /compressed
    topic and the camera_info beside it. `recorded_topics` are the topics that the recorder takes
    besides our own, `telemetry_topics` those of the autopilot that tell where the camera is.
    """
    root = f'/{namespace.strip("/")}' if namespace.strip('/') else ''
    camera, detector, inspector, recorder, station = (
        f'{root}/{name}' for name in ('camera', 'detector', 'inspector', 'recorder', 'station')
    )
    images = tuple(_absolute(topic, root) for topic in image_topics)
    infos = tuple(dict.fromkeys(f'{topic.rpartition("/")[0]}/camera_info' for topic in images))
    images += tuple(f'{topic}/compressed' for topic in images)
    parameters = tuple(
        f'{node}/{service}' for node in (camera, detector) for service in _PARAMETER_SERVICES
    )
    return (
        _node('camera', camera, publishes=(f'{camera}/*', '/tf_static')),
        _node(
            'detector',
            detector,
            publishes=(f'{detector}/*',),
            subscribes=(*images, *infos),
            serves=(f'{detector}/enable', *(f'{detector}/{one}' for one in _LIFECYCLE_SERVICES)),
        ),
        _node(
            'inspector',
            inspector,
            publishes=(f'{inspector}/*',),
            subscribes=(
                *infos,
                f'{camera}/*',
                f'{detector}/*',
                '/tf',
                '/tf_static',
                *(_absolute(topic, root) for topic in telemetry_topics),
            ),
            serves=tuple(f'{inspector}/{one}' for one in _LIFECYCLE_SERVICES),
        ),
        _node(
            'recorder',
            recorder,
            subscribes=(
                *images,
                f'{camera}/*',
                f'{detector}/*',
                f'{inspector}/*',
                f'{recorder}/mark',
                '/tf_static',
                '/diagnostics',
                *(_absolute(topic, root) for topic in recorded_topics),
            ),
            serves=(f'{recorder}/record', f'{recorder}/trigger'),
            # The parameters of nodes whose messages it records are part of the recording.
            calls=(
                *parameters,
                *(
                    f'{node}/{one}'
                    for node in (inspector, recorder)
                    for one in _PARAMETER_SERVICES
                ),
            ),
        ),
        _node(
            'station',
            station,
            publishes=(f'{recorder}/mark',),
            subscribes=(f'{detector}/*', f'{inspector}/*', '/diagnostics'),
            calls=(
                *(f'{detector}/{one}' for one in _PARAMETER_SERVICES),
                *(f'{recorder}/{one}' for one in _PARAMETER_SERVICES),
                f'{detector}/enable',
                f'{recorder}/record',
                f'{recorder}/trigger',
            ),
        ),
        # Tools for people: ros2, the doctor, rviz, play. This key belongs on the ground.
        Policy(
            enclave=f'{ENCLAVES}/{OPERATOR}',
            publishes=(f'{root}/*', '/clock', '/tf_static', '/rosout', '/parameter_events'),
            subscribes=('/*',),
            serves=('/*',),
            calls=(f'{root}/*',),
        ),
    )


def _node(
    name: str,
    full_name: str,
    *,
    publishes: tuple[str, ...] = (),
    subscribes: tuple[str, ...] = (),
    serves: tuple[str, ...] = (),
    calls: tuple[str, ...] = (),
) -> Policy:
    """Return the policy of a node, including what every node needs."""
    own = (*_PARAMETER_SERVICES, 'get_type_description')
    return Policy(
        enclave=f'{ENCLAVES}/{name}',
        publishes=(*publishes, '/rosout', '/parameter_events', '/diagnostics'),
        subscribes=(*subscribes, '/clock', '/parameter_events'),
        serves=(*serves, *(f'{full_name}/{service}' for service in own)),
        calls=calls,
    )


def _absolute(topic: str, root: str) -> str:
    return topic if topic.startswith('/') else f'{root}/{topic}'
