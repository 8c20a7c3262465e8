# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An opened model package: every file is hashed, its facts and golden images are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel
from roof_detector.inference.package.container import read_files
from roof_detector.inference.package.golden import GoldenImage, check_golden, read_golden
from roof_detector.inference.package.manifest import (
    ARCHITECTURE,
    GOLDEN,
    INT8,
    INT8_GRAPH,
    MANIFEST,
    SIGNATURE,
    Manifest,
)
from roof_detector.inference.plain_yaml import read_plain_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.inference.backends.backend import Backend
    from roof_detector.inference.model_facts import ModelFacts
    from roof_detector.inference.options import BackendName


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelPackage:
    """The files of a package in memory, each verified against the manifest.

    `sha256` is the hash of the manifest, and by the hashes in it that of the whole package, be it
    a folder or a zip. Nothing in a package is run as a program or unpickled.
    """

    path: Path
    sha256: str
    manifest: Manifest
    golden: tuple[GoldenImage, ...]
    files: Mapping[str, bytes]

    @classmethod
    def open(cls, path: Path) -> ModelPackage:
        """Read a folder or a zip; raise BadModel if anything differs from the manifest."""
        files = read_files(path)
        try:
            manifest = Manifest.read(files[MANIFEST])
            _check_files(files, manifest)
            images = [name for name in manifest.files if name.endswith('.png')]
            golden = read_golden(files[GOLDEN], images=images, names=manifest.class_names)
        except BadModel as error:
            msg = f'{path} is refused: {error}'
            raise BadModel(msg) from error
        digest = hashlib.sha256(files[MANIFEST]).hexdigest()
        return cls(path=path, sha256=digest, manifest=manifest, golden=golden, files=files)

    @property
    def facts(self) -> ModelFacts:
        """Return the facts that every backend needs."""
        return self.manifest.facts

    @property
    def is_signed(self) -> bool:
        """Return whether the package holds a signature, valid or not."""
        return SIGNATURE in self.files

    def architecture(self) -> Any:
        """Return the content of architecture.yaml, unchecked plain values; raise BadModel."""
        return read_plain_yaml(self.files[ARCHITECTURE], name=f'{ARCHITECTURE} of {self.path}')

    def int8_graph(self, backend: BackendName) -> str | None:
        """Return the file with the graph of the INT8 model that a backend reads, None for none."""
        readable = (INT8, INT8_GRAPH) if backend == 'openvino' else (INT8,)
        return next((name for name in readable if name in self.files), None)

    def self_test(self, backend: Backend, *, int8: bool = False) -> None:
        """Run the golden images; raise BadModel if a backend's outputs differ.

        With `int8` the backend runs the INT8 model.
        """
        facts = backend.facts
        if (facts.names, facts.task) != (self.facts.names, self.facts.task):
            msg = (
                f'{self.path} fails its self-test with {backend.name}: that one runs '
                f'{facts.task} of {", ".join(facts.names[:20])}, the package is for '
                f'{self.facts.task} of {", ".join(self.facts.names[:20])}.'
            )
            raise BadModel(msg)
        check_golden(backend, self.golden, self.files, where=str(self.path), int8=int8)


def _check_files(files: Mapping[str, bytes], manifest: Manifest) -> None:
    present = set(files) - {MANIFEST, SIGNATURE}
    if missing := sorted(set(manifest.files) - present):
        msg = f'{missing[0]} is missing. Copy the package again.'
        raise BadModel(msg)
    if foreign := sorted(present - set(manifest.files)):
        msg = f'{foreign[0]} is not in its manifest.'
        raise BadModel(msg)
    for name, record in manifest.files.items():
        content = files[name]
        if len(content) != record.size or hashlib.sha256(content).hexdigest() != record.sha256:
            msg = (
                f'{name} is not the file that its manifest names (SHA-256). Copy the package '
                'again.'
            )
            raise BadModel(msg)
