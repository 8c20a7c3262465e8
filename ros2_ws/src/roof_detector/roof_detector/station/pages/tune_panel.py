# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The panel of the detector's live parameters, each with a control that fits its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from roof_detector.station.pages.parameter_control import ClassThresholds, ParameterControl
from roof_detector.station.parameter_file import parameter_file

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext
    from roof_detector.station.detector_link import DetectorLink

_CLASSES, _CLASS_CONFIDENCE = 'classes', 'class_confidence'


def build(context: StationContext) -> None:
    """Build the controls as soon as the node's parameters are known."""
    text = context.text
    shown: list[ParameterControl | ClassThresholds] = []
    built: list[object] = [None]

    def save() -> None:
        detector = context.bridge.detector('')
        if detector is not None:
            ui.download.content(parameter_file(detector.parameters.all), 'detector.yaml')

    with ui.row().classes('w-full items-center no-wrap'):
        ui.label(text('tune')).classes('station-heading grow')
        ui.button(text('save_parameters'), icon='save', on_click=save).props('flat dense')
    container = ui.column().classes('w-full gap-2')
    with container:
        ui.label(text('no_detector'))

    def update() -> None:
        detector = context.bridge.detector('')
        if detector is None or not detector.parameters.all:
            return
        version = (detector.name, detector.labels, len(detector.parameters.all))
        if built[0] != version:
            built[0] = version
            container.clear()
            with container:
                shown[:] = _controls(context, detector)
        for control in shown:
            control.update()

    ui.timer(0.5, update)


def _controls(
    context: StationContext, detector: DetectorLink
) -> list[ParameterControl | ClassThresholds]:
    controls: list[ParameterControl | ClassThresholds] = []
    for parameter in detector.parameters.all:
        if parameter.read_only or parameter.name in ('use_sim_time', 'model'):
            continue
        if parameter.name == _CLASS_CONFIDENCE and detector.labels:
            controls.append(ClassThresholds(context, detector, parameter))
        else:
            choices = detector.labels if parameter.name == _CLASSES else parameter.choices
            controls.append(ParameterControl(context, detector, parameter, choices=choices))
    return controls
