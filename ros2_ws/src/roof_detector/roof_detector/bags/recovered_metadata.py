# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The metadata.yaml of a recovered bag: that of before, corrected by what its files hold."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from roof_detector.bags.mcap_survey import TopicFacts
from roof_detector.bags.metadata import VERSION, embedded_metadata, to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.bags.file_repair import FileState, TopicFound
    from roof_detector.bags.recovery_plan import RecoveryPlan

_NEVER_NS = 2**63 - 1


def compression_of(plan: RecoveryPlan, before: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return the mode and format of the compression for metadata.yaml."""
    if any(state.file.is_packed for state in plan.states):
        return 'FILE', 'zstd'
    count = sum(state.message_count for state in plan.states)
    packed = sum(state.packed_messages for state in plan.states)
    if packed and packed == count:
        return 'MESSAGE', 'zstd'
    if before and before['compression_mode'].lower() == 'message' and (packed or not count):
        return before['compression_mode'], before['compression_format']
    return '', ''


def differs(before: Mapping[str, Any], plan: RecoveryPlan, mode: tuple[str, str]) -> bool:
    """Return whether a metadata.yaml does not describe what its bag holds."""
    named = [os.path.basename(name) for name in before['relative_file_paths']]  # noqa: PTH119
    if sorted(named) != sorted(state.file.name for state in plan.states):
        return True
    stated = before['compression_mode'].lower()
    if (stated if stated != 'none' else '') != mode[0].lower():
        return True
    if before['message_count'] != sum(state.message_count for state in plan.states):
        return True
    topics = {one['topic_metadata']['name'] for one in before['topics_with_message_count']}
    found = {t.name for state in plan.states for t in state.topics.values() if t.message_count}
    return not found <= topics


def topic_facts(
    plan: RecoveryPlan, before: Mapping[str, Any] | None
) -> tuple[dict[str, TopicFacts], tuple[TopicFacts, ...]]:
    """Return what is known about topics besides what a damaged file says.

    Channels of our files are numbered in the order of the topics in their metadata.yaml.
    """
    known: dict[str, TopicFacts] = {}
    in_order = []
    for topic in before['topics_with_message_count'] if before else ():
        about = topic['topic_metadata']
        known[about['name']] = TopicFacts.announced(about)
        in_order.append(known[about['name']])
    for state in plan.states:
        for found in state.topics.values():
            if found.type_name and not found.is_doubtful:
                before_it = known.get(
                    found.name, TopicFacts(name=found.name, type_name=found.type_name)
                )
                known[found.name] = TopicFacts(
                    name=found.name,
                    type_name=found.type_name,
                    definition=found.definition,
                    type_hash=found.type_hash or before_it.type_hash,
                    offered_qos=before_it.offered_qos or found.offered_qos,
                )
    return known, tuple(known[facts.name] for facts in in_order)


def recovered_information(
    before: Mapping[str, Any] | None, states: Sequence[FileState], mode: tuple[str, str]
) -> dict[str, Any]:
    """Return the content of metadata.yaml: that of before, corrected by what was found."""
    embedded = next(
        (found for state in reversed(states) if (found := embedded_metadata(state.embedded))), {}
    )
    basis: dict[str, Any] = copy.deepcopy(dict(before or {}))
    if not basis:
        custom: dict[str, str] = dict(embedded.get('custom_data') or {})
        for state in states:
            custom.update(state.custom)
        basis = {
            'version': VERSION,
            'topics_with_message_count': [],
            'custom_data': custom or None,
            'ros_distro': embedded.get('ros_distro', 'jazzy'),
        }
    topics = _topics(basis, states)
    start_ns = min((state.start_ns for state in states), default=_NEVER_NS)
    end_ns = max((state.end_ns for state in states), default=0)
    named = {os.path.basename(n): n for n in basis.get('relative_file_paths', ())}  # noqa: PTH119
    names = [named.get(state.file.name, state.file.name) for state in states]
    return {
        **basis,
        'storage_identifier': states[0].file.storage,
        'duration': {'nanoseconds': max(0, end_ns - start_ns)},
        'starting_time': {'nanoseconds_since_epoch': start_ns},
        'message_count': sum(state.message_count for state in states),
        'topics_with_message_count': topics,
        'compression_format': mode[1],
        'compression_mode': mode[0],
        'relative_file_paths': names,
        'files': [
            {
                'path': state.file.name,
                'starting_time': {'nanoseconds_since_epoch': state.start_ns},
                'duration': {'nanoseconds': max(0, state.end_ns - state.start_ns)},
                'message_count': state.message_count,
            }
            for state in states
        ],
    }


def _topics(basis: Mapping[str, Any], states: Sequence[FileState]) -> list[dict[str, Any]]:
    found: dict[str, TopicFound] = {}
    for state in states:
        for topic in state.topics.values():
            known = found.get(topic.name)
            if known is None:
                found[topic.name] = replace(topic)
            else:
                known.message_count += topic.message_count
                known.offered_qos = known.offered_qos or topic.offered_qos
    topics = []
    for one in basis['topics_with_message_count']:
        name = one['topic_metadata']['name']
        if name in found:  # otherwise no file defines it any more, which some readers reject
            topics.append({**one, 'message_count': found.pop(name).message_count})
    for topic in found.values():  # the new ones
        qos: Any = [profile.as_dict() for profile in topic.offered_qos]
        if basis['version'] < VERSION:  # profiles were numbers in a YAML string
            qos = to_yaml([profile.as_numbers() for profile in topic.offered_qos]) if qos else ''
        topics.append(
            {
                'topic_metadata': {
                    'name': topic.name,
                    'type': topic.type_name,
                    'serialization_format': topic.serialization_format or 'cdr',
                    'offered_qos_profiles': qos,
                    'type_description_hash': topic.type_hash,
                },
                'message_count': topic.message_count,
            }
        )
    return topics
