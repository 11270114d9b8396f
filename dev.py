"""Set everything up and run it. Needs Python 3.11 to 3.14 and nothing else.

    python3 dev.py demo            segment a stack from clicks; writes labels and a picture
    python3 dev.py test            all checks and tests
    python3 dev.py test -k stack   some tests: what follows is handed to pytest
    python3 dev.py lint            style, types, metadata, spelling

It makes a virtual environment in .tox and installs tox there; tox does the rest (tox.ini). Nothing is written outside
this folder, except that root on Debian or Ubuntu gets the system libraries that a window needs.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tools.system_libraries import install

ROOT = Path(__file__).resolve().parent
JOBS = {"demo": ["-e", "demo"], "lint": ["-e", "lint"], "test": []}


def tox_arguments(job: str, rest: list[str]) -> list[str]:
    """Arguments of tox for a job; "test" alone is everything that tox.ini lists."""
    environment = ["-e", "py"] if job == "test" and rest else JOBS[job]
    return ["run", *environment, *(["--", *rest] if rest else [])]


def python_with_tox() -> Path:
    """Interpreter of an environment that holds tox; made at the first call."""
    home = ROOT / ".tox" / "bootstrap"
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    if not list(scripts.glob("tox*")):  # written last: the environment is complete
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "tox>=4.24,<5"], check=True)
    return python


def main(arguments: list[str]) -> int:
    """Run a job; the result is the exit code."""
    job, *rest = arguments or [""]
    if job not in JOBS:
        print(__doc__)
        return 2
    if sys.version_info < (3, 11):
        print(f"Python {sys.version.split()[0]} is too old; start dev.py with 3.11 to 3.14.")
        return 2
    if importlib.util.find_spec("ensurepip") is None:  # Debian packs it apart
        package = f"python3.{sys.version_info.minor}-venv"
        if not install([package], "virtual environments"):
            return 2
    try:
        return subprocess.call(
            [python_with_tox(), "-m", "tox", *tox_arguments(job, rest)], cwd=ROOT
        )
    except subprocess.CalledProcessError as error:
        print(f"Could not prepare tox: {' '.join(map(str, error.cmd))} failed; see above.")
        return error.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
