# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A keystore in the layout of `ros2 security`, so that both tools can work on it.

private/ has the authority's key, public/ its certificate, and enclaves/ a folder for each enclave
with its key, its certificate and its permissions.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from roof_detector.security.documents import governance_xml, permissions_xml
from roof_detector.security.errors import SecurityError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from roof_detector.security.policies import Policy

_AUTHORITY = 'sros2CA'
# A drone without a battery for its clock starts with a time in the past.
_BEFORE = timedelta(days=30)
_PRIVATE_MODE = 0o600


@dataclass(frozen=True)
class Keystore:
    """The folder with all keys of a drone; `ROS_SECURITY_KEYSTORE` names it."""

    root: Path

    @property
    def authority_key(self) -> Path:
        """Return the path of the key that signs everything else; its owner can create enclaves."""
        return self.root / 'private/ca.key.pem'

    @property
    def authority_certificate(self) -> Path:
        """Return the path of the authority's certificate."""
        return self.root / 'public/ca.cert.pem'

    @property
    def governance(self) -> Path:
        """Return the path of the signed rules for all domains."""
        return self.root / 'enclaves/governance.p7s'

    def enclave(self, name: str) -> Path:
        """Return the folder of an enclave."""
        return self.root / 'enclaves' / name.lstrip('/')

    def enclaves(self) -> list[str]:
        """Return the names of all enclaves."""
        folder = self.root / 'enclaves'
        return sorted(f'/{path.parent.relative_to(folder)}' for path in folder.rglob('cert.pem'))

    def create(self, policies: Iterable[Policy], *, days: int) -> list[str]:
        """Create the authority if it is missing, and every enclave again; return the enclaves.

        An existing authority stays, so that keys of other computers stay valid.
        """
        begins = datetime.now(timezone.utc).replace(microsecond=0) - _BEFORE
        ends = begins + _BEFORE + timedelta(days=days)
        try:
            for folder in ('private', 'public', 'enclaves'):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
            (self.root / 'private').chmod(0o700)
            if not self.authority_key.exists():
                self._make_authority(begins, ends)
            self._sign(self.root / 'enclaves/governance.xml', governance_xml())
            return [self._make_enclave(policy, begins, ends) for policy in policies]
        except OSError as error:
            msg = f'The keystore {self.root} cannot be written ({error}). Name another folder.'
            raise SecurityError(msg) from error

    def certificate(self, path: Path) -> x509.Certificate:
        """Read a certificate; raise SecurityError if it is missing or damaged."""
        try:
            return x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            msg = f'The certificate {path} cannot be read ({error}).'
            raise SecurityError(msg) from error

    def _make_authority(self, begins: datetime, ends: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(_AUTHORITY)
        certificate = (
            _certificate(name, name, key.public_key(), begins, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_key(self.authority_key, key)
        _write(self.authority_certificate, certificate.public_bytes(serialization.Encoding.PEM))
        for role in ('identity_ca', 'permissions_ca'):
            _link(self.root / f'private/{role}.key.pem', 'ca.key.pem')
            _link(self.root / f'public/{role}.cert.pem', 'ca.cert.pem')

    def _make_enclave(self, policy: Policy, begins: datetime, ends: datetime) -> str:
        folder = self.enclave(policy.enclave)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self.certificate(self.authority_certificate)
        certificate = (
            _certificate(_name(policy.enclave), authority.subject, key.public_key(), begins, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._authority_key(), hashes.SHA256())
        )
        _write_key(folder / 'key.pem', key)
        _write(folder / 'cert.pem', certificate.public_bytes(serialization.Encoding.PEM))
        self._sign(folder / 'permissions.xml', permissions_xml(policy, begins=begins, ends=ends))
        up = os.path.relpath(self.root, folder)
        for role in ('identity_ca', 'permissions_ca'):
            _link(folder / f'{role}.cert.pem', f'{up}/public/{role}.cert.pem')
        _link(folder / 'governance.p7s', f'{up}/enclaves/governance.p7s')
        return policy.enclave

    def _sign(self, path: Path, content: bytes) -> None:
        """Write a document, and beside it the same document signed by the authority as S/MIME."""
        signed = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(content)
            .add_signer(
                self.certificate(self.authority_certificate),
                self._authority_key(),
                hashes.SHA256(),
            )
            .sign(
                serialization.Encoding.SMIME,
                [pkcs7.PKCS7Options.Text, pkcs7.PKCS7Options.DetachedSignature],
            )
        )
        _write(path, content)
        _write(path.with_suffix('.p7s'), signed)

    def _authority_key(self) -> ec.EllipticCurvePrivateKey:
        try:
            key = serialization.load_pem_private_key(
                self.authority_key.read_bytes(), password=None
            )
        except (OSError, ValueError, TypeError) as error:
            msg = f'The key {self.authority_key} cannot be read ({error}).'
            raise SecurityError(msg) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            msg = f'{self.authority_key} is not an elliptic-curve key.'
            raise SecurityError(msg)
        return key


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    _write(
        path,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        mode=_PRIVATE_MODE,
    )


def _write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file atomically; a key is private from its first byte on."""
    part = path.with_name(f'{path.name}.part')
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, 'wb') as file:
        file.write(content)
    part.replace(path)


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)
