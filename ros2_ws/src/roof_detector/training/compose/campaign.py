# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Proofs of many variants in one file, a line each, so that a run that is stopped goes on."""

from __future__ import annotations

import importlib.metadata
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from training.compose.errors import ComposeError
from training.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.compose.check import Proof
    from training.compose.description import Description

_PACKAGES: Final = ('ultralytics', 'timm', 'torchvision', 'onnxruntime', 'openvino')


class ProofFile:
    """A file of JSON lines: first the machine and the size of images, then a line for each proof.

    Each line is written with its end at once and reaches the disk before the next variant begins;
    a line that was cut off is left out and its variant proven again. Several processes may append.
    A run on another machine than the file was begun on adds that machine to its lines.
    Raises ComposeError for a file of another kind, or of another size of images.
    """

    def __init__(self, path: Path, *, side: int) -> None:
        self.path = path
        head = {'kind': 'compose proofs', 'side': side, 'machine': _machine()}
        try:
            with path.open('x', encoding='utf-8') as file:
                file.write(json.dumps(head) + '\n')
        except FileExistsError:
            if self.head.get('kind') != head['kind'] or self.head.get('side') != side:
                msg = (
                    f'{path} holds no proofs at {side} pixels; name another file, or the size '
                    'with which it was begun.'
                )
                raise ComposeError(msg) from None

    @property
    def head(self) -> dict[str, Any]:
        """Return what the first line says."""
        return next(read_lines(self.path), {})

    def proven(self) -> set[str]:
        """Return the titles of the variants that need not be proven again."""
        return {row['title'] for row in read_lines(self.path) if 'title' in row}

    def append(self, proof: Proof) -> None:
        """Write a proof to the disk."""
        values = asdict(proof)
        values['description'] = proof.description.as_dict()
        row = {'title': proof.description.title, **values}
        device = _machine()['device']
        if device != self.head['machine']['device']:
            row['device'] = device
        text = json.dumps({key: _rounded(value) for key, value in row.items()}) + '\n'
        with self.path.open('rb+') as file:
            file.seek(0, os.SEEK_END)
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b'\n':
                text = '\n' + text
        with self.path.open('a', encoding='utf-8') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


def left_to_do(variants: Sequence[Description], file: ProofFile) -> list[Description]:
    """Return the variants that the file does not hold yet, in order."""
    proven = file.proven()
    return [one for one in variants if one.title not in proven]


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a file of proofs."""
    with path.open(encoding='utf-8') as file:
        for line in file:
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # cut off when the run was killed
            if isinstance(row, dict):
                yield row


def _machine() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {**describe_machine('cpu'), **versions}


def _rounded(value: Any) -> Any:
    return float(f'{value:.4g}') if isinstance(value, float) else value
