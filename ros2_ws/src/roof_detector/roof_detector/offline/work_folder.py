# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Makes results in a temporary folder and publishes them under their name at once."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from roof_detector.bags.disk import sync_folder
from roof_detector.bags.folder_lock import FolderLock, is_locked
from roof_detector.offline import journal
from roof_detector.offline.errors import ReplayError

if TYPE_CHECKING:
    from pathlib import Path

RUN_FILE = 'run.json'
BAG = 'bag'
_JOURNAL = 'resume.journal'


class WorkFolder:
    """Makes the results of one input in `<name>.part` and publishes them as `<name>` when done.

    `made_from` identifies the input, model and settings of the results. Unfinished work resumes,
    and finished results count as done, only if theirs are the same.
    """

    def __init__(
        self, final: Path, *, made_from: str, overwrite: bool = False, resume: bool = False
    ) -> None:
        self.final = final
        self.path = final.with_name(f'{final.name}.part')
        self._made_from = made_from
        self._overwrite = overwrite
        self._resume = resume
        self._lock: FolderLock | None = None

    @property
    def bag(self) -> Path:
        """Return the path of the unfinished result bag."""
        return self.path / BAG

    def is_done(self) -> bool:
        """Return whether a resumed run finds its results finished.

        Raises ReplayError for results that exist and may not be replaced.
        """
        if self.final.exists() or self.final.is_symlink():
            if self._overwrite:
                _check_ours(self.final)
                return False
            if not self._resume:
                msg = (
                    f'{self.final} exists already and is not overwritten. Name another output, '
                    'or add --overwrite.'
                )
                raise ReplayError(msg)
            if read_run(self.final).get('made_from') != self._made_from:
                msg = (
                    f'{self.final} was made from another input, model or other settings. Name '
                    'another output, or make it again with --overwrite.'
                )
                raise ReplayError(msg)
            return True
        if self.path.exists() and not (self._overwrite or self._resume):
            msg = (
                f'{self.path} is left from a run that did not finish. Go on with --resume, or '
                'begin again with --overwrite.'
            )
            raise ReplayError(msg)
        return False

    def open(self) -> journal.Journal:
        """Make the folder, empty but for the journal of a run that is resumed, and lock it."""
        kept = self.path / _JOURNAL
        if self.path.is_dir() and is_locked(self.path):
            msg = f'{self.path} is being written by another run at this moment; let it finish.'
            raise ReplayError(msg)
        if self._resume and self.path.exists():
            before = journal.made_from(kept)
            if before not in (None, self._made_from):
                msg = (
                    f'{self.path} was begun with another input, model or other settings, so it '
                    'cannot be continued. Begin again with --overwrite.'
                )
                raise ReplayError(msg)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self.path)
            for entry in self.path.iterdir():
                if entry != kept or not self._resume:
                    _remove(entry)
            return journal.Journal(kept, made_from=self._made_from)
        except OSError as error:
            msg = (
                f'{self.path} cannot be written ({error.strerror}). Choose an output folder that '
                'is yours.'
            )
            raise ReplayError(msg) from error

    def publish(self, run: dict[str, Any]) -> None:
        """Write run.json, then give the folder its final name."""
        text = json.dumps({'made_from': self._made_from, **run}, indent=2)
        (self.path / RUN_FILE).write_text(text + '\n', encoding='utf-8')
        (self.path / _JOURNAL).unlink(missing_ok=True)
        sync_folder(self.path)
        old = self.final.with_name(f'{self.final.name}.old')
        if self.final.exists():
            _check_ours(self.final)
            shutil.rmtree(old, ignore_errors=True)
            self.final.rename(old)
        self.path.rename(self.final)
        sync_folder(self.final.parent)
        shutil.rmtree(old, ignore_errors=True)

    def close(self) -> None:
        """Release the folder; unpublished results stay for a run that resumes."""
        if self._lock is not None:
            self._lock.release()

    def discard(self) -> None:
        """Remove the unfinished results, because the input has none."""
        shutil.rmtree(self.path, ignore_errors=True)


def read_run(folder: Path) -> dict[str, Any]:
    """Return the content of a run.json, empty where there is none."""
    try:
        content = json.loads((folder / RUN_FILE).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def locate_bag(path: Path) -> Path:
    """Return the bag of a result folder, or the path itself where it is a bag."""
    return path / BAG if (path / RUN_FILE).is_file() and (path / BAG).is_dir() else path


def _check_ours(folder: Path) -> None:
    if folder.is_symlink() or 'made_from' not in read_run(folder):
        msg = (
            f'{folder} holds no results of this program ({RUN_FILE} is missing), so it is not '
            'deleted. Name another output, or remove it yourself.'
        )
        raise ReplayError(msg)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
