"""oneDNN's float32 products are used where they are exact, and torch's setting is left as it was."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from napari_sam2.model import products


@pytest.fixture(autouse=True)
def _measured_anew():
    products._is_exact.cache_clear()
    yield
    products._is_exact.cache_clear()


def test_products_inside_are_exact():
    torch.manual_seed(3)
    a, b = torch.randn(70, 300), torch.randn(300, 50)
    exact = a.double() @ b.double()
    with torch.inference_mode(), products.fast_exact_products():
        inside = a @ b
    assert float((inside - exact).abs().max() / exact.abs().max()) < 2e-6


def test_the_setting_is_put_back_after_an_error():
    before = torch.backends.mkldnn.matmul.fp32_precision
    with pytest.raises(KeyError), products.fast_exact_products():
        raise KeyError
    assert torch.backends.mkldnn.matmul.fp32_precision == before


def test_the_setting_is_used_where_it_is_exact(monkeypatch):
    setting = SimpleNamespace(fp32_precision="none")
    monkeypatch.setattr(products, "_setting", lambda: setting)
    with products.fast_exact_products():
        assert setting.fp32_precision == "bf16"
    assert setting.fp32_precision == "none"


def test_a_processor_that_rounds_is_left_alone(monkeypatch):
    setting = SimpleNamespace(fp32_precision="none")
    monkeypatch.setattr(products, "_setting", lambda: setting)
    mm = torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b: mm(a.bfloat16(), b.bfloat16()).float())
    with products.fast_exact_products():
        assert setting.fp32_precision == "none"


def test_an_older_torch_is_left_alone(monkeypatch):
    monkeypatch.setattr(products, "_setting", lambda: None)
    with products.fast_exact_products():
        pass
    assert not products._is_exact()
