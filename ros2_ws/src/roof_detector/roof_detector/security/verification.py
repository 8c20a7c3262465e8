# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The verification of a keystore: signatures, validity, and who can read its keys."""

from __future__ import annotations

import shutil
import stat
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from roof_detector.security.errors import SecurityError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from roof_detector.security.keystore import Keystore

_SOON = timedelta(days=30)


@dataclass(frozen=True)
class KeystoreReport:
    """The problems of a keystore, its warnings, and the time until which it is valid."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    ends: datetime | None


def verify(keystore: Keystore, *, now: datetime | None = None) -> KeystoreReport:
    """Check all enclaves of a keystore against its authority."""
    now = now or datetime.now(timezone.utc)
    problems: list[str] = []
    ends: list[datetime] = []
    try:
        authority = keystore.certificate(keystore.root / 'public/permissions_ca.cert.pem')
        ends.append(_check_time(authority, now, 'the authority', problems))
    except SecurityError as error:
        return KeystoreReport((str(error),), (), None)
    if not keystore.enclaves():
        problems.append(f'{keystore.root} has no enclave.')
    for key in sorted(keystore.root.rglob('*key.pem')):
        if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
            problems.append(f'The key {key} can be read by other users: chmod 600 {key}.')
    for name in keystore.enclaves():
        try:
            ends += _check_enclave(keystore, name, authority, now, problems)
        except (SecurityError, OSError) as error:
            problems.append(f'{name}: {error}')
    warnings = []
    if not problems and min(ends) - now < _SOON:
        warnings.append(f'The keys end on {min(ends):%Y-%m-%d}.')
    if keystore.authority_key.exists():
        warnings.append(
            f'The authority key is stored here ({keystore.authority_key}): anyone who copies it '
            'can create enclaves. Move it to the ground once all enclaves exist.'
        )
    return KeystoreReport(tuple(problems), tuple(warnings), min(ends) if ends else None)


def signed_content(path: Path, keystore: Keystore) -> bytes:
    """Return the content of an S/MIME document; raise SecurityError if its signature is invalid.

    The certificate in the document is ignored: only the authority's own key counts, as in Fast
    DDS. OpenSSL's command does it, because Python's cryptography signs but does not verify.
    """
    openssl = shutil.which('openssl')
    if openssl is None:
        msg = 'There is no openssl to check signatures with: apt install openssl.'
        raise SecurityError(msg)
    authority = str(keystore.root / 'public/permissions_ca.cert.pem')
    done = subprocess.run(
        [
            *(openssl, 'smime', '-verify', '-text', '-noverify', '-nointern'),
            *('-certfile', authority, '-in', str(path)),
        ],
        capture_output=True,
        check=False,
        timeout=20,
    )
    if done.returncode:
        words = done.stderr.decode(errors='replace').strip().splitlines()
        msg = f"{path} is not signed by this keystore's authority ({words[0] if words else '?'})."
        raise SecurityError(msg)
    return done.stdout


def _check_enclave(
    keystore: Keystore,
    name: str,
    authority: x509.Certificate,
    now: datetime,
    problems: list[str],
) -> list[datetime]:
    folder = keystore.enclave(name)
    certificate = keystore.certificate(folder / 'cert.pem')
    ends = [_check_time(certificate, now, name, problems)]
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        problems.append(f"The certificate of {name} is not of this keystore's authority.")
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [one.value for one in names] != [name]:
        problems.append(f'The certificate in {folder} is not that of {name}.')
    key = _public_key(folder / 'key.pem')
    if key != certificate.public_key():
        problems.append(f'The key in {folder} does not belong to its certificate.')
    signed_content(folder / 'governance.p7s', keystore)
    permissions = _parsed(signed_content(folder / 'permissions.p7s', keystore))
    if permissions.findtext('.//subject_name') != f'CN={name}':
        problems.append(f'The permissions in {folder} are not those of {name}.')
    try:
        until = datetime.fromisoformat(permissions.findtext('.//not_after') or '')
    except ValueError as error:
        msg = f'The permissions have no end ({error}).'
        raise SecurityError(msg) from error
    until = until.replace(tzinfo=timezone.utc)
    if until < now:
        problems.append(f'The permissions of {name} ended on {until:%Y-%m-%d}.')
    return [*ends, until]


def _parsed(document: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        msg = f'The permissions are no XML ({error}).'
        raise SecurityError(msg) from error


def _check_time(
    certificate: x509.Certificate, now: datetime, name: str, problems: list[str]
) -> datetime:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        problems.append(f'The certificate of {name} ended on {ends:%Y-%m-%d}.')
    if now < begins:
        problems.append(
            f'The certificate of {name} begins on {begins:%Y-%m-%d}, and the clock says '
            f'{now:%Y-%m-%d}.'
        )
    return ends


def _public_key(path: Path) -> object:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        msg = f'The key {path} cannot be read ({error}).'
        raise SecurityError(msg) from error
    return key.public_key()
