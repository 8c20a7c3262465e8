# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Controls that show and set a node's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui
from rclpy.parameter import Parameter

from roof_detector.vision.thresholds import parse_class_confidence

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments

    from roof_detector.station.context import StationContext
    from roof_detector.station.detector_link import DetectorLink
    from roof_detector.station.remote_parameters import RemoteParameter

# A slider with a wider range cannot be set to a particular value by hand.
_WIDEST_SLIDER = 200


class ParameterControl:
    """The control of one parameter; a refused value is reset, and the reason is shown below."""

    def __init__(
        self,
        context: StationContext,
        detector: DetectorLink,
        parameter: RemoteParameter,
        *,
        choices: tuple[str, ...],
    ) -> None:
        self._detector = detector
        self._name = parameter.name
        with ui.column().classes('w-full gap-0').mark(f'parameter-{parameter.name}'):
            with ui.row().classes('w-full items-baseline justify-between no-wrap'):
                ui.label(parameter.name).classes('font-bold').tooltip(parameter.description)
                self._value = ui.label().classes('tabular-nums font-bold')
            self._control = _control(parameter, choices)
            self._reason = ui.label().classes('station-reason')
        event = (
            'change' if isinstance(self._control, ui.slider | ui.number) else 'update:model-value'
        )
        self._control.on(event, self._send, throttle=0.0)
        self._control.tooltip(parameter.description)

    def update(self) -> None:
        """Show the node's present value."""
        value = self._detector.parameters.value(self._name)
        plain = list(value) if isinstance(value, tuple) else value
        if isinstance(self._control, ui.slider):
            self._value.set_text(f'{plain:.2f}' if isinstance(plain, float) else str(plain))
        if plain != self._shown:
            self._shown = plain
            self._control.set_value(plain)

    _shown: Any = None

    async def _send(self, event: GenericEventArguments) -> None:
        is_slider = isinstance(self._control, ui.slider)
        value = event.args if is_slider else self._control.value
        if value is None:
            return
        if isinstance(value, list):
            value = tuple(value)
        reason = await self._detector.parameters.set(self._name, value)
        self._reason.set_text(reason)
        self._shown = None if reason else list(value) if isinstance(value, tuple) else value


class ClassThresholds:
    """The minimum confidence of each class; in brackets, the common one."""

    def __init__(
        self, context: StationContext, detector: DetectorLink, parameter: RemoteParameter
    ) -> None:
        self._detector = detector
        self._name = parameter.name
        self._sliders: dict[str, tuple[ui.slider, ui.label]] = {}
        with ui.column().classes('w-full gap-0').mark(f'parameter-{parameter.name}'):
            ui.label(parameter.name).classes('font-bold').tooltip(parameter.description)
            for label in detector.labels:
                with ui.row().classes('w-full items-center no-wrap'):
                    ui.label(label).classes('w-24 truncate')
                    slider = ui.slider(min=0, max=1, step=0.01, value=0).classes('grow')
                    shown = ui.label().classes('w-12 text-right tabular-nums')
                slider.on('change', lambda event, label=label: self._send(label, event.args))
                self._sliders[label] = slider, shown
            ui.button(context.text('common_confidence'), on_click=self._reset).props('flat dense')
            self._reason = ui.label().classes('station-reason')

    def update(self) -> None:
        """Show the node's present values."""
        own = self._own()
        common = self._detector.parameters.value('confidence', 0.0)
        for label, (slider, shown) in self._sliders.items():
            value = f'{own[label]:.2f}' if label in own else f'({common:.2f})'
            if shown.text != value:
                shown.set_text(value)
                slider.set_value(own.get(label, common))

    def _own(self) -> dict[str, float]:
        return dict(parse_class_confidence(self._detector.parameters.value(self._name, ())))

    async def _send(self, label: str, value: float) -> None:
        await self._set(self._own() | {label: float(value)})

    async def _reset(self) -> None:
        await self._set({})

    async def _set(self, own: dict[str, float]) -> None:
        entries = tuple(f'{label}:{value:.2f}' for label, value in own.items())
        reason = await self._detector.parameters.set(self._name, entries)
        self._reason.set_text(reason)
        if reason:
            for _, shown in self._sliders.values():
                shown.set_text('')  # the next update resets the slider


def _control(parameter: RemoteParameter, choices: tuple[str, ...]) -> Any:
    if parameter.type == Parameter.Type.BOOL:
        return ui.switch()
    if parameter.type == Parameter.Type.STRING_ARRAY:
        return (
            ui.select(list(choices), multiple=True, value=[], with_input=False)
            .props('use-chips dense')
            .classes('w-full')
        )
    if choices:
        return ui.select(list(choices)).classes('w-full')
    if parameter.type == Parameter.Type.STRING:
        return ui.input().classes('w-full')
    low, high = parameter.minimum, parameter.maximum
    is_whole = parameter.type == Parameter.Type.INTEGER
    if low is not None and high is not None and high - low <= _WIDEST_SLIDER:
        step = 1 if is_whole else 0.01
        return ui.slider(min=low, max=high, step=step, value=low).classes('w-full')
    return ui.number(precision=0 if is_whole else None).props('dense').classes('w-full')
