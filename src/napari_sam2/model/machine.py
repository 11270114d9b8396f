"""What the operating system says about this machine: memory and processor."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["available_memory", "cpu_flags", "cpu_name", "total_memory"]

_ROOT = Path("/")
_PROC = "proc"
_UNKNOWN = 4 * 2**30  # a guess for a machine that tells nothing
_CGROUP_FILES = {
    # limit, in use, and the name of what is in use but can be given back at once (cached files)
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available_memory(root: Path = _ROOT) -> int:
    """Count the bytes that this process can still take.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are (another place in tests).

    Returns
    -------
    int
        On Linux the kernel's estimate, or what containers and batch systems leave if that is less;
        elsewhere psutil's (it comes with napari), or half of the memory of the machine.
    """
    free = _meminfo(root, "MemAvailable")
    if free is not None:
        return max(0, min([free, *_cgroup_left(root)]))
    try:
        return int(importlib.import_module("psutil").virtual_memory().available)
    except ImportError:
        return total_memory(root) // 2 or _UNKNOWN


def total_memory(root: Path = _ROOT) -> int:
    """Count the bytes of memory of this machine; 0 where nothing tells."""
    total = _meminfo(root, "MemTotal")
    if total is not None:
        return total
    try:
        return int(importlib.import_module("psutil").virtual_memory().total)
    except ImportError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 0


def cpu_flags(root: Path = _ROOT) -> set[str]:
    """List the instruction sets of the processor, as Linux names them; empty elsewhere."""
    return set((_cpuinfo(root, "flags") or "").split())


def cpu_name(root: Path = _ROOT) -> str:
    """Return the maker's name of the processor, as Linux knows it; empty elsewhere."""
    return _cpuinfo(root, "model name") or ""


def _meminfo(root: Path, field: str) -> int | None:
    value = _field(root / _PROC / "meminfo", field)
    return None if value is None else int(value.split()[0]) * 1024


def _cpuinfo(root: Path, field: str) -> str | None:
    return _field(root / _PROC / "cpuinfo", field)


def _field(file: Path, name: str) -> str | None:
    """Find the first ``name : value`` line of a file."""
    for line in _lines(file):
        key, colon, value = line.partition(":")
        if colon and key.strip() == name:
            return value.strip()
    return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _cgroup_left(root: Path) -> Iterator[int]:
    """Yield what each control group around this process allows; one without a limit is left out."""
    for line in _lines(root / _PROC / "self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            version, base = 2, root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            version, base = 1, root / "sys/fs/cgroup/memory"
        else:
            continue
        group = base / path.lstrip("/")
        # inside a container the path is the host's: what does not exist here is passed over
        for folder in [group, *group.parents]:
            left = _left_in(folder, *_CGROUP_FILES[version])
            if left is not None:
                yield left
            if folder == base:
                break


def _left_in(folder: Path, limit_file: str, used_file: str, cached_name: str) -> int | None:
    limit = "".join(_lines(folder / limit_file))
    used = "".join(_lines(folder / used_file))
    if not limit.isdigit() or not used.isdigit():  # "max" is no limit
        return None
    cached = 0
    for line in _lines(folder / "memory.stat"):
        name, _, value = line.partition(" ")
        if name == cached_name:
            cached = int(value)
    return int(limit) - int(used) + cached
