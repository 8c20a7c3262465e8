# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Stores with inspections of simulated roofs, as `fleet run` leaves them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest

from roof_detector.findings.decisions import Decision, DecisionKind
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import Register
from roof_detector.fleet.fleet_store import FleetStore
from roof_detector.fleet.publishing import FLIGHT_MARK, INSPECTIONS
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

ROOF = Path(__file__).parents[1] / 'findings' / 'conftest.py'
DAY_NS = 86_400 * 10**9
GRID = [(x, y) for x in range(-4, 5, 2) for y in (-1.5, 1.0)]


@pytest.fixture(scope='session')
def roof():
    spec = importlib.util.spec_from_file_location('roof_of_findings_for_fleets', ROOF)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Roof


class FlownStore:
    """A store on this computer's disk, to which flights over simulated roofs are added."""

    def __init__(self, folder, roof):
        self.store = FleetStore.create(folder)
        self.folder, self.roof = folder, roof

    def fly(self, name, positions=GRID, *, day=0, origin=(47.0, 8.0), side_m=0.6, **mark):
        """Add the inspection of a flight, so many days after 2023-11-14."""
        roof = type('MovedRoof', (self.roof,), {'ORIGIN': LocalTangentPlane(*origin, 400.0)})
        roof.BEGIN_NS = self.roof.BEGIN_NS + day * DAY_NS
        folder = self.folder / INSPECTIONS / name
        folder.mkdir(parents=True, exist_ok=True)
        register, scene = Register(roof.NAMES, origin=roof.ORIGIN), roof(positions, side_m=side_m)
        random = np.random.default_rng(day)
        with (
            InspectionStore(folder / 'inspection.gpkg') as store,
            store.run(roof.ORIGIN) as run,
        ):
            for index, east in enumerate(np.linspace(-6, 6, 24)):
                sightings, _ = scene.sightings((east, 0), index, flight=name, noise=random)
                run.add_frame(sightings, register.add(sightings), roof.NAMES)
            result = register.finish()
            run.finish(result.findings, result.numbers, result.events, {'model': 'tiny'})
        values = {'flight_id': name, 'name': name, 'key': f'key of {name}', 'frames': 24, **mark}
        (folder / FLIGHT_MARK).write_text(json.dumps(values))
        return folder / 'inspection.gpkg'


@pytest.fixture
def flown(tmp_path, roof):
    return FlownStore(tmp_path / 'store', roof)


@pytest.fixture
def reject_first():
    """Return a call with which a person rejects the first finding of an inspection."""

    def reject(path):
        with InspectionStore(path) as store:
            finding = store.findings()[0]
            store.decide(
                Decision(
                    kind=DecisionKind.REJECT,
                    uuid=finding.uuid,
                    who='A. B.',
                    made_at='2024-01-02T03:04:05Z',
                    class_name=finding.class_name,
                )
            )

    return reject


@pytest.fixture
def contents():
    """Return a call that gives the bytes of every data file of a store by its path."""

    def read(folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob('*.parquet'))
        }

    return read


@pytest.fixture(scope='module')
def bucket():
    """Return the empty bucket `fleet` of an S3 server on this computer's loopback address."""
    from moto.server import ThreadedMotoServer

    from roof_detector.fleet.store_files import StoreFiles

    server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        host, port = server.get_host_and_port()
        url = f'http://{host}:{port}'
        for name, value in {
            'AWS_ENDPOINT_URL': url,
            'AWS_ACCESS_KEY_ID': 'test',
            'AWS_SECRET_ACCESS_KEY': 'test',
            'AWS_DEFAULT_REGION': 'us-east-1',
        }.items():
            patch.setenv(name, value)
        files = StoreFiles('s3://fleet')
        files.filesystem.mkdir('fleet')
        yield files
        files.filesystem.clear_instance_cache()
        # What it holds belongs to the process, and would be there for the next server.
        urlopen(Request(f'{url}/moto-api/reset', method='POST')).close()
    server.stop()
