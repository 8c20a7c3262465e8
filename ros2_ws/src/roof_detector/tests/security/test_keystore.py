# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The keys of a secured graph: laid out as `ros2 security` does, signed well, and kept secret."""

from __future__ import annotations

import stat
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

from roof_detector.cli.main import main
from roof_detector.security.documents import allowed_topics
from roof_detector.security.errors import SecurityError
from roof_detector.security.keystore import Keystore
from roof_detector.security.policies import ENCLAVES, Policy, is_allowed, our_policies
from roof_detector.security.verification import signed_content, verify

NAMES = [
    f'{ENCLAVES}/{name}'
    for name in ('camera', 'detector', 'inspector', 'operator', 'recorder', 'station')
]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    keystore = Keystore(tmp_path_factory.mktemp('keys') / 'keystore')
    keystore.create(our_policies(), days=365)
    return keystore


@pytest.fixture
def keystore(tmp_path):
    keystore = Keystore(tmp_path / 'keystore')
    keystore.create(our_policies(), days=365)
    return keystore


def test_the_layout_is_that_of_ros2_security(made):
    assert made.enclaves() == NAMES
    for name in made.enclaves():
        folder = made.enclave(name)
        assert {path.name for path in folder.iterdir()} == {
            *('cert.pem', 'key.pem', 'permissions.xml', 'permissions.p7s', 'governance.p7s'),
            *('identity_ca.cert.pem', 'permissions_ca.cert.pem'),
        }
        for link, target in (
            ('governance.p7s', 'enclaves/governance.p7s'),
            ('identity_ca.cert.pem', 'public/identity_ca.cert.pem'),
            ('permissions_ca.cert.pem', 'public/permissions_ca.cert.pem'),
        ):
            path = folder / link
            assert path.is_symlink() and not path.readlink().is_absolute()
            assert path.resolve() == (made.root / target).resolve()
    for role in ('identity_ca', 'permissions_ca'):
        assert (made.root / f'public/{role}.cert.pem').resolve() == made.authority_certificate
        assert (made.root / f'private/{role}.key.pem').resolve() == made.authority_key


def test_no_key_can_be_read_by_others(made):
    keys = [path for path in made.root.rglob('*key.pem') if not path.is_symlink()]
    assert len(keys) == len(NAMES) + 1
    for path in keys:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (made.root, made.root / 'private'):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_openssl_verifies_certificates_and_documents(made):
    authority = made.authority_certificate
    for name in made.enclaves():
        folder = made.enclave(name)
        for command in (
            ['verify', '-CAfile', authority, folder / 'cert.pem'],
            ['smime', '-verify', '-text', '-CAfile', authority, '-in', folder / 'permissions.p7s'],
            ['smime', '-verify', '-text', '-CAfile', authority, '-in', folder / 'governance.p7s'],
        ):
            subprocess.run(['openssl', *map(str, command)], check=True, capture_output=True)
        subject = ['openssl', 'x509', '-noout', '-subject', '-in', str(folder / 'cert.pem')]
        said = subprocess.run(subject, check=True, capture_output=True, text=True).stdout
        assert said.strip().endswith(f'CN = {name}')
        content = signed_content(folder / 'permissions.p7s', made)
        assert content.split() == (folder / 'permissions.xml').read_bytes().split()


def test_a_good_keystore_has_no_problem_and_names_the_authority_s_key(made):
    report = verify(made)
    assert report.problems == () and report.ends is not None
    assert 'anyone who copies it' in report.warnings[0]


def test_an_authority_stays_and_its_enclaves_are_renewed(keystore):
    before = keystore.authority_certificate.read_bytes()
    key = (keystore.enclave(NAMES[0]) / 'key.pem').read_bytes()
    keystore.create(our_policies(), days=10)
    assert keystore.authority_certificate.read_bytes() == before
    assert (keystore.enclave(NAMES[0]) / 'key.pem').read_bytes() != key
    report = verify(keystore)
    assert not report.problems and 'The keys end on' in report.warnings[0]


def test_without_the_authority_s_key_the_drone_flies_and_nothing_can_be_made(keystore):
    keystore.authority_key.unlink()
    report = verify(keystore)
    assert not report.problems and not report.warnings


def swap(keystore, name):
    content = (keystore.enclave(NAMES[0]) / name).read_bytes()
    (keystore.enclave(NAMES[1]) / name).write_bytes(content)


def forge(keystore):
    """Let the station command the recorder's every topic, without the authority."""
    path = keystore.enclave(NAMES[1]) / 'permissions.p7s'
    path.write_bytes(path.read_bytes().replace(b'DENY', b'ALLOW'))


def other_authority(keystore):
    """Sign the same permissions by an authority of a stranger's own."""
    stranger = Keystore(keystore.root.parent / 'stranger')
    stranger.create(our_policies(), days=365)
    signed = (stranger.enclave(NAMES[1]) / 'permissions.p7s').read_bytes()
    (keystore.enclave(NAMES[1]) / 'permissions.p7s').write_bytes(signed)


@pytest.mark.parametrize(
    ('damage', 'said'),
    [
        (lambda k: (k.enclave(NAMES[1]) / 'key.pem').chmod(0o644), 'can be read by other users'),
        (lambda k: (k.enclave(NAMES[1]) / 'key.pem').write_text('x'), 'cannot be read'),
        (lambda k: (k.enclave(NAMES[1]) / 'cert.pem').write_text('x'), 'cannot be read'),
        (lambda k: (k.enclave(NAMES[1]) / 'permissions.p7s').unlink(), 'not signed'),
        (lambda k: swap(k, 'key.pem'), 'does not belong to its certificate'),
        (lambda k: swap(k, 'cert.pem'), 'is not that of'),
        (lambda k: swap(k, 'permissions.p7s'), 'are not those of'),
        (forge, 'not signed by this keystore'),
        (other_authority, 'not signed by this keystore'),
        (lambda k: k.authority_certificate.unlink(), 'cannot be read'),
    ],
    ids=range(10),
)
def test_what_is_wrong_with_a_keystore_is_named(keystore, damage, said):
    damage(keystore)
    assert any(said in problem for problem in verify(keystore).problems), verify(keystore)


@pytest.mark.parametrize(('years', 'said'), [(2, 'ended on'), (-2, 'begins on')])
def test_keys_of_another_time_are_named(made, years, said):
    now = datetime.now(timezone.utc) + timedelta(days=365 * years)
    assert any(said in problem for problem in verify(made, now=now).problems)


def test_the_command_makes_what_it_checks(tmp_path, capsys):
    where = ['--keystore', str(tmp_path / 'keys')]
    for words, code in ((['init', *where], 0), (['check', *where], 0)):
        with pytest.raises(SystemExit) as end:
            main(['security', *words])
        assert end.value.code == code
    said = capsys.readouterr().out
    assert 'export ROS_SECURITY_STRATEGY=Enforce' in said and '6 enclaves are valid until' in said
    (tmp_path / 'keys/public/ca.cert.pem').unlink()
    with pytest.raises(SystemExit) as end:
        main(['security', 'check', *where])
    assert end.value.code == 1 and 'cannot be read' in capsys.readouterr().err


def test_each_enclave_is_denied_what_is_another_s(made):
    def allowed(name, kind):
        folder = made.enclave(f'{ENCLAVES}/{name}')
        return allowed_topics((folder / 'permissions.xml').read_bytes(), kind)

    for name in ('camera', 'detector', 'inspector', 'recorder', 'station'):
        written, read = allowed(name, 'publish'), allowed(name, 'subscribe')
        assert '*' not in written + read and 'rt/*' not in written + read
        assert is_allowed('ros_discovery_info', written) and is_allowed('rt/clock', read)
        assert not is_allowed('rt/clock', written) and not is_allowed('rt/cmd_vel', written)
    assert not is_allowed('rt/detector/detections', allowed('camera', 'publish'))
    assert not is_allowed('rq/detector/set_parametersRequest', allowed('camera', 'publish'))
    assert is_allowed('rq/detector/set_parametersRequest', allowed('station', 'publish'))
    assert not is_allowed('rq/station/get_parametersRequest', allowed('recorder', 'publish'))


def test_names_follow_namespace_and_image_topics():
    policies = {
        one.enclave.rpartition('/')[2]: one
        for one in our_policies(
            namespace='/drone1/', image_topics=['front/image', '/belly/raw'], recorded_topics=['x']
        )
    }
    detector = policies['detector'].subscribed()
    for topic in ('/drone1/front/image', '/belly/raw', '/belly/raw/compressed'):
        assert f'rt{topic}' in detector
    assert 'rt/drone1/x' in policies['recorder'].subscribed()
    assert 'rq/drone1/detector/enableRequest' in policies['detector'].subscribed()


def test_a_keystore_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SecurityError, match='cannot be written'):
        Keystore(tmp_path / 'file').create([Policy(enclave='/x')], days=1)
