# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A suite: which image sets a model is measured on, and how they are shown to it."""

from __future__ import annotations

import fnmatch
import math
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from training.evaluation.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ('train', 'validate', 'evaluate')
SUITES = Path(__file__).parent
STRIDE = 32  # of every network's coarsest level here
WHOLE, TILES = 'whole', 'tiles'
Shown = str | int


@dataclass(frozen=True, kw_only=True)
class SuiteSet:
    """A set of images of one kind: where it lies, what is labelled in it, what it may be used for.

    `names` are the labelled classes in the order of their ids, `absent` those of which there is
    none in any image. `role` is train, validate (choose models, fit confidences) or evaluate.
    `files` are patterns of file names, all without any. `shown` are WHOLE, TILES or sides of the
    network's input; models are judged by the first. `metres_per_pixel` is that of the files,
    `metres_per_pixel_of` replaces it by pattern, None where nobody knows it. A `region` (left,
    top, right, bottom in shares) of one large image is cut into windows of `window_px`.
    """

    name: str
    role: str
    images: str
    source: str
    commit: str
    licence: str
    about: str = ''
    labels: str = ''
    names: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = (WHOLE,)
    metres_per_pixel: float | None = None
    metres_per_pixel_of: Mapping[str, float] = field(default_factory=dict)
    scale_from: str = ''
    region: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)
    window_px: int = 0

    def __post_init__(self) -> None:
        for one in ('names', 'absent', 'files', 'shown', 'region'):
            value = getattr(self, one)
            if isinstance(value, str) or not isinstance(value, list | tuple):
                msg = f'The set {self.name} has {value!r} as {one}, expected a list.'
                raise EvaluationError(msg)
            object.__setattr__(self, one, tuple(value))
        if self.role not in ROLES:
            msg = f'The set {self.name} has the role {self.role!r}, expected {", ".join(ROLES)}.'
            raise EvaluationError(msg)
        if not (self.names or self.absent):
            msg = f'The set {self.name} says of no class what is in it: give names or absent.'
            raise EvaluationError(msg)
        if both := sorted(set(self.names) & set(self.absent)):
            msg = f'The set {self.name} has {", ".join(both)} both labelled and absent.'
            raise EvaluationError(msg)
        for shown in self.shown:
            is_side = isinstance(shown, int) and shown >= STRIDE and shown % STRIDE == 0
            if not is_side and shown not in {WHOLE, TILES}:
                msg = (
                    f'The set {self.name} is shown {shown!r}, expected {WHOLE}, {TILES} or the '
                    f"side of the network's input, a multiple of {STRIDE} pixels."
                )
                raise EvaluationError(msg)
        scales = [self.metres_per_pixel, *self.metres_per_pixel_of.values()]
        if any(one is not None and not (math.isfinite(one) and one > 0) for one in scales):
            msg = f'The set {self.name} has {scales} as metres per pixel, expected more than 0.'
            raise EvaluationError(msg)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return all classes that something is known of: those labelled come first."""
        return (*self.names, *self.absent)

    def takes(self, file_name: str) -> bool:
        """Return whether a file of the folder belongs to the set."""
        return not self.files or any(fnmatch.fnmatch(file_name, one) for one in self.files)

    def scale_of(self, file_name: str) -> float | None:
        """Return the metres per pixel of a file."""
        for pattern, value in self.metres_per_pixel_of.items():
            if fnmatch.fnmatch(file_name, pattern):
                return value
        return self.metres_per_pixel


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A titled list of sets, from a file."""

    title: str
    path: Path
    sets: tuple[SuiteSet, ...]


def read_suite(path: str | Path) -> Suite:
    """Read a suite's file, or one of the project's by its name; raise EvaluationError."""
    file = Path(path)
    if not file.exists() and (SUITES / file.name).is_file():
        file = SUITES / file.name
    try:
        values = yaml.safe_load(file.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        known = ', '.join(sorted(one.name for one in SUITES.glob('*.yaml')))
        msg = f'{file} cannot be read as a suite: {error}. Give a YAML file, or one of: {known}.'
        raise EvaluationError(msg) from error
    sets = values.get('sets') if isinstance(values, dict) else None
    if not isinstance(sets, dict) or not sets:
        msg = f'{file} holds no sets, expected a key `sets` with one entry for each.'
        raise EvaluationError(msg)
    return Suite(
        title=str(values.get('title', file.stem)),
        path=file,
        sets=tuple(_read_set(str(name), one, file) for name, one in sets.items()),
    )


def _read_set(name: str, values: Any, file: Path) -> SuiteSet:
    known = {one.name: one for one in fields(SuiteSet) if one.name != 'name'}
    if not isinstance(values, dict):
        msg = f'{file}: the set {name} holds {type(values).__name__}, expected its keys.'
        raise EvaluationError(msg)
    if unknown := sorted(set(map(str, values)) - set(known)):
        msg = (
            f'{file}: the set {name} has the unknown keys {", ".join(unknown)}, expected '
            f'{", ".join(known)}.'
        )
        raise EvaluationError(msg)
    required = [
        key
        for key, one in known.items()
        if one.default is MISSING and one.default_factory is MISSING and key not in values
    ]
    if required:
        msg = f'{file}: the set {name} lacks {", ".join(required)}.'
        raise EvaluationError(msg)
    texts = {key: str(values[key]) for key in ('commit', 'source', 'licence')}
    return SuiteSet(name=name, **{**values, **texts})
