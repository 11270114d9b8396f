from __future__ import annotations

import torch

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.training.initialise import LAYER_SCALE, initialise


def test_the_same_seed_gives_the_same_weights() -> None:
    nets = [initialise(SAM2(CONFIGS["nano"]), seed).state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(nets[0][k], nets[1][k]) for k in nets[0])
    other = [k for k in nets[0] if not torch.equal(nets[0][k], nets[2][k])]
    assert len(other) > 100
    assert all(k in other for k in nets[0] if k.endswith(("qkv.weight", "mlp.layers.0.weight")))
    assert all(torch.all(v == LAYER_SCALE) for k, v in nets[0].items() if k.endswith(".gamma"))


@torch.no_grad()
def test_pixels_near_a_click_are_marked() -> None:
    net = initialise(SAM2(CONFIGS["nano"]), 0)
    generator = torch.Generator().manual_seed(0)
    embedding = net.encode_image(torch.randn(1, 3, 128, 128, generator=generator))
    features = net.without_memory(embedding.features)
    pixels = []
    net.sam_mask_decoder.transformer.register_forward_hook(lambda *a: pixels.append(a[2][1]))
    cells = [(1, 1), (1, 6), (6, 1), (6, 6), (3, 4)]
    for row, column in cells:
        xy = torch.tensor([[[16.0 * column + 8, 16.0 * row + 8]]])
        net.decode(features, embedding.high_res, xy, torch.ones(1, 1).long())
    marks = torch.cat(pixels) - torch.cat(pixels).mean(0)
    marks = (marks - marks.mean((2, 3), keepdim=True)).norm(dim=1)  # (5, 8, 8)
    for mark, (row, column) in zip(marks, cells, strict=True):
        assert mark[row, column] > 1.3 * mark.mean()
