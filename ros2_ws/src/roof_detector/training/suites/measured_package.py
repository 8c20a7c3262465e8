# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A model package written again with what a suite measured of its classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from roof_detector.inference.package.container import is_package, read_files, write_zip
from roof_detector.inference.package.manifest import MANIFEST, Manifest
from roof_detector.inference.package.scale import with_class_facts
from roof_detector.inference.shipped_weights import resolve_model
from training.evaluation.errors import EvaluationError
from training.suites.calibration_fit import fit
from training.suites.suite_facts import class_facts

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.inference.package.class_facts import ClassFacts
    from training.suites.suite_rows import SuiteResult


def write_measured(
    model: str | Path, result: SuiteResult, output: Path, *, calibrate: bool = True
) -> str:
    """Write the package of a model with the facts of a suite; return what was stated, as text.

    Without `calibrate` confidences stay what the network says. A signature is lost: it was of the
    manifest before. Raises EvaluationError for a model that is no package, InferenceError for one
    that cannot be read.
    """
    path = _package(model)
    if output.suffix != '.zip':
        msg = f'{output} does not end in .zip, as a package does.'
        raise EvaluationError(msg)
    files = read_files(path)
    facts = class_facts(result, trained_m=Manifest.read(files[MANIFEST]).metres_per_pixel)
    if not calibrate:
        facts = {name: replace(one, calibration=()) for name, one in facts.items()}
    output.parent.mkdir(parents=True, exist_ok=True)
    write_zip(output, with_class_facts(files, facts))
    lines = []
    for name, one in facts.items():
        fitted = fit(result.judged(name)) if calibrate else None
        sure = 'confidences left as they are'
        if fitted is not None:
            sure = (
                f'calibration error {fitted.before:.3f}, calibrated {fitted.after:.3f} '
                f'(one half of {fitted.detections} detections judged by the other)'
            )
        lines.append(f'{name}: {_works(one)}, {sure}')
    return '\n'.join([*lines, str(output)])


def is_calibrated(package: Path) -> bool:
    """Return whether a package corrects the confidences of any class."""
    facts = Manifest.read(read_files(package)[MANIFEST]).classes
    return any(one.calibration for one in facts.values())


def state_recall(package: Path, result: SuiteResult) -> str:
    """Put what a suite found with calibrated confidences into a package; return it as text.

    A threshold flies on calibrated confidences: working range and recall are what it lets through.
    """
    files = read_files(package)
    manifest = Manifest.read(files[MANIFEST])
    facts = dict(manifest.classes)
    for name, one in class_facts(result, trained_m=manifest.metres_per_pixel).items():
        facts[name] = replace(one, calibration=facts[name].calibration if name in facts else ())
    write_zip(package, with_class_facts(files, facts))
    return '\n'.join(f'{name}: {_works(one)} as it flies' for name, one in facts.items())


def _works(facts: ClassFacts) -> str:
    scale = facts.metres_per_pixel
    return f'works from {scale[0]:g} to {scale[1]:g} m/pixel' if scale else 'no working range'


def _package(model: str | Path) -> Path:
    path = resolve_model(str(model))
    if not is_package(path):
        msg = f'{path} is no model package: roof_detector models import or ship makes one of it.'
        raise EvaluationError(msg)
    return path
