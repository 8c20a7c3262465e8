# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which file the folder of an inspection names."""

from __future__ import annotations

import pytest

from roof_detector.cli.main import main
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_path import inspection_path, inspections_in
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.history.recorded_inspection import inspection_files


@pytest.fixture
def folder(tmp_path):
    """Return a folder with what an inspector left of three flights, and a copy of one."""
    for name in ('inspection', 'inspection_2', 'inspection_10', 'inspection_old'):
        InspectionStore(tmp_path / f'{name}.gpkg').close()
    return tmp_path


def test_the_flights_of_a_folder_come_in_their_order(folder):
    names = [path.name for path in inspections_in(folder)]
    assert names == ['inspection.gpkg', 'inspection_2.gpkg', 'inspection_10.gpkg']
    assert inspection_files([folder]) == inspections_in(folder)


def test_a_folder_of_one_inspection_names_it_whatever_its_number(folder):
    for name in ('inspection', 'inspection_2'):
        (folder / f'{name}.gpkg').unlink()
    assert inspection_path(folder) == folder / 'inspection_10.gpkg'
    assert inspection_path(folder / 'inspection_old.gpkg') == folder / 'inspection_old.gpkg'


@pytest.mark.parametrize(
    'command',
    [
        ['report', '{folder}'],
        ['decide', '{folder}', '1', 'confirm'],
        ['changes', '{folder}', '{folder}/inspection.gpkg'],
        ['changes', '{folder}/inspection.gpkg', '{folder}'],
    ],
)
def test_a_folder_of_several_is_not_taken_for_its_first(folder, command, capsys):
    with pytest.raises(SystemExit, match='1'):
        main([word.format(folder=folder) for word in command])
    said = capsys.readouterr().err
    assert f'{folder} holds 3 inspections (inspection.gpkg, inspection_2.gpkg,' in said
    assert 'name one of these files' in said


def test_a_folder_without_an_inspection_and_a_file_that_is_gone_are_named(tmp_path):
    for missing, path in [
        (tmp_path / 'inspection.gpkg', tmp_path),
        (tmp_path / 'gone', tmp_path / 'gone'),
    ]:
        with pytest.raises(FindingsError, match=f'{missing} does not exist; name the folder'):
            inspection_path(path)
