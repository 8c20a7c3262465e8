# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The station node: serves the page of the ground station."""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rclpy
from nicegui import app, ui
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from roof_detector.bags.disk import RECORDER_FLOOR_BYTES
from roof_detector.ros.common.errors import RosError
from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.station.access_middleware import AccessMiddleware
from roof_detector.station.bind_address import BindAddress
from roof_detector.station.connection_table import ConnectionTable, allowed_connections
from roof_detector.station.context import StationContext
from roof_detector.station.disk_budget import DiskBudget
from roof_detector.station.download_routes import add_download_routes
from roof_detector.station.errors import StationError
from roof_detector.station.flight_store import FlightStore
from roof_detector.station.folders import StationFolders
from roof_detector.station.image_routes import add_image_routes
from roof_detector.station.jobs.job_queue import JobQueue
from roof_detector.station.language import Language
from roof_detector.station.limited_http import MAX_MESSAGE_BYTES, protocol_factory
from roof_detector.station.load_route import add_load_route
from roof_detector.station.model_store import ModelStore
from roof_detector.station.page_limits import PageBuilder, harden_pages
from roof_detector.station.page_watch import PageWatch
from roof_detector.station.pages import shell
from roof_detector.station.refusal_log import RefusalLog
from roof_detector.station.review.inspection_catalog import InspectionCatalog
from roof_detector.station.review.received_inspections import ReceivedInspections
from roof_detector.station.review.review_boards import ReviewBoards
from roof_detector.station.review.review_routes import add_review_routes
from roof_detector.station.ros_bridge import RosBridge
from roof_detector.station.station_parameters import STATION_TABLE, station_branding
from roof_detector.station.station_token import station_token
from roof_detector.station.upload_routes import add_upload_routes
from roof_detector.station.uploads import Uploads
from roof_detector.supervision.watchdog import EXIT_DEAD_PART, WATCHDOG

if TYPE_CHECKING:
    from fastapi import Response
    from rclpy.node import Node

_STATIC = Path(__file__).parent / 'static'


def serve(node: Node) -> None:
    """Serve the page until the process is interrupted; raise StationError if it cannot."""
    values = STATION_TABLE.declare(node)
    address = BindAddress(values['host'], values['port'], station_token(values['token_file']))
    bridge = RosBridge(node)
    folders = StationFolders.make(values['folder'])
    limit_bytes = values['upload_limit_mb'] * 1_000_000
    disk = DiskBudget(folders.root, recorder_floor_bytes=lambda: _recorder_floor(bridge))
    text = Language(values['language'])
    flights = FlightStore(lambda: _flights_folder(bridge, folders))
    catalog = InspectionCatalog(
        {
            'inspections': lambda: folders.inspections,
            'results': lambda: folders.results,
            'flights': lambda: flights.folder,
            'received': lambda: folders.received,
        },
        image_roots=lambda: (
            *(folders.root, flights.folder),
            *(Path(one).expanduser() for one in values['image_folders']),
        ),
    )
    context = StationContext(
        branding=station_branding(values),
        text=text,
        bridge=bridge,
        folders=folders,
        queue=JobQueue(folders, disk=disk),
        models=ModelStore(folders, limit_bytes=limit_bytes, disk=disk),
        flights=flights,
        boards=ReviewBoards(catalog, text=text, live=bridge.live_frames),
        upload_limit_bytes=limit_bytes,
        jpeg_quality=values['jpeg_quality'],
        video_width=values['video_width'],
    )
    app.add_static_files('/station', _STATIC)
    add_image_routes(app, bridge)
    log = RefusalLog()
    harden_pages(log)
    table = ConnectionTable(log, most=allowed_connections())
    add_review_routes(app, context.boards)
    add_load_route(app, bridge, table=table, log=log)
    _add_file_routes(context, disk)
    _add_images(context)
    guard = partial(
        AccessMiddleware,
        address=address,
        upload_limit_bytes=context.upload_limit_bytes,
        log=log,
        text=context.text,
    )
    node.get_logger().info(f'The page is at http://{address.host}:{address.port}/')
    with bridge:
        _run(context, address, http=protocol_factory(table, log, guard), log=log)


def _run(context: StationContext, address: BindAddress, *, http: Any, log: RefusalLog) -> None:
    options: dict[str, Any] = {
        'timeout_graceful_shutdown': 2,
        'http': http,
        # TCP retries a connection that does not fit into the backlog only after 1, 3 and 7 s.
        'backlog': 1024,
        'ws_max_size': MAX_MESSAGE_BYTES,
        # A compressed message of a kilobyte could expand to a megabyte.
        'ws_per_message_deflate': False,
        'access_log': False,
        # The connection identifies the peer, not a header.
        'proxy_headers': False,
        'server_header': False,
    }
    builder = PageBuilder(lambda tab: shell.build(context, tab), log)

    @ui.page('/')
    def page(tab: str = '') -> Response | None:
        return builder(tab)

    ui.run(
        host=address.host,
        port=address.port,
        title=context.branding.title or context.text('title'),
        language='zh-CN' if context.text.code == 'zh' else 'en-US',
        dark=context.branding.dark,
        favicon='🏠',
        reload=False,
        show=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
        **options,
    )


def _add_file_routes(context: StationContext, disk: DiskBudget) -> None:
    uploads = Uploads(context.folders, limit_bytes=context.upload_limit_bytes, disk=disk)
    queue = context.queue
    received = ReceivedInspections(
        context.folders, limit_bytes=context.upload_limit_bytes, disk=disk
    )
    add_upload_routes(
        app,
        uploads=uploads,
        queue=queue,
        models=context.models,
        received=received,
        text=context.text,
    )
    add_download_routes(app, folders=context.folders, queue=queue, flights=context.flights)
    watch = PageWatch(queue)
    app.on_startup(queue.start)
    app.on_startup(watch.start)
    app.on_shutdown(watch.stop)
    app.on_shutdown(queue.close)


def _recorder_floor(bridge: RosBridge) -> int:
    """Return the recorder's min_free_gb in bytes, or its default."""
    recorder = bridge.recorder
    floor_gb = None if recorder is None else recorder.parameters.value('min_free_gb')
    if isinstance(floor_gb, float) and math.isfinite(floor_gb):
        return round(floor_gb * 1e9)
    return RECORDER_FLOOR_BYTES


def _flights_folder(bridge: RosBridge, folders: StationFolders) -> Path:
    """Return the recorder's folder if it is on this computer, else the default."""
    recorder = bridge.recorder
    named = '' if recorder is None else recorder.parameters.value('output_directory', '')
    folder = Path(named).expanduser()
    return folder if named and folder.is_dir() else folders.flights


def _add_images(context: StationContext) -> None:
    for name in ('logo', 'background'):
        path = context.branding.path(name)
        if path is not None:
            app.add_static_file(local_file=path, url_path=f'/{name}')


def run_station(arguments: list[str] | None = None) -> int:
    """Serve the page until SIGINT or SIGTERM and return the process's exit code."""
    # uvicorn shuts down on these signals and then raises them again for the previous handler.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node('station')
    log_handler = RosLogHandler.install(node)
    try:
        # uvicorn shuts down in order on this signal.
        with WATCHDOG.guarding(lambda: os.kill(os.getpid(), signal.SIGTERM)) as guard:
            with suppress(KeyboardInterrupt):
                serve(node)
            return EXIT_DEAD_PART if guard.is_asked else 0
    except (StationError, RosError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - as every node that does not start
        return 1
    finally:
        log_handler.close()
        node.destroy_node()
        try_shutdown()


def main() -> None:
    """Run the ground station until it is interrupted."""
    sys.exit(run_station())


if __name__ == '__main__':
    main()
