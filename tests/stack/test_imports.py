"""What importing and using the stack loads."""

from __future__ import annotations

import subprocess
import sys

HEAVY = "{'tifffile', 'zarr', 'dask', 'skimage', 'imageio', 'torch', 'napari'}"


def loaded(code: str) -> str:
    text = f"import sys; {code}; print(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_stack_loads_no_file_library() -> None:
    assert loaded("import napari_sam2.stack") == "[]"


def test_using_an_array_loads_no_file_library() -> None:
    code = (
        "import numpy; from napari_sam2.stack import IntensityMap, Stack; "
        "s = Stack.from_array(numpy.ones((3, 9, 9))); IntensityMap.from_stack(s)(s.plane(1))"
    )
    assert loaded(code) == "[]"
