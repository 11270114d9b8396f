"""Models by name: the cards, and downloads from a stand-in of the Hub on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from napari_sam2.errors import CheckpointError, DownloadError
from napari_sam2.model import hub, transfer
from napari_sam2.model.config import CONFIGS
from napari_sam2.model.hub import CARDS, download, find_weights, is_downloaded, weights_folder
from napari_sam2.model.load import parameter_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "sam2.1_hiera_tiny"
FILE = f"/facebook/sam2.1-hiera-tiny/resolve/main/{NAME}.pt"
REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@dataclass
class StandInHub:
    """What the server on this machine serves, how badly, and what was asked of it."""

    content: bytes
    etag: str = ""
    cuts: list[int] = field(default_factory=list)  # bytes after which each next answer is cut
    takes_ranges: bool = True
    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)  # of each GET: its Range header
    sent: int = 0

    def __post_init__(self) -> None:
        self.etag = self.etag or hashlib.sha256(self.content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    hub: StandInHub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        if self.path == FILE:  # huggingface_hub asks for other things too
            self.hub.asked.append(self.headers.get("Range", ""))
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        served = self.hub
        if self.path != FILE or (body and served.status != 200):
            self.send_error(404 if served.status == 200 else served.status)
            return
        begin = int(re.findall(r"\d+", self.headers.get("Range", "bytes=0-"))[0])
        begin = begin if served.takes_ranges else 0
        content = served.content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{served.etag}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if body:
            cut = served.cuts.pop(0) if served.cuts else None
            part = content[:cut]
            served.sent += len(part)  # before the client has it and looks here
            self.wfile.write(part)
            if cut is not None:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)


def serve(content: bytes) -> Iterator[StandInHub]:
    served = StandInHub(content)
    handler = type("Handler", (Handler,), {"hub": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: no models by hand, none in the cache; returns our folder."""
    from huggingface_hub import constants

    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path / "weights"


@pytest.fixture
def served(no_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A Hub on this machine with 3 MB of noise under the name of an official file."""
    from huggingface_hub import constants

    monkeypatch.setattr(transfer, "_PAUSE", 0.0)
    for served in serve(os.urandom(3_000_000)):
        template = served.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield served


class Watcher:
    """Notes the progress, and may stop it."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.stop_after = stop_after

    def __call__(self, done: int, total: int) -> None:
        self.steps.append((done, total))
        if self.stop_after is not None and done >= self.stop_after:
            raise InterruptedError("stopped by the user")


# cards


def test_there_is_a_card_for_every_network() -> None:
    assert CARDS.keys() == CONFIGS.keys()
    for name, card in CARDS.items():
        assert card.name == name
        assert card.note.endswith(".")
        assert card.is_bundled == (name == "nano")


@pytest.mark.parametrize("name", [name for name in CARDS if name != "nano"])
def test_the_sizes_are_those_of_the_files(name: str) -> None:
    n_bytes = sum(
        4 * torch.Size(shape).numel() for shape in parameter_shapes(CONFIGS[name]).values()
    )
    assert n_bytes < CARDS[name].size < n_bytes + 400_000  # names, and a little for each tensor


def test_an_official_card() -> None:
    card = hub.model_card("sam2_hiera_base_plus")
    assert (card.repo, card.file) == ("facebook/sam2-hiera-base-plus", "sam2_hiera_base_plus.pt")
    assert card.url == f"https://huggingface.co/{card.repo}/resolve/main/{card.file}"
    assert card.licence == "Apache-2.0"


def test_listing_models_loads_no_heavy_library() -> None:
    code = (
        "import sys; from napari_sam2.model.hub import CARDS; assert len(CARDS) == 9\n"
        "assert not {'torch', 'huggingface_hub', 'napari'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# what is here


def test_nothing_is_here_and_nobody_is_asked(served: StandInHub) -> None:
    assert find_weights(NAME) is None
    assert not is_downloaded(NAME)
    assert served.asked == []


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_put_there_by_hand_is_found(no_models: Path, suffix: str) -> None:
    no_models.mkdir()
    path = no_models / f"{NAME}{suffix}"
    path.touch()
    assert find_weights(NAME) == path
    assert download(NAME) == path


def test_the_cache_of_the_hugging_face_tools_is_used(served: StandInHub, tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download

    hf_hub_download(CARDS[NAME].repo, CARDS[NAME].file, cache_dir=tmp_path / "hub")
    n_asked = len(served.asked)
    path = download(NAME)
    assert path.read_bytes() == served.content
    assert path.is_relative_to(tmp_path / "hub")
    assert len(served.asked) == n_asked


def test_what_transformers_fetched_is_used(no_models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hub" / "models--facebook--sam2.1-hiera-tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("c" * 40)
    path = folder / "snapshots" / ("c" * 40) / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_weights(NAME) == path


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("NAPARI_SAM2_WEIGHTS", raising=False)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    assert weights_folder() == tmp_path / "napari-sam2"
    monkeypatch.setenv("NAPARI_SAM2_WEIGHTS", "~/models")
    assert weights_folder() == Path.home() / "models"


def test_the_bundled_model_is_never_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hub, "_BUNDLED", tmp_path / "nano.safetensors")
    assert not is_downloaded("nano")
    with pytest.raises(CheckpointError, match="missing from this installation"):
        download("nano")
    (tmp_path / "nano.safetensors").touch()
    assert is_downloaded("nano")
    assert download("nano", again=True) == tmp_path / "nano.safetensors"


# downloads


def test_a_download_arrives_and_stays(served: StandInHub, no_models: Path) -> None:
    watcher = Watcher()
    path = download(NAME, watcher)
    assert path == no_models / f"{NAME}.pt"
    assert path.read_bytes() == served.content
    done = [step[0] for step in watcher.steps]
    assert done == sorted(done)
    assert (done[0], watcher.steps[-1]) == (0, (3_000_000, 3_000_000))
    assert len(set(done)) > 10
    assert not list(no_models.glob("*.part"))
    assert is_downloaded(NAME)
    assert download(NAME) == path
    assert len(served.asked) == 1


def test_a_cut_connection_goes_on_where_it_was(served: StandInHub) -> None:
    served.cuts = [1_000_000, 500_000]
    path = download(NAME, Watcher())
    assert path.read_bytes() == served.content
    begins = [int(asked[6:-1]) for asked in served.asked]
    assert begins == [0, 1_000_000, 1_500_000]
    assert served.sent == 3_000_000  # not a byte twice


def test_a_stopped_download_goes_on_at_the_next_call(served: StandInHub, no_models: Path) -> None:
    with pytest.raises(InterruptedError, match="stopped by the user"):
        download(NAME, Watcher(stop_after=1_000_000))
    assert not is_downloaded(NAME)
    [part] = no_models.glob("*.part")
    kept = part.stat().st_size
    assert kept >= 1_000_000
    watcher = Watcher()
    path = download(NAME, watcher)
    assert path.read_bytes() == served.content
    assert watcher.steps[0] == (kept, 3_000_000)
    assert served.asked == ["bytes=0-", f"bytes={kept}-"]
    assert not part.exists()


def test_a_new_version_does_not_continue_the_old_one(served: StandInHub, no_models: Path) -> None:
    with pytest.raises(InterruptedError):
        download(NAME, Watcher(stop_after=1_000_000))
    served.content = os.urandom(2_000_000)
    served.etag = hashlib.sha256(served.content).hexdigest()
    assert download(NAME, Watcher()).read_bytes() == served.content
    assert not list(no_models.glob("*.part"))


def test_more_than_the_file_is_not_the_file(served: StandInHub, no_models: Path) -> None:
    served.etag = "version-1"  # no checksum
    no_models.mkdir()
    (no_models / f"{NAME}.pt.version1.part").write_bytes(bytes(4_000_000))
    with pytest.raises(DownloadError, match="damaged"):
        download(NAME, Watcher())
    assert download(NAME, Watcher()).read_bytes() == served.content


def test_a_server_without_ranges(served: StandInHub) -> None:
    served.takes_ranges, served.cuts = False, [1_000_000]
    assert download(NAME, Watcher()).read_bytes() == served.content


def test_a_connection_that_brings_nothing_any_more(served: StandInHub, no_models: Path) -> None:
    served.cuts = [2_000_000] + [0] * 20
    with pytest.raises(
        DownloadError, match=r"cut 5 times in a row .* 2 of 3 MB are kept"
    ) as caught:
        download(NAME, Watcher())
    assert f"put it at {no_models / f'{NAME}.pt'}" in str(caught.value)
    assert len(served.asked) == 6
    served.cuts = []
    assert download(NAME, Watcher()).read_bytes() == served.content


def test_a_busy_server_is_asked_again(served: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    served.status = 503

    def recover(_: float) -> None:
        served.status = 200

    monkeypatch.setattr(transfer.time, "sleep", recover)
    assert download(NAME, Watcher()).read_bytes() == served.content


def test_a_refusal_is_final(served: StandInHub) -> None:
    served.status = 403
    with pytest.raises(DownloadError, match="is refused"):
        download(NAME, Watcher())
    assert len(served.asked) == 1


def test_a_file_that_is_not_on_the_hub(served: StandInHub) -> None:
    with pytest.raises(DownloadError, match=r"sam2_hiera_small\.pt gives no answer .*404"):
        download("sam2_hiera_small", Watcher())


def test_damage_on_the_way_is_noticed(served: StandInHub, no_models: Path) -> None:
    served.content = served.content[:-1] + bytes(
        [served.content[-1] ^ 1]
    )  # not what the Hub promised
    with pytest.raises(DownloadError, match="checksum is wrong"):
        download(NAME, Watcher())
    assert not list(no_models.glob("*.p*t"))


def test_a_damaged_file_is_fetched_again(served: StandInHub, no_models: Path) -> None:
    no_models.mkdir()
    (no_models / f"{NAME}.pt").write_bytes(b"damaged")
    assert download(NAME, Watcher()).read_bytes() == b"damaged"
    assert download(NAME, Watcher(), again=True).read_bytes() == served.content


def test_no_room_on_the_disk(served: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"room for 1 MB, 3 MB are needed.*NAPARI_SAM2_WEIGHTS"):
        download(NAME, Watcher())
    assert served.asked == []


def test_a_folder_that_cannot_be_written(served: StandInHub, no_models: Path) -> None:
    no_models.write_text("a file, not a folder")
    with pytest.raises(DownloadError, match="cannot be written"):
        download(NAME, Watcher())


def test_two_at_once_fetch_once(served: StandInHub) -> None:
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(download(NAME, Watcher()))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert paths[0].read_bytes() == served.content
    assert served.asked == ["bytes=0-"]


def test_someone_else_is_at_it(
    served: StandInHub, no_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.setattr(transfer, "_TIMEOUT", 0.2)
    no_models.mkdir()
    with (
        FileLock(no_models / f"{NAME}.pt.lock"),
        pytest.raises(DownloadError, match="another process is fetching"),
    ):
        download(NAME, Watcher())


def test_a_bar_is_drawn_unless_someone_else_shows_it(
    served: StandInHub, capsys: pytest.CaptureFixture[str]
) -> None:
    download(NAME)
    assert f"{NAME}.pt: 100%" in capsys.readouterr().err
    download(NAME, Watcher(), again=True)
    assert capsys.readouterr().err == ""


def test_no_connection(no_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    template = f"http://127.0.0.1:{port}" + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(DownloadError, match=r"gives no answer .*refused") as caught:
        download(NAME, Watcher())
    message = str(caught.value)
    assert f"put it at {no_models / f'{NAME}.pt'}" in message
    assert f'load_model("{NAME}", checkpoint=path)' in message
    assert 'load_model("nano") needs no download' in message


# the whole way, in fresh processes

DOWNLOAD = f"from napari_sam2.model.hub import download; download('{NAME}')"
LOAD = f"import napari_sam2; print(napari_sam2.load_model('{NAME}', device='cpu').no_obj_ptr[0, 0].item())"


def run(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "NAPARI_SAM2_"))}
    environment = kept | {"HF_HOME": str(home)} | environment
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.slow
def test_fetched_at_first_use_then_offline(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("stand_in_weights", REFERENCE / "weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shapes = parameter_shapes(CONFIGS[NAME])
    state = {k: torch.from_numpy(module.stand_in(k, shape)) for k, shape in shapes.items()}
    torch.save({"model": state}, tmp_path / "official.pt")
    home = tmp_path / "home"

    before = run(DOWNLOAD, home, HF_HUB_OFFLINE="1")
    assert before.returncode == 1
    assert "DownloadError" in before.stderr
    assert "offline mode is enabled" in before.stderr
    for served in serve((tmp_path / "official.pt").read_bytes()):
        online = run(LOAD, home, HF_ENDPOINT=served.url)
        assert online.returncode == 0, online.stderr
        assert len(served.asked) == 1
    offline = run(LOAD, home, HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    expected = f"{state['no_obj_ptr'][0, 0].item()}\n"
    assert (online.stdout, offline.stdout) == (expected, expected)
