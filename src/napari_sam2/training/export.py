"""Write the averaged weights of a run as the file that is shipped: safetensors, float16."""

from pathlib import Path

import torch

from napari_sam2.training.trainer import STATE_FILE

__all__ = ["averaged_weights", "export"]


def averaged_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read the averaged weights, float32, from the run in ``folder``."""
    path = folder / STATE_FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist; give the folder of a run that has written its state at least once."
        )
    weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)["average"]
    return weights


def export(folder: Path, target: Path) -> int:
    """Write the averaged weights of the run in ``folder`` to ``target``; return its size in bytes."""
    from safetensors.torch import save_file

    halved = {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in averaged_weights(folder).items()
    }
    save_file(halved, target)
    return target.stat().st_size
