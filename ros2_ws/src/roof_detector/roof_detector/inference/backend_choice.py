# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The choice of the backend for a checkpoint: the fastest one that was checked on this machine."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

import roof_detector
from roof_detector.inference.device_name import device_name, resolve_device, why_no_cuda
from roof_detector.inference.errors import BadModel, MissingBackend
from roof_detector.inference.export.export_cache import CacheEntry, ExportCache, ExportKey
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.options import CACHED_BACKENDS, CachedBackend
from roof_detector.inference.pass_cost import MARGIN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from roof_detector.inference.options import BackendName, Precision, PrecisionOption
    from roof_detector.inference.pass_cost import PassCost

# Export format, device and packages of each backend: other versions of these packages may give
# other results.
_CACHED: dict[CachedBackend, tuple[str, tuple[str, ...]]] = {
    'openvino': ('cpu', ('torch', 'ultralytics', 'openvino')),
    'onnxruntime': ('cpu cuda', ('torch', 'ultralytics', 'onnx', 'onnxruntime')),
    'tensorrt': ('cuda', ('torch', 'ultralytics', 'onnx', 'tensorrt')),
}
# Backends that read the ONNX file of a package, the usually fastest first.
_AS_IT_IS: tuple[CachedBackend, ...] = ('openvino', 'onnxruntime')
# Backends that use FP32 weights.
_IN_BF16: tuple[CachedBackend, ...] = ('openvino',)


@dataclass(frozen=True, kw_only=True)
class BackendChoice:
    """The backend that runs a model, the reason, and the reason for each one passed over.

    `export` is the cached export to open instead of the checkpoint, `threads` the number that it
    was fastest with, None to leave that to the runtime. `costs` are those of all that were timed.
    """

    backend: BackendName
    reason: str
    passed_over: tuple[tuple[str, str], ...] = ()
    export: Path | None = None
    threads: int | None = None
    costs: Mapping[BackendName, PassCost] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Return the choice and all reasons in one line."""
        others = '; '.join(f'not {name}: {why}' for name, why in self.passed_over)
        return f'{self.backend}: {self.reason}{f" ({others})" if others else ""}.'


@dataclass(frozen=True)
class _Unusable:
    """Why there is no export to use; one that `is_refused` answered otherwise than the weights."""

    reason: str
    is_refused: bool = False


def export_precision(precision: PrecisionOption, device: str) -> Precision:
    """Return the precision in which a checkpoint and its exports compute."""
    if precision == 'auto':
        return 'f16' if device.startswith('cuda') else 'f32'
    return precision


def why_not_here(backend: CachedBackend, device: str, precision: Precision) -> str:
    """Return why a backend cannot run on this machine's device; empty if it can."""
    devices, _ = _CACHED[backend]
    kind = device.partition(':')[0]
    if kind not in devices.split():
        return f'it runs on {devices.replace(" ", " and ")}, not on {kind}'
    if kind == 'cuda' and (problem := why_no_cuda(device)):
        return problem
    if precision == 'bf16' and backend not in _IN_BF16:
        return 'it does not compute in bf16'
    if find_spec(backend) is None:
        return f'{backend} is not installed'
    return ''


def key_of(
    model_path: Path, backend: CachedBackend, *, precision: Precision, device: str
) -> ExportKey:
    """Return the key under which an export of a checkpoint is kept."""
    return ExportKey(
        model_sha256=hash_model(model_path),
        backend=backend,
        precision=precision,
        device=device_name(device),
        versions=tuple(_versions(backend)),
    )


def choose_backend(
    model_path: Path,
    *,
    wish: Literal['auto', CachedBackend],
    device: str,
    precision: PrecisionOption,
    cache: ExportCache,
) -> BackendChoice:
    """Choose the backend of a checkpoint: the requested one, or with auto the fastest.

    Only exports count that were made of the same contents, with these versions, on this device,
    and that agreed with the checkpoint; without one, it runs as it is (`choose_unmeasured`). What
    would run unmeasured stays unless another costs a tenth less: a smaller lead is noise.
    Raises MissingBackend if the request cannot be met.
    """
    device = resolve_device(device)
    wanted = export_precision(precision, device)
    ready: dict[CachedBackend, tuple[CacheEntry, Path]] = {}
    refused: set[str] = set()
    passed_over: dict[str, str] = {}
    for backend in CACHED_BACKENDS if wish == 'auto' else (wish,):
        found = _look_for(model_path, backend, device=device, precision=wanted, cache=cache)
        if isinstance(found, _Unusable):
            passed_over[backend] = found.reason
            if found.is_refused:
                refused.add(backend)
        else:
            ready[backend] = found
    if wish != 'auto' and not ready:
        computed = '' if precision == 'auto' else f' --precision {precision}'
        msg = (
            f'{model_path} cannot be run with {wish}: {passed_over[wish]}. Build it with: '
            f'roof_detector models prepare {model_path} --backend {wish}{computed}; or use torch.'
        )
        raise MissingBackend(msg)
    if wish != 'auto':
        entry, path = ready[wish]
        return BackendChoice(
            backend=wish,
            reason='it is asked for',
            export=path,
            threads=entry.threads or None,
            costs=_costs(ready),
        )
    shares = {name: entry.torch_share for name, (entry, _) in ready.items()}
    timed = {name: share for name, share in shares.items() if share is not None}
    passed_over |= {name: 'it was not timed' for name, share in shares.items() if share is None}
    if not timed:
        return choose_unmeasured(device, wanted, passed_over=passed_over, refused=refused)
    what = 'cost' if _costs(ready) else 'time'
    best = _best(timed)
    if best is None:
        passed_over |= {
            name: f'{share:.2f} of the {what} of torch' for name, share in timed.items()
        }
        return BackendChoice(
            backend='torch',
            reason='no checked export is faster here',
            passed_over=tuple(passed_over.items()),
            costs=_costs(ready),
        )
    passed_over |= {
        name: f'{share / timed[best]:.2f} of the {what} of {best}'
        for name, share in (*timed.items(), ('torch', 1.0))
        if name != best
    }
    entry, path = ready[best]
    reason = f'{timed[best]:.2f} of the {what} of torch ({entry.measured})'
    return BackendChoice(
        backend=best,
        reason=reason,
        passed_over=tuple(passed_over.items()),
        export=path,
        threads=entry.threads or None,
        costs=_costs(ready),
    )


def _best(shares: Mapping[CachedBackend, float]) -> CachedBackend | None:
    """Return the cheapest, or the simplest one that it leads by less than a tenth; None is torch.

    `shares` are those of torch's cost.
    """
    simplest = next((name for name in _AS_IT_IS if name in shares), None)
    best = min(shares, key=lambda name: shares[name])
    cheapest = best if shares[best] < 1 else None
    least = min(shares[best], 1.0)
    return (
        cheapest if MARGIN * least < (1.0 if simplest is None else shares[simplest]) else simplest
    )


def _costs(
    ready: Mapping[CachedBackend, tuple[CacheEntry, Path]],
) -> dict[BackendName, PassCost]:
    """Return what passes cost with each backend that was timed, torch with the newest of them."""
    costs: dict[BackendName, PassCost] = {}
    for name, (entry, _) in ready.items():
        if entry.cost is not None and entry.torch_cost is not None:
            costs[name], costs['torch'] = entry.cost, entry.torch_cost
    return costs


def choose_unmeasured(
    device: str,
    precision: Precision,
    *,
    passed_over: Mapping[str, str] | None = None,
    refused: Collection[str] = (),
) -> BackendChoice:
    """Choose what runs a package as it is, where no export of it was timed.

    `device` is cpu or cuda:N. OpenVINO was faster than torch on every CPU that was measured, and
    loads sooner. `passed_over` are reasons that are known already; backends in `refused` answered
    otherwise than the weights.
    """
    others = dict(passed_over or {})
    chosen: BackendName = 'torch'
    reason = 'no checked and timed export is here'
    for backend in _AS_IT_IS:
        problem = why_not_as_it_is(backend, device, precision)
        if device == 'cpu' and backend not in refused and not problem:
            chosen, reason = backend, f'it runs the package as it is, {reason}'
            others.pop(backend, None)
            break
        others.setdefault(backend, problem or 'it was not timed')
    if chosen == 'torch' and find_spec('torch') is None:
        reasons = '; '.join(f'{name}: {why}' for name, why in others.items())
        msg = (
            f'No runtime that is installed runs this model here ({reasons}). Install one: pip '
            "install '.[flight]', or '.[torch]', in a clone of roof_detector."
        )
        raise MissingBackend(msg)
    return BackendChoice(backend=chosen, reason=reason, passed_over=tuple(others.items()))


def why_not_as_it_is(backend: CachedBackend, device: str, precision: Precision) -> str:
    """Return why a backend cannot run a package without an export for it; empty if it can."""
    if precision != 'f32':
        return f'it needs an export for {precision}'
    return why_not_here(backend, device, precision)


def _look_for(
    model_path: Path,
    backend: CachedBackend,
    *,
    device: str,
    precision: Precision,
    cache: ExportCache,
) -> tuple[CacheEntry, Path] | _Unusable:
    """Return a usable export, or the reason why there is none."""
    if reason := why_not_here(backend, device, precision):
        return _Unusable(reason)
    key = key_of(model_path, backend, precision=precision, device=device)
    entry = cache.find(key)
    if entry is None:
        return _Unusable(cache.why_absent(key, source=model_path.name))
    if entry.refused:
        return _Unusable(entry.refused, is_refused=True)
    try:
        return entry, cache.path(entry)
    except BadModel as error:
        return _Unusable(str(error).rstrip('.'))


def _versions(backend: CachedBackend) -> Iterator[tuple[str, str]]:
    yield 'roof_detector', roof_detector.__version__
    for name in _CACHED[backend][1]:
        for distribution in (name, f'{name}-gpu'):
            with contextlib.suppress(PackageNotFoundError):
                yield name, version(distribution)
                break
