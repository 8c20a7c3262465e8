# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from training.dataset import DatasetError, check
from training.dataset import archive as archive_module
from training.dataset.archive import opened


@pytest.fixture
def archive(tmp_path):
    def write(entries, *, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / 'export.zip'
        with zipfile.ZipFile(path, 'w', compression) as packed:
            for name, content in entries:
                packed.writestr(name, content)
        return path

    return write


def test_an_empty_zip_is_an_empty_folder(archive):
    with opened(archive([])) as folder:
        assert list(folder.iterdir()) == []


def test_a_zip_is_a_folder_while_it_is_open_and_gone_afterwards(archive):
    with opened(archive([('a/b.txt', 'text'), ('c.txt', '')])) as folder:
        assert (folder / 'a/b.txt').read_text() == 'text'
    assert not folder.exists()


@pytest.mark.parametrize(
    'name',
    ['../out.txt', 'a/../../out.txt', '/tmp/out.txt', 'C:/out.txt', 'a\\..\\out.txt'],
)
def test_a_name_that_reaches_out_is_refused_before_anything_is_written(archive, tmp_path, name):
    path = archive([('fine.txt', 'x'), (name, 'evil')])
    with pytest.raises(DatasetError, match='outside its folder'), opened(path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ['export.zip']
    assert [fault.kind for fault in check(path).faults] == ['unreadable']


def test_a_link_is_refused(archive):
    link = zipfile.ZipInfo('link')
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DatasetError, match='holds a link'), opened(archive([(link, '/etc')])):
        pass


def test_a_bomb_is_refused(archive, monkeypatch):
    monkeypatch.setattr(archive_module, 'RATIO_FREE_BYTES', 2**20)
    path = archive([('zeros.bin', bytes(4 * 2**20))])
    with pytest.raises(DatasetError, match='zip bomb'), opened(path):
        pass


def test_too_many_bytes_or_files_are_refused(archive):
    path = archive([('a', b'12345'), ('b', b'12345')])
    with pytest.raises(DatasetError, match='more than 9 bytes'), opened(path, most_bytes=9):
        pass
    with pytest.raises(DatasetError, match='at most 1 are read'), opened(path, most_files=1):
        pass
    with opened(path, most_bytes=10, most_files=2) as folder:
        assert (folder / 'b').read_bytes() == b'12345'


def test_a_header_that_lies_about_sizes_does_not_help(archive, monkeypatch):
    path = archive([('a', bytes(5000))], compression=zipfile.ZIP_STORED)
    monkeypatch.setattr(archive_module, '_CHUNK', 1000)
    raw = path.read_bytes()
    # The size after unpacking, in the central directory and in the local header.
    path.write_bytes(raw.replace((5000).to_bytes(4, 'little') * 2, b'\x88\x13\0\0\x01\0\0\0'))
    with pytest.raises(DatasetError), opened(path, most_bytes=100):
        pass


def test_one_name_twice_is_refused(archive):
    with pytest.warns(UserWarning, match='Duplicate'):
        path = archive([('a.txt', '1'), ('a.txt', '2')])
    with pytest.raises(DatasetError, match='twice'), opened(path):
        pass


@pytest.mark.parametrize('keep', [0.5, 0.99])
def test_a_zip_cut_short_is_refused(archive, keep):
    path = archive([('a.txt', 'text' * 1000)])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DatasetError, match='not a whole zip'), opened(path):
        pass


def test_a_damaged_entry_is_refused(archive):
    path = archive([('a.txt', b'x' * 1000)], compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b'xxxx', b'yxxx', 1))
    with pytest.raises(DatasetError, match='not a whole zip'), opened(path):
        pass


def test_a_zip_cannot_name_images_of_this_machine(archive, make, tmp_path):
    outside = make.write_image(tmp_path / 'private/secret.png', 0).parent
    yaml = f'train: {outside}\nval: {outside}/../private\nnames: [a]\n'
    report = check(archive([('data.yaml', yaml), ('labels/a.txt', '')]))
    assert 'outside' in {fault.kind for fault in report.faults}


def test_a_folder_is_used_as_it_is(tmp_path):
    with opened(tmp_path) as folder:
        assert folder == tmp_path
    assert Path(folder).exists()
