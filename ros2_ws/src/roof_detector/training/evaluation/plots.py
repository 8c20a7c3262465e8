# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The plots of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from roof_detector.vision.palette import class_colours
from training.evaluation.confusion import BACKGROUND, Confusion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    from training.evaluation.calibration import Calibration
    from training.evaluation.confidence_curve import ConfidenceCurve
    from training.evaluation.evaluation import Evaluation

_TOGETHER = 'all classes'
_INK, _GREY = '#222222', '#999999'
_RIGHT, _WRONG = np.array([0.03, 0.32, 0.61]), np.array([0.84, 0.37, 0.0])
_DARKER = 0.85  # the palette is made for images; on white paper its yellow needs more contrast

Floats = npt.NDArray[np.float64]


def plot_curves(evaluation: Evaluation, path: Path) -> None:
    """Draw precision over recall, F1, precision and recall over confidence, and calibration."""
    lines = {name: one.curve for name, one in evaluation.per_class.items() if one.instances}
    labels = {name: f'{name} (AP50 {evaluation.per_class[name].ap50 or 0:.3f})' for name in lines}
    together = evaluation.boxes.together.curve
    if len(lines) != 1:
        lines[_TOGETHER] = together
    figure = _figure((11, 9))
    axes = figure.subplots(2, 2)
    colours = _colours(evaluation.names)
    _plot_precision_recall(axes[0, 0], lines, labels, colours)
    _plot_f1(axes[0, 1], lines, colours)
    _plot_default(axes[1, 0], together, evaluation.options.confidence)
    _plot_calibration(axes[1, 1], evaluation.calibration)
    width, height = evaluation.model.image_size
    figure.suptitle(
        f'{evaluation.model.path.name} at {width}x{height}: {len(evaluation.images)} images, '
        f'{evaluation.instances} objects, IoU 0.5'
    )
    figure.savefig(path, dpi=120)


def plot_comparison(evaluations: Mapping[str, Evaluation], path: Path) -> None:
    """Draw precision over recall and F1 over confidence of several models, over all classes."""
    figure = _figure((11, 5))
    axes = figure.subplots(1, 2)
    lines = {label: one.boxes.together.curve for label, one in evaluations.items()}
    labels = {label: f'{label} (mAP50 {one.map50 or 0:.3f})' for label, one in evaluations.items()}
    colours = _colours(tuple(lines))
    _plot_precision_recall(axes[0], lines, labels, colours)
    _plot_f1(axes[1], lines, colours)
    figure.savefig(path, dpi=120)


def plot_confusion(confusion: Confusion, path: Path, *, confidence: float) -> None:
    """Draw the counts, blue where right and orange where wrong, by their share of the row."""
    names = [*confusion.names, BACKGROUND]
    side = 2.8 + 0.75 * len(names)
    figure = _figure((side, side))
    axes = figure.subplots()
    shares = confusion.counts / np.maximum(confusion.counts.sum(axis=1, keepdims=True), 1)
    hue = np.where(np.eye(len(names), dtype=bool)[..., None], _RIGHT, _WRONG)
    axes.imshow(1 - shares[..., None] * (1 - hue))
    nothing = (len(names) - 1, len(names) - 1)
    for (row, column), count in np.ndenumerate(confusion.counts):
        text = '' if (row, column) == nothing else f'{count}'
        ink = 'white' if shares[row, column] > 0.55 else _INK
        axes.text(column, row, text, ha='center', va='center', color=ink, fontsize=12)
    title = f'At confidence {confidence:g}, IoU 0.5'
    axes.set(xlabel='found as', ylabel='is', title=title)
    axes.set_xticks(range(len(names)), names, rotation=35, ha='right')
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.grid(which='minor', color=_GREY, linewidth=0.5)
    axes.tick_params(which='minor', length=0)
    figure.savefig(path, dpi=120)


def _plot_precision_recall(
    axes: Axes,
    lines: Mapping[str, ConfidenceCurve],
    labels: Mapping[str, str],
    colours: Mapping[str, str],
) -> None:
    """Draw the best precision at or above each recall: average precision is the area below."""
    for name, curve in lines.items():
        if not len(curve.scores):
            continue
        best = np.maximum.accumulate(curve.precision[::-1])[::-1]
        recall = np.concatenate(([0.0], curve.recall, curve.recall[-1:]))
        precision = np.concatenate((best[:1], best, [0.0]))
        colour, width = _style(name, colours)
        axes.step(recall, precision, where='pre', label=labels.get(name, name),
                  color=colour, linewidth=width)  # fmt: skip
    _finish(axes, 'Precision over recall', ('recall', 'best precision from here'), 'lower left')


def _plot_f1(axes: Axes, lines: Mapping[str, ConfidenceCurve], colours: Mapping[str, str]) -> None:
    for name, curve in lines.items():
        colour, width = _style(name, colours)
        best = curve.best()
        label = f'{name}: {best.f1:.2f} at {best.confidence:.2f}' if best else name
        confidences, f1 = _over_confidence(curve, curve.f1)
        axes.step(
            np.append(confidences, confidences[-1]), np.append(f1, 0.0), where='pre',
            color=colour, linewidth=width, label=label,
        )  # fmt: skip
        if best:
            axes.plot(best.confidence, best.f1, 'o', color=colour)
    _finish(axes, 'F1 over confidence, and its best', ('confidence', 'F1'), 'lower center')


def _plot_default(axes: Axes, curve: ConfidenceCurve, confidence: float) -> None:
    for title, values, colour in (
        ('precision', curve.precision, '#0072b2'), ('recall', curve.recall, '#d55e00'),
    ):  # fmt: skip
        axes.step(*_over_confidence(curve, values), where='pre', label=title, color=colour)
    axes.axvline(confidence, color=_INK, linestyle=':', label=f'flown: {confidence:g}')
    _finish(axes, 'All classes over confidence', ('confidence', ''), 'lower center')


def _plot_calibration(axes: Axes, calibration: Calibration) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle='--', label='as sure as right')
    axes.bar(
        calibration.scores, calibration.precisions, width=0.06, color='#56b4e9', edgecolor=_INK
    )
    for x, y, count in zip(
        calibration.scores, calibration.precisions, calibration.counts, strict=True
    ):
        axes.annotate(f'{count}', (x, y), xytext=(0, 3), textcoords='offset points', ha='center')
    error = '' if calibration.error is None else f', mean gap {calibration.error:.2f}'
    labels = 'mean score of a tenth, number above', 'part that is right'
    _finish(axes, f'Calibration{error}', labels, 'upper left')


def _over_confidence(curve: ConfidenceCurve, values: Floats) -> tuple[Floats, Floats]:
    """Return ascending confidences and the value that holds up to each."""
    if not len(curve.scores):
        return np.array([0.0, 1.0]), np.zeros(2)
    rising, own = curve.scores[::-1], values[::-1]
    return np.concatenate(([0.0], rising)), np.concatenate((own[:1], own))


def _finish(axes: Axes, title: str, labels: tuple[str, str], legend: str) -> None:
    axes.set(title=title, xlabel=labels[0], ylabel=labels[1], xlim=(-0.01, 1.01), ylim=(0, 1.06))
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc=legend, fontsize='small')  # type: ignore[call-overload]


def _style(name: str, colours: Mapping[str, str]) -> tuple[str, float]:
    """Return colour and width of a line."""
    return (_INK, 2.4) if name == _TOGETHER else (colours[name], 1.7)


def _colours(names: tuple[str, ...]) -> dict[str, str]:
    return {
        name: '#' + ''.join(f'{round(channel * _DARKER):02x}' for channel in reversed(bgr))
        for name, bgr in zip(names, class_colours(names), strict=True)
    }


def _figure(size: tuple[float, float]) -> Figure:
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    return figure
