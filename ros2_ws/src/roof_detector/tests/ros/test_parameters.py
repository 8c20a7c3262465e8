# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import rclpy
from rclpy.parameter import Parameter as RosParameter

from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.parameters import Parameter, ParameterTable
from roof_detector.ros.detector.detector_parameters import DETECTOR_TABLE, detector_settings

TABLE = ParameterTable(
    Parameter('score', 0.5, 'A number.', minimum=0.0, maximum=1.0, live=True),
    Parameter('names', (), 'Some names.', live=True),
    Parameter('mode', 'fast', 'A choice.', choices=('fast', 'slow')),
    Parameter('count', 3, 'A whole number.', minimum=1, maximum=9, live=True),
    Parameter('on', default=True, description='A switch.', live=True),
)


@pytest.fixture
def node_with(graph):
    def make(**overrides):
        values = [RosParameter(name, value=value) for name, value in overrides.items()]
        node = rclpy.create_node('table', context=graph.context, parameter_overrides=values)
        return graph.add(node)

    return make


def test_without_overrides_every_parameter_has_its_default(node_with):
    assert TABLE.declare(node_with()) == {
        'score': 0.5, 'names': (), 'mode': 'fast', 'count': 3, 'on': True,
    }  # fmt: skip


def test_overrides_are_taken_in_the_parameters_own_type(node_with):
    values = TABLE.declare(node_with(score=1, names=['a', ''], mode='slow'))
    assert values['score'] == 1.0
    assert isinstance(values['score'], float)
    assert values['names'] == ('a',)
    assert values['mode'] == 'slow'


@pytest.mark.parametrize(
    ('overrides', 'sentence'),
    [
        ({'scores': 0.1}, "no parameter 'scores'. Did you mean 'score'?"),
        ({'score': 1.01}, 'score must lie between 0.0 and 1.0, not 1.01'),
        ({'score': float('nan')}, 'score must lie between'),
        ({'score': 'high'}, "score must be a float, not 'high'"),
        ({'names': 'a'}, "names must be a list of names, not 'a'"),
        ({'names': [1, 2]}, 'names must be a list of names, not'),
        ({'mode': 'medium'}, "mode must be one of fast, slow, not 'medium'"),
        ({'count': 2.5}, 'count must be a int, not 2.5'),
        ({'on': 1}, 'on must be a bool, not 1'),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_bad_override_is_refused_with_its_value(node_with, overrides, sentence):
    with pytest.raises(ParameterError) as refusal:
        TABLE.declare(node_with(**overrides))
    assert sentence in str(refusal.value)


@pytest.fixture
def watched(node_with):
    node, applied = node_with(), []

    def check(values):
        if values['score'] > 0.9 and 'all' in values['names']:
            msg = 'A score above 0.9 for all makes no sense, lower it.'
            raise ValueError(msg)
        return dict(values)

    TABLE.declare(node)
    TABLE.watch(node, check=check, apply=applied.append)
    return node, applied


def set_all(node, **values):
    return node.set_parameters_atomically(
        [RosParameter(name, value=value) for name, value in values.items()]
    )


def test_a_change_is_applied_once_as_a_whole(watched):
    node, applied = watched
    assert set_all(node, score=0.25, names=['a', 'b']).successful
    (values,) = applied
    assert (values['score'], values['names'], values['count']) == (0.25, ('a', 'b'), 3)


def test_an_empty_list_of_any_type_empties_the_names(watched):
    node, applied = watched
    assert set_all(node, names=['a']).successful
    assert node.set_parameters_atomically(
        [RosParameter('names', RosParameter.Type.BOOL_ARRAY, [])]
    ).successful
    assert applied[-1]['names'] == ()


def test_values_that_make_no_sense_together_change_nothing(watched):
    node, applied = watched
    result = set_all(node, score=0.95, names=['all'])
    assert not result.successful
    assert result.reason == 'A score above 0.9 for all makes no sense, lower it.'
    assert applied == []
    assert TABLE.values(node)['score'] == 0.5


def test_a_parameter_that_is_not_live_cannot_be_set(watched):
    node, applied = watched
    assert not set_all(node, mode='slow').successful
    assert applied == []


def test_descriptors_tell_description_range_and_choices(watched):
    node, _ = watched
    score, mode = (node.describe_parameter(name) for name in ('score', 'mode'))
    assert score.description == 'A number.'
    assert score.floating_point_range[0].to_value == 1.0
    assert not score.read_only
    assert mode.description.endswith('One of: fast, slow.')
    assert mode.read_only


def test_the_detectors_own_defaults_make_sense_together():
    settings = detector_settings({p.name: p.default for p in DETECTOR_TABLE})
    assert settings.thresholds.confidence == 0.25
    assert settings.max_age_s == 0.0


def test_every_parameter_of_the_detector_says_what_it_is():
    for parameter in DETECTOR_TABLE:
        assert parameter.description.endswith('.'), parameter.name
        if isinstance(parameter.default, float):
            assert parameter.minimum is not None and parameter.maximum is not None
