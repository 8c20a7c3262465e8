# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page `docs/reference/commands.md`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from roof_detector.cli.main import make_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# Commands

Every subcommand of `roof_detector`, written by `make generate` from its parsers;
`roof_detector <command> --help` says the same. How models are made and judged with them:
[training](../how-to/training.md).
"""
_TABLE = '| argument | |\n| --- | --- |'


def command_reference() -> str:
    """Return the page: one section for each command."""
    lines = [_HEAD]
    for parser in commands(make_parser()):
        lines += [f'## {parser.prog}\n', _plain(parser.description or '') + '\n', _TABLE]
        lines += [_row(action) for action in arguments(parser)]
        if parser.epilog:
            lines += ['', _plain(parser.epilog)]
        lines.append('')
    return '\n'.join(lines).rstrip('\n') + '\n'


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parser of every command that does something itself."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for one in action.choices.values():
            yield from commands(one)


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what may be given to a command, but for --help."""
    return [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]


def _row(action: argparse.Action) -> str:
    help_text = (action.help or '') % {**vars(action), 'prog': 'roof_detector'}
    return f'| `{_name(action)}` | {_plain(help_text)} |'


def _name(action: argparse.Action) -> str:
    value = _value(action)
    if action.option_strings:
        return f'{", ".join(action.option_strings)} {value}'.rstrip()
    return value


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ''
    name = action.metavar
    if isinstance(name, tuple):
        return ' '.join(name)
    if name is None:
        choices = action.choices
        name = '{' + ','.join(map(str, choices)) + '}' if choices else action.dest.upper()
    if action.nargs in ('*', '?'):
        return f'[{name} ...]' if action.nargs == '*' else f'[{name}]'
    return f'{name} ...' if action.nargs == '+' else name


def _plain(text: str) -> str:
    """Return a text as one line that Markdown shows as it is."""
    words = ' '.join(text.split())
    return words.replace('|', '\\|').replace('<', '&lt;').replace('*', '\\*')
