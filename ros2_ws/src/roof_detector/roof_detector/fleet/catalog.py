# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The catalog of a fleet: which flights lie in a folder or an object store."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.store_files import StoreFiles
from roof_detector.inputs.card import RESULTS_MARK, VIDEO_SUFFIXES
from roof_detector.inputs.file_kind import COMPANION_SUFFIXES, UNFINISHED_SUFFIXES
from roof_detector.inputs.image_decoding import IMAGE_SUFFIXES
from roof_detector.inputs.image_files import natural_key
from roof_detector.inputs.open_input import BAG_SUFFIXES
from roof_detector.inputs.raster_kinds import RASTER_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_CARD = 'DCIM'
_STORE_MARK = 'fleet.json'
_BAG_FILE = 'metadata.yaml'
# What uploaders call a file that is not whole yet, besides what cameras and browsers do.
_UPLOADING = (*UNFINISHED_SUFFIXES, '.filepart', '.partial', '.upload', '.uploading')


@dataclass(frozen=True, order=True)
class CatalogFile:
    """A file by its path below the folder of its input, with its size and what tells a change.

    `version` is the time of its last change, or the tag that an object store gives it.
    """

    name: str
    size_bytes: int
    version: str


@dataclass(frozen=True, kw_only=True)
class CatalogInput:
    """A folder, or a file with those that belong to it, as `roof_detector inspect` takes them.

    `folder` is the address of the folder that `files` lie below, and `name` the file of it that
    is the input, '' for the folder itself.
    """

    folder: str
    name: str
    files: tuple[CatalogFile, ...]

    @property
    def address(self) -> str:
        """Return the address of the input."""
        return f'{self.folder}/{self.name}' if self.name else self.folder


@dataclass(frozen=True, kw_only=True)
class CatalogFlight:
    """The inputs of one flight; `failure` tells why it cannot be worked on, '' where it can."""

    name: str
    inputs: tuple[CatalogInput, ...] = ()
    failure: str = ''

    @property
    def address(self) -> str:
        """Return what to call it for a person: the address of its first input."""
        return self.inputs[0].address if self.inputs else self.name


@dataclass
class _Folder:
    """What lies in one folder of a catalog, by the names alone."""

    path: PurePosixPath
    files: list[CatalogFile] = field(default_factory=list)  # named from the catalog's folder
    folders: list[_Folder] = field(default_factory=list)

    def whole(self) -> Iterator[CatalogFile]:
        yield from self.files
        for one in self.folders:
            yield from one.whole()


def read_catalog(address: str | Path) -> list[CatalogFlight]:
    """Return the flights of a catalog in the order of their names; raise FleetError.

    A catalog is a folder or an address such as `s3://bucket/flights`, in which a bag, a card
    with DCIM and a folder with photos are a flight each, with all below it, and so is each video
    and each orthophoto that lies elsewhere. Or it is a file `.json`: a list of
    `{"name": ..., "inputs": [addresses]}`, where flights are put together by hand.
    """
    if str(address).lower().endswith('.json'):
        flights = _listed(str(address))
    else:
        files = StoreFiles(address)
        if not files.exists(''):
            msg = f'There is no catalog {address}. Name a folder, an address or a .json file.'
            raise FleetError(msg)
        root = _read_folder(files)
        flights = [_checked(one) for one in _flights_in(root, files.address.rstrip('/'), root)]
    if not flights:
        msg = f'{address} holds no flights: no bag, video, photo or orthophoto is in it or below.'
        raise FleetError(msg)
    return _named_apart(flights)


def input_of(address: str) -> CatalogInput:
    """Return one folder or file as an input; raise FleetError where it is gone."""
    files = StoreFiles(address)
    text = files.address.rstrip('/')
    if not files.exists(''):
        msg = f'{address} is gone: there is no file or folder of that name.'
        raise FleetError(msg)
    if files.is_folder():
        whole = _read_folder(files)
        return CatalogInput(folder=text, name='', files=tuple(sorted(whole.whole())))
    folder, _, name = text.rpartition('/')
    root = _read_folder(StoreFiles(folder), deep=False)
    return CatalogInput(folder=folder, name=name, files=_with_companions(root, name))


def _listed(address: str) -> list[CatalogFlight]:
    folder, _, name = address.rpartition('/')
    content = StoreFiles(folder or '.').read(name)
    if content is None:
        msg = f'There is no catalog {address}.'
        raise FleetError(msg)
    try:
        flights = [(str(one['name']), list(map(str, one['inputs']))) for one in _list_of(content)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        msg = (
            f'{address} is no catalog ({error}); expected a list of '
            '{"name": "a flight", "inputs": ["an address"]}.'
        )
        raise FleetError(msg) from error
    found = []
    for flight, addresses in flights:
        absolute = [
            one if '://' in one or one.startswith('/') else f'{folder or "."}/{one}'
            for one in addresses
        ]
        try:
            inputs = tuple(input_of(one) for one in absolute)
            found.append(_checked(CatalogFlight(name=flight, inputs=inputs)))
        except FleetError as error:
            found.append(CatalogFlight(name=flight, failure=str(error)))
    return found


def _list_of(content: bytes) -> list[Mapping[str, Any]]:
    values = json.loads(content)
    if not isinstance(values, list):
        msg = f'a {type(values).__name__}'
        raise TypeError(msg)
    return values


def _read_folder(files: StoreFiles, *, deep: bool = True) -> _Folder:
    """List a folder of any file system; hidden files and folders are left out."""
    root = _Folder(PurePosixPath('.'))
    known = {root.path: root}
    for name, size_bytes, version in files.listed(deep=deep):
        path = PurePosixPath(name)
        if any(part.startswith('.') for part in path.parts):
            continue
        for parent in reversed(path.parents):
            if parent not in known:
                known[parent] = _Folder(parent)
                known[parent.parent].folders.append(known[parent])
        known[path.parent].files.append(CatalogFile(name, size_bytes, version))
    for folder in known.values():
        folder.files.sort(key=lambda one: natural_key(one.name))
        folder.folders.sort(key=lambda one: natural_key(one.path.name))
    return root


def _flights_in(folder: _Folder, address: str, root: _Folder) -> Iterator[CatalogFlight]:
    """Yield the flights of a folder and those below it; results of this program are none."""
    if {PurePosixPath(one.name).name for one in folder.files} & {RESULTS_MARK, _STORE_MARK}:
        return
    kinds = [(one, _suffix(one.name)) for one in folder.files]
    bags = [one for one, suffix in kinds if suffix in BAG_SUFFIXES]
    photos = [
        one for one, suffix in kinds if suffix in IMAGE_SUFFIXES and suffix not in RASTER_SUFFIXES
    ]
    is_bag = any(PurePosixPath(one.name).name == _BAG_FILE for one in folder.files)
    is_bag = is_bag or bool(bags and not photos and folder is not root)
    is_card = any(one.path.name.upper() == _CARD for one in folder.folders)
    if is_bag or is_card or photos:
        where = f'{address}/{folder.path}' if folder is not root else address
        prefix = '' if folder is root else f'{folder.path}/'
        files = [
            CatalogFile(one.name.removeprefix(prefix), one.size_bytes, one.version)
            for one in folder.whole()
        ]
        name = str(folder.path) if folder is not root else address.rpartition('/')[2]
        own = CatalogInput(folder=where, name='', files=tuple(sorted(files)))
        yield CatalogFlight(name=name, inputs=(own,))
        return
    for one, suffix in kinds:
        if suffix in (*BAG_SUFFIXES, *VIDEO_SUFFIXES, *RASTER_SUFFIXES):
            own = CatalogInput(
                folder=f'{address}/{folder.path}' if folder is not root else address,
                name=PurePosixPath(one.name).name,
                files=_with_companions(folder, PurePosixPath(one.name).name),
            )
            yield CatalogFlight(name=str(PurePosixPath(one.name).with_suffix('')), inputs=(own,))
        elif suffix in _UPLOADING:
            whole = PurePosixPath(one.name)
            yield CatalogFlight(name=str(whole), failure=_half(f'{address}/{whole}'))
    for below in folder.folders:
        yield from _flights_in(below, address, root)


def _with_companions(folder: _Folder, name: str) -> tuple[CatalogFile, ...]:
    """Return a file of a folder with those that may belong to it."""
    stem = PurePosixPath(name).stem.casefold()
    found = []
    for one in folder.files:
        path = PurePosixPath(one.name)
        begins = path.name.casefold().startswith(stem)
        if (
            path.name == name
            or (begins and _suffix(path.name) not in _RECORDINGS)
            or (_suffix(path.name) in COMPANION_SUFFIXES and not _has_own(folder, path))
        ):
            found.append(CatalogFile(path.name, one.size_bytes, one.version))
    return tuple(sorted(found))


_RECORDINGS = (*BAG_SUFFIXES, *VIDEO_SUFFIXES, *IMAGE_SUFFIXES)


def _has_own(folder: _Folder, companion: PurePosixPath) -> bool:
    """Return whether a companion belongs to a recording of its name."""
    return any(
        _suffix(one.name) in _RECORDINGS
        and companion.name.casefold().startswith(PurePosixPath(one.name).stem.casefold())
        for one in folder.files
    )


def _checked(flight: CatalogFlight) -> CatalogFlight:
    """Return a flight, with a failure where files of it are not whole yet."""
    for one in flight.inputs:
        for file in one.files:
            if _suffix(file.name) in _UPLOADING:
                failure = _half(f'{one.folder}/{file.name}')
                return CatalogFlight(name=flight.name, inputs=flight.inputs, failure=failure)
    return flight


def _half(address: str) -> str:
    return (
        f'{address} is half uploaded, by its name. The next run takes the flight when it is whole.'
    )


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _named_apart(flights: Sequence[CatalogFlight]) -> list[CatalogFlight]:
    """Give flights of one name a number each."""
    named: list[CatalogFlight] = []
    taken: set[str] = set()
    for flight in sorted(flights, key=lambda one: natural_key(one.name)):
        name, number = flight.name, 1
        while name in taken:
            number += 1
            name = f'{flight.name}_{number}'
        taken.add(name)
        named.append(CatalogFlight(name=name, inputs=flight.inputs, failure=flight.failure))
    return named
