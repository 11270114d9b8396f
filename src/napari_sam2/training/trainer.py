"""A training run: draws batches, takes steps, logs a curve, and can be interrupted and resumed at any time."""

import logging
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import nn

from napari_sam2.model.config import CONFIGS
from napari_sam2.model.network import SAM2
from napari_sam2.training.average import Average
from napari_sam2.training.curve import Curve, RunningMean
from napari_sam2.training.initialise import initialise
from napari_sam2.training.pool import Draw, Pool, draw_training_clip, draw_training_plane
from napari_sam2.training.samples import FRAMES, Batch, make_batch
from napari_sam2.training.schedule import Schedule
from napari_sam2.training.settings import Settings
from napari_sam2.training.steps import StepLoss, clip_loss, image_loss
from napari_sam2.training.validate import COLUMNS, Validation

__all__ = ["STATE_FILE", "Trainer"]

log = logging.getLogger(__name__)

STATE_FILE = "state.pt"
PARTS = ("loss", "mask", "iou", "choice", "object", "chosen_iou", "best_iou")
CURVE_COLUMNS = ("step", "kind", "seconds", "progress", "rate", *PARTS, "waited")
LARGEST_GRADIENT = 1.0
EMPTY_SHARE = 0.02
LARGEST_CLIP = 192
"""Side of the crops from clips, in pixels; drawn clips are 160 wide."""
LONG = 6
"""Frames of two clips in five; the others have `FRAMES`."""


class Trainer:
    """The run in a folder; starts it, or goes on from its last state.

    Parameters
    ----------
    folder : Path
        Outside the repository: state, drawn images, curves.
    settings : Settings
        What to do; the same as before if the run is to go on exactly as if it had not been interrupted.
    draw_plane, draw_clip : callable
        Index -> images and labels.
    start_from : dict of str to Tensor, optional
        Weights to begin a new run with.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        draw_plane: Draw = draw_training_plane,
        draw_clip: Draw = draw_training_clip,
        start_from: dict[str, torch.Tensor] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.settings = settings
        self.schedule = Schedule(
            peak_rate=settings.peak_rate,
            clips_from=settings.clips_from,
            clip_share=settings.clip_share,
        )
        self.net = initialise(SAM2(CONFIGS[settings.model]), settings.seed).to(settings.device)
        if start_from is not None:
            self.net.load_state_dict(start_from)
        self.average = Average(self.net, settings.decay)
        self.optimizer = _make_optimizer(self.net, settings)
        self.step = 0
        self.elapsed = 0.0
        self._load()
        settings.save(folder / "settings.json")
        self.draws = {"image": draw_plane, "clip": draw_clip}
        self.curve = Curve(folder / "curve.csv", CURVE_COLUMNS, self.step)
        self.scores = Curve(
            folder / "validation.csv", ("step", "seconds", "progress", *COLUMNS), self.step
        )
        self._stopped = False

    @property
    def progress(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.settings.steps > 0:
            return self.step / self.settings.steps
        return self.elapsed / (60 * self.settings.minutes)

    def run(
        self, *, save_every: float = 180.0, score_every: float = 300.0, log_every: int = 25
    ) -> None:
        """Train to the end, or until SIGINT or SIGTERM; the state is written in either case.

        Parameters
        ----------
        save_every, score_every : float
            Seconds between writing the state, and between validations.
        log_every : int
            Steps between rows of the curve.
        """
        if self.settings.device == "cpu":
            torch.set_num_threads(self.settings.threads)
        handlers = {s: signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)}
        pools = self._open_pools()
        try:
            self._loop(pools, save_every, score_every, log_every)
        finally:
            for pool in pools.values():
                pool.close()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self.save()

    def _loop(
        self, pools: dict[str, Pool], save_every: float, score_every: float, log_every: int
    ) -> None:
        validation: Validation | None = None
        saved = scored = self.elapsed
        means = {kind: RunningMean() for kind in pools}
        while self.progress < 1 and not self._stopped:
            start = time.monotonic()
            kind, loss = self.take_step(pools)
            means[kind].add({"loss": float(loss.total.detach()), **loss.parts})
            self.elapsed += time.monotonic() - start
            if self.step % log_every == 0:
                self._log(means, pools)
            if self.elapsed - saved >= save_every:
                saved = self.elapsed
                self.save()
            if score_every and self.elapsed - scored >= score_every:
                start = time.monotonic()
                validation = validation or self._open_validation()
                self._score(validation)
                self.elapsed += time.monotonic() - start
                scored = self.elapsed
        if score_every and not self._stopped:
            self._score(validation or self._open_validation())

    def take_step(self, pools: dict[str, Pool]) -> tuple[str, StepLoss]:
        """Take one step; all chance in it comes from the seed and the number of the step."""
        rng = np.random.default_rng((self.settings.seed, self.step))
        progress = min(self.progress, 1.0)
        kind = "clip" if rng.random() < self.schedule.clips(progress) else "image"
        batch = self._batch(kind, pools, rng)
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(progress)
        device = self.settings.device
        use_bfloat16 = self.settings.precision == "bfloat16"
        self.net.train()
        with torch.autocast(device, torch.bfloat16, enabled=use_bfloat16):
            make_loss = clip_loss if kind == "clip" else image_loss
            loss = make_loss(self.net, batch, rng, self.schedule.weights(progress))
        if not torch.isfinite(loss.total):
            raise FloatingPointError(
                f"the loss of step {self.step} is {float(loss.total.detach())}; resume from the last state with a "
                "lower peak rate."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return kind, loss

    def _batch(self, kind: str, pools: dict[str, Pool], rng: np.random.Generator) -> Batch:
        s = self.settings
        used = int(s.fresh * self.step)
        pools["image"].want(s.first_planes + used)
        pools["clip"].want(s.first_clips + used // 4)
        side = int(rng.choice(s.sides, p=s.side_shares))
        if kind == "clip":
            side = min(side, LARGEST_CLIP)
        crops = s.clips if kind == "clip" else s.crops
        batch = make_batch(
            pools[kind],
            s.first_clips + used // 4 if kind == "clip" else s.first_planes + used,
            rng,
            crops=max(2, round(crops * min(1.0, (128 / side) ** 2))),
            objects=s.clip_objects if kind == "clip" else s.objects,
            side=side,
            frames=FRAMES if rng.random() < 0.6 else LONG,
            empty_share=0.0 if kind == "clip" else EMPTY_SHARE,
        )
        images = batch.images.to(s.device)
        return Batch(images, batch.crop_of_row, batch.truth, batch.background)

    def _open_pools(self) -> dict[str, Pool]:
        s = self.settings
        folder = self.folder / "drawn"
        pools = {
            kind: Pool(folder / kind, draw, workers=s.workers) for kind, draw in self.draws.items()
        }
        pools["image"].want(s.first_planes)
        return pools

    def _open_validation(self) -> Validation:
        folder = self.folder / "drawn" / "validation"
        return Validation(folder, self.draws["image"], self.draws["clip"])

    def _score(self, validation: Validation) -> None:
        """Validate the averaged weights."""
        averaged = SAM2(CONFIGS[self.settings.model]).to(self.settings.device).eval()
        averaged.load_state_dict(self.average.weights)
        scores = validation.score(averaged)
        self.scores.add(
            {"step": self.step, "seconds": self.elapsed, "progress": self.progress, **scores}
        )
        log.info(
            "step %d validation %s", self.step, " ".join(f"{k} {v:.3f}" for k, v in scores.items())
        )

    def _log(self, means: dict[str, RunningMean], pools: dict[str, Pool]) -> None:
        rate = self.optimizer.param_groups[0]["lr"]
        waited = sum(pool.waited for pool in pools.values())
        for kind, mean in means.items():
            if mean.count:
                values = mean.take()
                row: dict[str, float | int | str] = {"step": self.step, "kind": kind}
                row |= {"seconds": self.elapsed, "progress": self.progress, "rate": rate}
                self.curve.add(row | {"waited": waited} | values)
                log.info(
                    "step %d %s %.0f s (%.0f s waited) %s",
                    self.step,
                    kind,
                    self.elapsed,
                    waited,
                    " ".join(f"{name} {values[name]:.3f}" for name in PARTS),
                )

    def save(self) -> None:
        """Write the state atomically."""
        state = {
            "step": self.step,
            "elapsed": self.elapsed,
            "net": self.net.state_dict(),
            "average": self.average.weights,
            "average_count": self.average.count,
            "optimizer": self.optimizer.state_dict(),
        }
        partial = self.folder / (STATE_FILE + ".part")
        torch.save(state, partial)
        partial.replace(self.folder / STATE_FILE)

    def _load(self) -> None:
        path = self.folder / STATE_FILE
        if not path.exists():
            return
        state: dict[str, Any] = torch.load(
            path, map_location=self.settings.device, weights_only=True
        )
        self.net.load_state_dict(state["net"])
        self.average.weights = state["average"]
        self.average.count = state["average_count"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        log.info("resumed at step %d, after %.0f s", self.step, self.elapsed)

    def _stop(self, number: int, _: FrameType | None) -> None:
        log.info("signal %d: finishing the step and writing the state", number)
        self._stopped = True


def _make_optimizer(net: SAM2, settings: Settings) -> torch.optim.AdamW:
    """AdamW; weight decay only where weights are multiplied: not on biases, norms and learned tokens."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in net.named_parameters():
        is_matrix = parameter.ndim > 1 and name.endswith(".weight") and "embed" not in name
        (decayed if is_matrix and "token" not in name.split(".")[-2] else free).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.peak_rate, betas=(0.9, 0.98), fused=True)
