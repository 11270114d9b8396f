"""Write the averaged weights of a run as the file that is shipped: safetensors, float16."""

from pathlib import Path

import torch

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.model.weights import save_weights
from napari_sam2.training.settings import Settings
from napari_sam2.training.trainer import STATE_FILE

__all__ = ["averaged_weights", "export"]


def averaged_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Read the averaged weights, float32, from the run in ``folder``."""
    path = folder / STATE_FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist; give the folder of a run that has written its state at least once."
        )
    weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)[
        "average"
    ]
    return weights


def export(
    folder: Path,
    target: Path,
    blend: Path | None = None,
    share: float = 0.5,
) -> int:
    """Write the averaged weights of a run as a file.

    Parameters
    ----------
    folder : Path
        Of the run.
    target : Path
        In .safetensors.
    blend : Path, optional
        Folder of the run that this one began with, or of one that began with this one: the mean of the two is often better
        than both on images unlike the training set (Wortsman et al. 2022, Robust fine-tuning of zero-shot models).
    share : float
        Of ``folder`` in that mean, 0 to 1.

    Returns
    -------
    int
        Bytes written.
    """
    weights = averaged_weights(folder)
    if blend is not None:
        other = averaged_weights(blend)
        weights = {name: share * w + (1 - share) * other[name] for name, w in weights.items()}
    settings = Settings.load(folder / "settings.json")
    net = SAM2(CONFIGS[settings.model]).eval()
    net.load_state_dict(weights)
    net.name = settings.model
    metadata = {"training": "procedural microscopy only, see napari_sam2.training"}
    return save_weights(net, target, metadata=metadata).stat().st_size
