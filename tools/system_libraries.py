"""Bring the system libraries that Qt and OpenGL need for a window, and a virtual display for the tests.

Wheels bring everything else. On Debian and Ubuntu, root gets the missing packages with apt-get; everybody else is told
exactly what to install, and the tests that open a window say what is missing. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = [
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libgl1-mesa-dri",
    "libglib2.0-0",
    "libopengl0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xfixes0",
    "libxcb-xinerama0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
    "xvfb",
]


def missing(packages: list[str]) -> list[str]:
    """Select the packages that are not installed; newer releases add "t64" to some names."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    listed = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    installed = {
        line.split()[0].removesuffix("t64")
        for line in listed.splitlines()
        if line.endswith(" installed")
    }
    return [name for name in packages if name not in installed]


def install(packages: list[str], purpose: str) -> bool:
    """Install what is missing, or say what to install.

    Parameters
    ----------
    packages : list of str
        Names of Debian packages.
    purpose : str
        What they are for, for the messages.

    Returns
    -------
    bool
        Whether everything is there now.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-query"):
        print(f"Not Debian or Ubuntu: for {purpose}, install what they call {' '.join(packages)}.")
        return False
    lacking = missing(packages)
    if not lacking:
        return True
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *lacking]
    if os.geteuid() != 0:
        print(f"For {purpose}, install system packages:\n    sudo {' '.join(command)}")
        return False
    print(f"Installing system packages for {purpose}: {' '.join(lacking)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command):
        done = subprocess.run(step, env=environment, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        print(f"apt-get could not install them. For {purpose}, run:\n    {' '.join(command)}")
        return False
    return True


if __name__ == "__main__":
    if sys.platform == "linux":
        install(PACKAGES, "windows and a virtual display")
