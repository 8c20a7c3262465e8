# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the documents say can be done: their links, commands and code."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from roof_detector.cli.main import make_parser

ROOT = Path(__file__).parents[4]
LAUNCH = Path(__file__).parents[1] / 'launch'
DOCUMENTS = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
_PROGRAMS = ('ros2', 'make', 'python', 'roof_detector')
BLOCK = re.compile(r'^( *)```(\w*)\n(.*?)^\1```', re.MULTILINE | re.DOTALL)


def blocks(document, *languages):
    return [
        code for _, language, code in BLOCK.findall(document.read_text()) if language in languages
    ]


def commands(document):
    """Yield each command of a document's blocks as words; those of shell programs alone."""
    for block in blocks(document, '', 'bash', 'sh'):
        for line in block.replace('\\\n', ' ').splitlines():
            try:
                words = shlex.split(line.strip(), comments=True)
            except ValueError:  # a table or a message, not a command
                continue
            programs = [
                one for one in ('ros2', 'make', 'python', 'roof_detector') if one in words[:3]
            ]
            if programs and not {'...', '…'} & set(words):
                yield words[words.index(programs[0]) :]


def named(document):
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_every_file_that_a_document_links_to_exists(document):
    for link in re.findall(r'\]\(([^)#\s]+)', document.read_text()):
        if '://' not in link:
            assert (document.parent / link).exists(), f'{document.name} links to {link}'


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_every_source_file_that_a_document_names_exists(document):
    package = LAUNCH.parent
    bases = (ROOT, package, package / 'roof_detector', document.parent)
    for name in re.findall(r'`([\w./-]+\.py)`', document.read_text()):
        if 'my_' in name:  # a file that the reader writes
            continue
        found = [base / name for base in bases if (base / name).exists()]
        found += [] if '/' in name else package.rglob(name)
        assert found, f'{document.name} names {name}, which is not there'


@cache
def parser_of_all():
    return make_parser()


def check_command(words):
    """Fail where a subcommand or an option is none of `roof_detector`."""
    parser, left = parser_of_all(), list(words[1:])
    while left:
        below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not below or left[0].startswith('-'):
            break
        assert left[0] in below[0].choices, f'{shlex.join(words)}: no command {left[0]}'
        parser = below[0].choices[left.pop(0)]
    known = {text for action in parser._actions for text in action.option_strings}
    for word in left:
        option = word.strip('[]').partition('=')[0]
        if re.fullmatch(r'--?[a-z][a-z0-9-]*', option):
            assert option in known, f'{shlex.join(words)}: no option {option}'


def check_launch(words):
    """Fail where there is no such launch file, or an argument is no parameter that it takes."""
    if words[1:3] != ['launch', 'roof_detector'] or not words[3].endswith('.py'):
        return
    file = LAUNCH / words[3]
    assert file.exists(), f'{shlex.join(words)}: no file {file.name}'
    reference = (ROOT / 'docs/reference/parameters.md').read_text()
    sources = reference + file.read_text()
    sources += ''.join(
        one.read_text()
        for one in Path(ROOT).glob('ros2_ws/src/roof_detector/roof_detector/launching/*.py')
    )
    for word in words[4:]:
        name, given, _ = word.partition(':=')
        if given:
            assert re.search(rf'\b{re.escape(name)}\b', sources), f'{shlex.join(words)}: no {name}'


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_every_command_of_a_document_is_one(document):
    targets = re.findall(r'^([a-z]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    for words in commands(document):
        if words[0] == 'roof_detector' and len(words) > 1:
            check_command(words)
        elif words[0] == 'make' and len(words) > 1 and '=' not in words[1]:
            assert words[1] in targets, f'{document.name}: no make {words[1]}'
        elif words[0] == 'python' and words[1:2] == ['-m']:
            if words[2].partition('.')[0] in {'roof_detector', 'training', 'benchmarks'}:
                assert importlib.util.find_spec(words[2]), f'{document.name}: no module {words[2]}'
        elif words[0] == 'ros2':
            check_launch(words)


@pytest.mark.parametrize('document', DOCUMENTS, ids=named)
def test_every_python_and_yaml_block_of_a_document_can_be_read(document):
    for code in blocks(document, 'python'):
        for node in ast.walk(ast.parse(code)):
            module = getattr(node, 'module', None) if isinstance(node, ast.ImportFrom) else None
            if module and module.partition('.')[0] in {'roof_detector', 'training'}:
                found = importlib.import_module(module)
                missing = [one.name for one in node.names if not hasattr(found, one.name)]
                submodules = [
                    one for one in missing if importlib.util.find_spec(f'{module}.{one}')
                ]
                assert missing == submodules, f'{document.name}: {module} has no {missing}'
    for code in blocks(document, 'yaml'):
        yaml.safe_load(code)


def test_the_readme_s_python_runs():
    (code,) = blocks(ROOT / 'README.md', 'python')
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 'ponding' in done.stdout
