# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether the doctor knows who can reach the nodes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from roof_detector.doctor.dds_profile import is_bound_to_loopback, shipped_profile
from roof_detector.doctor.finding import Verdict
from roof_detector.doctor.network import check_network
from roof_detector.security.keystore import Keystore
from roof_detector.security.policies import our_policies

LISTED = '<address>127.0.0.1</address>'
OPEN, LOOPBACK = shipped_profile(), shipped_profile('fastdds_loopback.xml')


@pytest.fixture(scope='module')
def keystore(tmp_path_factory):
    keystore = Keystore(tmp_path_factory.mktemp('keys'))
    keystore.create(our_policies(), days=365)
    keystore.authority_key.unlink()
    return keystore


@pytest.fixture
def libraries(tmp_path):
    """Return where an RMW lies that was built with security."""
    (tmp_path / 'librmw_fastrtps_shared_cpp.so').write_bytes(b'all is there')
    return tmp_path


def examine(libraries, profile=OPEN, *, now=None, **environment):
    names = {'FASTRTPS_DEFAULT_PROFILES_FILE': str(profile), **environment}
    return check_network(environment=names, libraries=libraries, now=now)


def secured(keystore, **others):
    return {
        'ROS_SECURITY_ENABLE': 'true',
        'ROS_SECURITY_STRATEGY': 'Enforce',
        'ROS_SECURITY_KEYSTORE': str(keystore.root),
        **others,
    }


def test_the_shipped_profiles_are_what_they_say():
    assert is_bound_to_loopback(LOOPBACK) and not is_bound_to_loopback(OPEN)


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        (LISTED, '<address>10.0.0.1</address>'),
        (
            '<address>127.0.0.1</address>',
            '<address>127.0.0.1</address><address>10.0.0.1</address>',
        ),
        (LISTED, ''),
        ('<useBuiltinTransports>false', '<useBuiltinTransports>true'),
        (
            '<transport_id>udp_of_this_machine</transport_id>\n      </userT',
            '<transport_id>another</transport_id>\n      </userT',
        ),
    ],
    ids=range(5),
)
def test_a_profile_that_opens_another_interface_is_not_bound(tmp_path, old, new):
    text = LOOPBACK.read_text()
    assert old in text
    (tmp_path / 'profile.xml').write_text(text.replace(old, new))
    assert not is_bound_to_loopback(tmp_path / 'profile.xml')


def test_without_security_only_the_binding_keeps_strangers_out(libraries):
    (finding,) = examine(libraries, LOOPBACK)
    assert finding.verdict is Verdict.OK
    (finding,) = examine(libraries)
    assert (
        finding.verdict is Verdict.WARN and 'every computer on the same network' in finding.message
    )
    assert 'fastdds_loopback.xml' in finding.remedy


@pytest.mark.parametrize(
    'names', [{'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}, {'ROS_LOCALHOST_ONLY': '1'}], ids=str
)
def test_the_discovery_range_says_little(libraries, names):
    (finding,) = examine(libraries, **names)
    assert (
        finding.verdict is Verdict.WARN
        and 'does not keep out a peer that names' in finding.message
    )


def test_a_good_keystore_that_is_enforced_is_well(keystore, libraries):
    assert {one.verdict for one in examine(libraries, **secured(keystore))} == {Verdict.OK}


@pytest.mark.parametrize(
    ('names', 'said'),
    [
        ({'ROS_SECURITY_STRATEGY': 'Permissive'}, 'starts anyway'),
        ({'ROS_SECURITY_KEYSTORE': ''}, 'names no keystore'),
        ({'ROS_SECURITY_KEYSTORE': '/nowhere'}, 'cannot be read'),
    ],
    ids=str,
)
def test_security_that_keeps_nobody_out_fails(keystore, libraries, names, said):
    findings = examine(libraries, **secured(keystore, **names))
    assert findings[0].verdict is Verdict.FAIL and said in findings[0].message
    assert findings[-1].verdict is Verdict.WARN


def test_keys_that_ended_fail(keystore, libraries):
    later = datetime.now(timezone.utc) + timedelta(days=500)
    findings = examine(libraries, now=later, **secured(keystore))
    assert findings[0].verdict is Verdict.FAIL and 'ended on' in findings[0].message


def test_a_fast_dds_without_security_is_named(keystore, libraries):
    lacking = b"x This Fast DDS version doesn't have the security libraries\0"
    (libraries / 'librmw_fastrtps_shared_cpp.so').write_bytes(lacking)
    findings = examine(libraries, **secured(keystore))
    assert findings[0].verdict is Verdict.FAIL and 'built without security' in findings[0].message
