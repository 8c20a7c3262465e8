# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Addresses of cameras, and the user and password that they may contain."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from roof_detector.inputs.errors import InputError

_SCHEME = re.compile(r'(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>\S*)')
# Many cameras take both in the path or query: /user=admin&password=secret&channel=1.
_FIELD = re.compile(
    r'(?i)\b(?P<name>user(?:name)?|login|pass(?:word|wd)?|pwd|token|secret|api_?key|auth)='
    r'[^&;?#/\s\'"]*'
)
HIDDEN = '***'


def without_password(text: str) -> str:
    """Return a text that may be shown: without the users and passwords of its addresses."""
    return _SCHEME.sub(_shown, text)


def password_of(text: str) -> str:
    """Return the secret part of an address, '' where it has none."""
    match = _SCHEME.fullmatch(text.strip())
    if match is None or without_password(text) == text:
        return ''
    user_info, _ = _split(match['rest'])
    return user_info.removesuffix('@') or match['rest']


def split_credentials(address: str) -> tuple[str, str]:
    """Return an address without its user and password, and `user:password` or ''."""
    match = _SCHEME.fullmatch(address.strip())
    user_info, rest = ('', '') if match is None else _split(match['rest'])
    if match is None or ':' not in user_info:
        return address, ''
    user, _, password = user_info.removesuffix('@').partition(':')
    return f'{match["scheme"]}{rest}', f'{unquote(user)}:{unquote(password)}'


def with_credentials(address: str, credentials: str) -> str:
    """Return an address with `user:password` put into it, both quoted, or raise InputError."""
    match = _SCHEME.fullmatch(address.strip())
    user, colon, password = credentials.partition(':')
    if match is None or password_of(address):
        msg = (
            f'credentials_file is given, but source is {without_password(address)!r}; expected '
            'the address of a stream without user and password.'
        )
        raise InputError(msg)
    if not user or not colon:
        msg = 'credentials_file does not hold user:password in its one line.'
        raise InputError(msg)
    return f'{match["scheme"]}{quote(user, safe="")}:{quote(password, safe="")}@{match["rest"]}'


def _shown(match: re.Match[str]) -> str:
    _, rest = _split(match['rest'])
    return match['scheme'] + _FIELD.sub(rf'\g<name>={HIDDEN}', rest)


def _split(rest: str) -> tuple[str, str]:
    """Split what follows the scheme into user and password, with their @, and the rest.

    A password may contain @, and an unquoted /: then everything before the last @ is removed.
    """
    host = re.split(r'[/?#]', rest, maxsplit=1)[0]
    if '@' in host:
        at = host.rfind('@') + 1
        return rest[:at], rest[at:]
    user, colon, _ = host.partition(':')
    has_port = re.fullmatch(r'[^:]*(:[0-9]*)?|\[[^]]*\](:[0-9]*)?', host) is not None
    if '@' in rest and user and colon and not has_port:
        at = rest.rfind('@') + 1
        return rest[:at], rest[at:]
    return '', rest
