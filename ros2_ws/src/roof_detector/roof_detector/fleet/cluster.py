# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ray: on this computer by itself, where nothing listens beyond it, or a cluster that runs."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.fleet.errors import FleetError

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

_LOG = logging.getLogger(__name__)
# Pieces hand over a few kilobytes each; recordings never go through Ray's store of objects.
_OBJECT_STORE_BYTES = 128 << 20
_LOCALHOST = '127.0.0.1'
_START_S = 300  # of a loaded computer; Ray's own limit is shorter
# Read when Ray is loaded, so they are set before; what the user set is kept.
_ENVIRONMENT = {
    'RAY_USAGE_STATS_ENABLED': '0',
    'RAY_raylet_start_wait_time_s': str(_START_S),
    'RAY_task_oom_retries': '3',
    'RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO': '0',
}
# Ray then takes the loopback address for the node's, and all of its processes listen there alone.
_LOOPBACK = {'RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER': '0'}


@dataclass(frozen=True, kw_only=True)
class ClusterChoice:
    """Where to run, with how many workers, and what each of them gets.

    Without `address` Ray starts on this computer with `workers`, by default as many as its CPUs
    allow; a cluster has as many as its nodes allow. `temp` is the folder of Ray's own files.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0.0
    temp: Path | None = None

    def __post_init__(self) -> None:
        if self.cpus < 1 or self.gpus < 0 or (self.workers is not None and self.workers < 1):
            msg = (
                f'A run of {self.workers} workers with {self.cpus} CPUs and {self.gpus:g} GPUs '
                'each is impossible; give 1 worker or more, 1 CPU or more and 0 GPUs or more.'
            )
            raise FleetError(msg)

    def local_workers(self) -> int:
        """Return how many workers this computer gets."""
        return self.workers or max((os.cpu_count() or 1) // self.cpus, 1)


class RayCluster:
    """A connection to Ray, which `with` opens and closes; one at a time in a process."""

    def __init__(self, choice: ClusterChoice) -> None:
        self._choice = choice
        self.workers = choice.workers or 0

    def __enter__(self) -> Self:
        choice = self._choice
        set_environment(choice.address)
        import ray  # noqa: PLC0415

        # Ray would print what it reports on stdout, between the lines that programs read there.
        ray._private.worker.print_to_stdstream = _log_report
        options: dict[str, Any] = {'log_to_driver': False, 'logging_level': 'ERROR'}
        if choice.address is not None:
            options['address'] = choice.address
        else:
            self.workers = choice.local_workers()
            options |= {
                'num_cpus': self.workers * choice.cpus,
                'include_dashboard': False,
                'object_store_memory': _OBJECT_STORE_BYTES,
            }
            if choice.temp is not None:
                options['_temp_dir'] = str(choice.temp)
        try:
            ray.init(**options)
        except Exception as error:  # Ray raises plain exceptions, ConnectionError and others
            where = choice.address or 'this computer'
            words = ' '.join(str(error).split())[:300] or type(error).__name__
            msg = (
                f'Ray does not start on {where} ({words}). Check the address, and that "ray '
                'status" there lists the nodes; versions of Ray and Python must be the same.'
            )
            raise FleetError(msg) from error
        if choice.address is None and ray.util.get_node_ip_address() != _LOCALHOST:
            ray.shutdown()
            msg = (
                'Ray was loaded before, without what binds it to this computer alone, and would '
                'listen on all addresses. Open the RayCluster before anything imports ray.'
            )
            raise FleetError(msg)
        if choice.address is not None and not self.workers:
            cpus = int(ray.cluster_resources().get('CPU', 1))
            self.workers = max(cpus // choice.cpus, 1)
        return self

    def __exit__(self, *_: object) -> None:
        import ray  # noqa: PLC0415

        ray.shutdown()

    def task_options(self) -> dict[str, Any]:
        """Return what each task asks of the cluster, and how often it is tried again."""
        return {
            'num_cpus': self._choice.cpus,
            'num_gpus': self._choice.gpus,
            'max_retries': 3,
            'scheduling_strategy': 'SPREAD',
        }


def set_environment(address: str | None) -> None:
    """Set what Ray reads when it is loaded, for an address or for this computer alone."""
    environment = {**_ENVIRONMENT, **(_LOOPBACK if _is_local(address) else {})}
    for name, value in environment.items():
        os.environ.setdefault(name, value)


def _log_report(data: Any, ignore_prefix: Any) -> None:
    for line in data['lines']:
        _LOG.warning('Ray reports: %s', ' '.join(line.split())[:400])


def _is_local(address: str | None) -> bool:
    """Return whether Ray runs on this computer's loopback address, or is to start there."""
    return address is None or address.partition(':')[0] in (_LOCALHOST, 'localhost')
