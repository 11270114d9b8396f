"""Time from a fresh process to an imported package, and what it loaded on the way.

    python benchmarks/import_time.py

The rule: under 0.3 s, and neither torch nor napari.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from rich.console import Console

STATEMENTS = ("pass", "import numpy", "import napari_sam2", "import napari_sam2.cli.app")
HEAVY = ("torch", "napari", "qtpy", "dask", "zarr", "skimage", "scipy")
_PROGRAM = """
import sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
print(seconds, *[name for name in {heavy} if name in sys.modules])
"""


def run_once(statement: str) -> tuple[float, list[str]]:
    """Seconds that a statement takes in a new process, and the heavy libraries that it loaded."""
    program = _PROGRAM.format(statement=statement, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    seconds, *loaded = done.stdout.split()
    return float(seconds), loaded


def main(times: int = 9) -> None:
    """Print the median of some processes for each statement, taken in turns."""
    console = Console()
    seconds: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    loaded: dict[str, list[str]] = {}
    for _ in range(times):
        for statement in STATEMENTS:
            taken, loaded[statement] = run_once(statement)
            seconds[statement].append(taken)
    for statement, values in seconds.items():
        heavy = ", ".join(loaded[statement]) or "none of them"
        console.print(f"{statement:28s} {1000 * statistics.median(values):6.0f} ms  heavy: {heavy}")


if __name__ == "__main__":
    main()
