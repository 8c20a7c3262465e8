# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Governance and permission documents of DDS Security 1.1 (OMG formal/2018-04-01, 9.4).

The same rules apply to every domain: all traffic is encrypted, and only nodes with one of our
certificates may join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from roof_detector.security.policies import Policy

_XSI = 'http://www.w3.org/2001/XMLSchema-instance'
_SCHEMA = 'http://www.omg.org/spec/DDS-SECURITY/20170901/omg_shared_ca_{}.xsd'
# The highest domain id that RTPS ports and ROS allow.
_LAST_DOMAIN = 232


def governance_xml() -> bytes:
    """Return the rules for all domains: authenticated, encrypted, access controlled."""
    root = _root('governance')
    rule = _below(root, 'domain_access_rules', 'domain_rule')
    _add_domains(rule)
    for name, value in (
        ('allow_unauthenticated_participants', 'false'),
        ('enable_join_access_control', 'true'),
        ('discovery_protection_kind', 'ENCRYPT'),
        ('liveliness_protection_kind', 'ENCRYPT'),
        ('rtps_protection_kind', 'SIGN'),
    ):
        _add(rule, name, value)
    topic = _below(rule, 'topic_access_rules', 'topic_rule')
    for name, value in (
        ('topic_expression', '*'),
        ('enable_discovery_protection', 'true'),
        ('enable_liveliness_protection', 'true'),
        ('enable_read_access_control', 'true'),
        ('enable_write_access_control', 'true'),
        ('metadata_protection_kind', 'ENCRYPT'),
        ('data_protection_kind', 'ENCRYPT'),
    ):
        _add(topic, name, value)
    return _bytes(root)


def permissions_xml(policy: Policy, *, begins: datetime, ends: datetime) -> bytes:
    """Return the permissions of one enclave and their period of validity; all else is denied."""
    root = _root('permissions')
    grant = _below(root, 'permissions', 'grant')
    grant.set('name', policy.enclave)
    _add(grant, 'subject_name', f'CN={policy.enclave}')
    validity = _below(grant, 'validity')
    _add(validity, 'not_before', begins.strftime('%Y-%m-%dT%H:%M:%S'))
    _add(validity, 'not_after', ends.strftime('%Y-%m-%dT%H:%M:%S'))
    rule = _below(grant, 'allow_rule')
    _add_domains(rule)
    for kind, topics in (('publish', policy.published()), ('subscribe', policy.subscribed())):
        _add_topics(_below(rule, kind, 'topics'), topics)
    _add(grant, 'default', 'DENY')
    return _bytes(root)


def allowed_topics(permissions: bytes, kind: str) -> list[str]:
    """Return the topic expressions that a permissions document lets a node publish or read."""
    found = ElementTree.fromstring(permissions).iterfind(f'.//allow_rule/{kind}/topics/topic')
    return [element.text or '' for element in found]


def _root(kind: str) -> ElementTree.Element:
    ElementTree.register_namespace('xsi', _XSI)
    return ElementTree.Element(
        'dds', {f'{{{_XSI}}}noNamespaceSchemaLocation': _SCHEMA.format(kind)}
    )


def _below(parent: ElementTree.Element, *names: str) -> ElementTree.Element:
    for name in names:
        parent = ElementTree.SubElement(parent, name)
    return parent


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _add_domains(parent: ElementTree.Element) -> None:
    id_range = _below(parent, 'domains', 'id_range')
    _add(id_range, 'min', '0')
    _add(id_range, 'max', str(_LAST_DOMAIN))


def _add_topics(parent: ElementTree.Element, topics: Sequence[str]) -> None:
    for topic in topics:
        _add(parent, 'topic', topic)


def _bytes(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding='unicode')
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()
