# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The panel with live video, detections and diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from roof_detector.station.pages import diagnostics_card, flight_card, plots_card

if TYPE_CHECKING:
    from roof_detector.station.camera_link import CameraLink
    from roof_detector.station.context import StationContext

_WIDTHS = (480, 640, 960, 1280, 1920, 0)


class ChosenCamera:
    """The camera that a page shows; the first one until another is selected."""

    def __init__(self, context: StationContext) -> None:
        self._context = context
        self.name = ''

    @property
    def link(self) -> CameraLink | None:
        """Return the camera; None if there is none."""
        return self._context.bridge.camera(self.name)


def build(context: StationContext) -> None:
    """Build the panel in the present container."""
    chosen = ChosenCamera(context)
    with ui.element('div').classes('grid grid-cols-1 xl:grid-cols-3 gap-3 w-full'):
        with ui.column().classes('xl:col-span-2 w-full'):
            _build_video(context, chosen)
            flight_card.build(context, lambda: chosen.link)
        with ui.column().classes('w-full'):
            flight_card.build_current(context, lambda: chosen.link)
            diagnostics_card.build(context)
            plots_card.build(context, lambda: chosen.link)


def _build_video(context: StationContext, chosen: ChosenCamera) -> None:
    text = context.text
    video = ui.element('live-video').props(
        f'camera="" width={context.video_width} quality={context.jpeg_quality}'
    )
    video.props['waiting'] = text('waiting_for_video')
    widths = {width: f'{width} px' if width else text('full_size') for width in _WIDTHS}
    widths.setdefault(context.video_width, f'{context.video_width} px')
    with ui.element('div').classes('video-controls'):
        cameras = ui.select([], label=text('camera'))
        ui.select(
            widths,
            value=context.video_width,
            label=text('video_width'),
            on_change=lambda event: video.props(f'width={event.value}'),
        )
        with ui.column().classes('gap-0'):
            ui.label(text('video_quality')).classes('station-label')
            ui.slider(
                min=10,
                max=95,
                step=5,
                value=context.jpeg_quality,
                on_change=lambda event: video.props(f'quality={event.value}'),
            ).props('label')

    def choose(name: str | None) -> None:
        chosen.name = name or ''
        update()

    def update() -> None:
        names = [camera.name for camera in context.bridge.cameras]
        if cameras.options != names:
            cameras.set_options(names, value=chosen.name or (names[0] if names else None))
        link = chosen.link
        name = '' if link is None else link.name
        if video.props.get('camera') != name:
            video.props['camera'] = name

    cameras.on_value_change(lambda event: choose(event.value))
    ui.timer(0.5, update)
