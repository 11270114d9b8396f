"""Devices, precision and memory; machines that are not at hand are described by stand-ins."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import torch

from napari_sam2.errors import DeviceError
from napari_sam2.model import device as devices
from napari_sam2.model import machine
from napari_sam2.model.device import (
    available_memory,
    choose_device,
    choose_precision,
    describe_devices,
    is_bfloat16_fast,
    require_memory,
)

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")


@pytest.fixture
def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an old and a new graphics card, which compute nothing here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda d: ((7, 5), (8, 0))[d.index])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


# devices


@pytest.mark.usefixtures("only_cpu")
def test_without_a_graphics_card_the_cpu_is_taken() -> None:
    assert choose_device() == choose_device("auto") == choose_device("cpu") == CPU
    assert choose_device(CPU) == choose_device("cpu:0") == CPU


@pytest.mark.usefixtures("only_cpu")
@pytest.mark.parametrize("asked", ["cuda", "cuda:7", "mps", "xpu", "cpu:3", "gpu", "", 3])
def test_what_is_not_there_is_an_error_that_says_what_is(asked: object) -> None:
    with pytest.raises(
        DeviceError, match=f"device '{asked}' is not on this machine, which has 'cpu'"
    ):
        choose_device(asked)  # type: ignore[arg-type]


@pytest.mark.usefixtures("two_cards")
def test_cards_are_counted() -> None:
    assert choose_device("cuda") == torch.device("cuda", 1)  # torch's current one
    assert choose_device("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(DeviceError, match=r"'cuda:7' is not .* 'cuda:0', 'cuda:1', 'cpu'; use one"):
        choose_device("cuda:7")


@pytest.mark.usefixtures("two_cards")
def test_auto_passes_over_cards_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fail(*_: object, device: torch.device) -> None:
        tried.append(str(device))
        raise RuntimeError("no kernel image is available for execution on the device")

    def as_load_model_does() -> torch.device:
        return choose_device("auto")

    monkeypatch.setattr(torch, "zeros", fail)
    with pytest.warns(UserWarning, match="is not used, it fails: no kernel image") as caught:
        assert as_load_model_does() == CPU
    assert tried == ["cuda:0", "cuda:1"]
    assert caught[0].filename == __file__  # points at the caller


def test_the_best_is_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", lambda *_, device: torch.ones(1))  # every one computes
    assert choose_device("auto") == torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("mps") == torch.device("mps")


# precision


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"avx2", "avx512_f"}, "float32"),
        ({"avx512_f", "avx512_bf16"}, "bfloat16"),
        ({"amx_bf16"}, "bfloat16"),
        (set(), "float32"),
    ],
)
def test_auto_precision_of_a_cpu(
    monkeypatch: pytest.MonkeyPatch, features: set[str], expected: str
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(devices, "_cpu_features", lambda: features)
    assert choose_precision("auto", CPU) == expected
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert choose_precision("auto", CPU) == "float32"


@pytest.mark.usefixtures("two_cards")
def test_auto_precision_of_cards() -> None:
    assert choose_precision("auto", torch.device("cuda", 0)) == "float32"
    assert choose_precision("auto", torch.device("cuda", 1)) == "bfloat16"
    assert not is_bfloat16_fast(torch.device("mps"))


def test_the_features_of_this_cpu_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "linux" and machine.cpu_flags():
        flags = machine.cpu_flags()
        for name in ("avx2", "avx512_bf16", "amx_bf16"):
            assert (name in devices._cpu_features()) == (name in flags)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)  # as in older torch
    monkeypatch.setattr(machine, "cpu_flags", lambda: {"amx_bf16"})
    assert devices._cpu_features() == {"amx_bf16"}


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_a_given_precision_is_obeyed(asked: str) -> None:
    assert choose_precision(asked, CPU) == asked


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("float16", r"'float16' is not offered: float16 overflows .* use 'auto', 'float32' or"),
        ("double", "'double' is not offered: use 'auto'"),
    ],
)
def test_other_precisions_are_not_offered(asked: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        choose_precision(asked, CPU)


# memory


def test_memory_of_this_machine() -> None:
    assert 50e6 < available_memory(CPU) < machine.total_memory()


def test_what_does_not_fit_is_refused_with_both_numbers() -> None:
    require_memory(1000, CPU, "a crumb")
    with pytest.raises(
        DeviceError, match=r"a mountain needs 1,000,000,000,000 MB .* on cpu, which has [\d,]+ MB"
    ):
        require_memory(10**18, CPU, "a mountain")


@pytest.mark.usefixtures("two_cards")
def test_memory_of_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 50)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 20)
    assert available_memory(torch.device("cuda", 0)) == 130  # what torch keeps can be reused


def test_memory_of_an_apple_is_the_machine_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 1000)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 300)
    monkeypatch.setattr(machine, "available_memory", lambda: 600)
    assert available_memory(torch.device("mps")) == 600
    monkeypatch.setattr(machine, "available_memory", lambda: 900)
    assert available_memory(torch.device("mps")) == 700


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    """The files of a machine with 8 GB, 6 GB of them available."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(
        "MemTotal:        8000000 kB\nMemFree:  100 kB\nMemAvailable:    6000000 kB\n"
    )
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: Abacus 7\nflags\t\t: fpu avx2 amx_bf16\n\nmodel name\t: x\n"
    )
    return tmp_path


def limit(folder: Path, names: tuple[str, str], limit: object, used: int, cached: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{cached} 1000\n")


V2 = ("memory.max", "memory.current")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def test_a_linux_machine(linux: Path) -> None:
    assert machine.total_memory(linux) == 8_000_000 * 1024
    assert machine.available_memory(linux) == 6_000_000 * 1024
    assert machine.cpu_name(linux) == "Abacus 7"
    assert machine.cpu_flags(linux) == {"fpu", "avx2", "amx_bf16"}


def test_the_limit_of_a_batch_system_counts(linux: Path) -> None:
    (linux / "proc/self/cgroup").write_text("0::/slurm/job_7/step_0\n")
    job = linux / "sys/fs/cgroup/slurm/job_7"
    limit(job, V2, 500_000, 200_000, "inactive_file")
    limit(job / "step_0", V2, "max", 200_000, "inactive_file")
    assert machine.available_memory(linux) == 500_000 - 200_000 + 1000


def test_the_limit_of_a_container_counts(linux: Path) -> None:
    (linux / "proc/self/cgroup").write_text("5:cpu:/\n4:memory:/docker/0123\n0::/\n")
    limit(linux / "sys/fs/cgroup/memory", V1, 300_000, 400_000, "total_inactive_file")
    assert machine.available_memory(linux) == 0  # over its limit
    limit(linux / "sys/fs/cgroup/memory", V1, 2**63 - 4096, 400_000, "total_inactive_file")
    assert machine.available_memory(linux) == 6_000_000 * 1024


def test_elsewhere_psutil_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type("Memory", (), {"available": 700, "total": 900})
    psutil = type("psutil", (), {"virtual_memory": staticmethod(lambda: memory)})
    monkeypatch.setitem(sys.modules, "psutil", psutil)
    assert machine.available_memory(tmp_path) == 700
    assert machine.total_memory(tmp_path) == 900
    assert machine.cpu_flags(tmp_path) == set()
    assert machine.cpu_name(tmp_path) == ""


def test_without_psutil_half_of_the_memory_is_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setattr(
        machine.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10}.get, raising=False
    )
    assert machine.total_memory(tmp_path) == 40_960
    assert machine.available_memory(tmp_path) == 20_480
    monkeypatch.delattr(machine.os, "sysconf")
    assert machine.total_memory(tmp_path) == 0
    assert machine.available_memory(tmp_path) == 4 * 2**30


# for a bug report


@pytest.mark.usefixtures("only_cpu")
def test_this_machine_is_described() -> None:
    [cpu] = describe_devices()
    assert (cpu.device, cpu.is_default) == ("cpu", True)
    assert cpu.name
    assert cpu.precision == choose_precision("auto", CPU)
    assert 0 < cpu.available_memory < cpu.total_memory


@pytest.mark.usefixtures("two_cards")
def test_a_machine_with_cards_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "zeros", lambda *_, device: torch.ones(1))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda d: f"Card {d.index}")
    monkeypatch.setattr(devices, "available_memory", lambda d: 10)
    properties = type("Properties", (), {"total_memory": 100})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda d: properties)
    found = describe_devices()
    assert [(d.device, d.is_default, d.precision) for d in found[:2]] == [
        ("cuda:0", True, "float32"),
        ("cuda:1", False, "bfloat16"),
    ]
    assert [d.device for d in found] == ["cuda:0", "cuda:1", "cpu"]
    assert (found[1].name, found[1].total_memory, found[1].available_memory) == ("Card 1", 100, 10)


@pytest.mark.gpu
def test_a_real_card_is_chosen() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    chosen = choose_device("auto")
    assert chosen.type == "cuda"
    assert 0 < available_memory(chosen) <= describe_devices()[0].total_memory
