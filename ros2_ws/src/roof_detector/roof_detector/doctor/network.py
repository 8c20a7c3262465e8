# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check who can reach the nodes: DDS security and the interfaces that DDS is bound to."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.doctor.dds_profile import (
    BadProfile,
    is_bound_to_loopback,
    profile_path,
    shipped_profile,
)
from roof_detector.doctor.finding import Finding, Verdict, fail, ok, warn
from roof_detector.security.keystore import Keystore
from roof_detector.security.verification import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

_NETWORK, _SECURITY = 'network', 'security'
_INIT = 'roof_detector security init  # then set what it prints'
# The error of rmw_fastrtps with a Fast DDS that was built without security, such as PyPI's.
_LACKING = b"doesn't have the security libraries"


def check_network(
    *,
    environment: Mapping[str, str] = os.environ,
    now: datetime | None = None,
    libraries: Path | None = None,
) -> list[Finding]:
    """Check security and binding of DDS; either of them keeps other people out."""
    security = _check_security(environment, now or datetime.now(timezone.utc), libraries)
    is_secured = bool(security) and all(one.verdict is not Verdict.FAIL for one in security)
    return [*security, _check_binding(environment, is_secured=is_secured)]


def _check_binding(environment: Mapping[str, str], *, is_secured: bool) -> Finding:
    path = profile_path(environment)
    reach = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    if environment.get('ROS_LOCALHOST_ONLY') == '1':
        reach = 'LOCALHOST'
    try:
        is_bound = path is not None and is_bound_to_loopback(path)
    except BadProfile:
        is_bound = False  # the check of the profile reports it
    if is_bound:
        return ok(
            _NETWORK,
            f'DDS is bound to this computer ({path}): no other computer reaches its nodes, yours '
            'included.',
        )
    if is_secured:
        return ok(_NETWORK, 'DDS is open to networks; only nodes with a key can communicate.')
    remedy = (
        'export FASTRTPS_DEFAULT_PROFILES_FILE='
        f'{shipped_profile("fastdds_loopback.xml")}  # on one computer; else: {_INIT}'
    )
    if reach.upper() in ('LOCALHOST', 'OFF'):
        return warn(
            _NETWORK,
            f'The discovery range is {reach}, which does not keep out a peer that names this '
            'computer (ROS_STATIC_PEERS): it can read and command every node.',
            remedy,
        )
    return warn(
        _NETWORK,
        f'DDS is open to networks (discovery range {reach}) without security: every computer on '
        'the same network can read and command every node.',
        remedy,
    )


def _check_security(
    environment: Mapping[str, str], now: datetime, libraries: Path | None
) -> list[Finding]:
    """Return the findings about security; none if it is not switched on."""
    # rcl accepts only this word.
    if environment.get('ROS_SECURITY_ENABLE') != 'true':
        return []
    findings = []
    if _lacks_security(libraries):
        findings.append(
            fail(
                _SECURITY,
                'ROS_SECURITY_ENABLE is true, but this Fast DDS was built without security, as '
                "PyPI's is: no node starts.",
                "use apt's: sudo apt install ros-jazzy-rmw-fastrtps-cpp, or: unset "
                'ROS_SECURITY_ENABLE',
            )
        )
    strategy = environment.get('ROS_SECURITY_STRATEGY', 'Permissive')
    if strategy != 'Enforce':
        findings.append(
            fail(
                _SECURITY,
                f'ROS_SECURITY_STRATEGY is {strategy}: a node without a key starts anyway, '
                'without security.',
                'export ROS_SECURITY_STRATEGY=Enforce',
            )
        )
    root = environment.get('ROS_SECURITY_KEYSTORE', '')
    if not root:
        findings.append(fail(_SECURITY, 'ROS_SECURITY_KEYSTORE names no keystore.', _INIT))
        return findings
    report = verify(Keystore(Path(root)), now=now)
    findings += [fail(_SECURITY, problem, _INIT) for problem in report.problems]
    findings += [warn(_SECURITY, warning, _INIT) for warning in report.warnings]
    if not findings and report.ends is not None:
        findings.append(
            ok(
                _SECURITY,
                f'Only nodes with a key of {root} can communicate, until {report.ends:%Y-%m-%d}.',
            )
        )
    return findings


def _lacks_security(libraries: Path | None) -> bool:
    """Return whether the RMW library was built without security."""
    folders = [libraries] if libraries else map(Path, sys_paths())
    for folder in folders:
        path = folder / 'librmw_fastrtps_shared_cpp.so'
        if path.is_file():
            return _LACKING in path.read_bytes()
    return False


def sys_paths() -> list[str]:
    """Return the folders with ROS libraries."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return [f'{prefix}/lib' for prefix in prefixes if prefix]
