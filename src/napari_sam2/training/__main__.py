"""``python -m napari_sam2.training``: train, export."""

import argparse
import logging
from dataclasses import fields, replace
from pathlib import Path

from napari_sam2.training.export import averaged_weights, export
from napari_sam2.training.settings import Settings
from napari_sam2.training.trainer import Trainer

log = logging.getLogger("napari_sam2.training")

_TUPLES = {"sides", "side_shares"}


def main(arguments: list[str] | None = None) -> None:
    """Run one of the commands."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options = _parser().parse_args(arguments)
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m napari_sam2.training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="start a run, or go on with it")
    train.add_argument("--state", type=Path, required=True, help="folder outside the repository")
    train.add_argument(
        "--start-from", type=Path, help="folder of another run: begin with its weights"
    )
    train.add_argument("--save-every", type=float, default=3.0, help="minutes")
    train.add_argument("--score-every", type=float, default=5.0, help="minutes; 0 for never")
    for field in fields(Settings):
        if field.name not in _TUPLES:
            kind = type(field.default)
            train.add_argument("--" + field.name.replace("_", "-"), type=kind)
    train.set_defaults(run=_train)
    write = commands.add_parser("export", help="write the averaged weights as safetensors")
    write.add_argument("--state", type=Path, required=True)
    write.add_argument("--out", type=Path, required=True)
    write.add_argument("--blend", type=Path, help="folder of a related run, for the mean of both")
    write.add_argument("--share", type=float, default=0.5, help="of --state in that mean")
    write.set_defaults(run=_export)
    return parser


def _train(options: argparse.Namespace) -> None:
    """Start with the defaults, or go on with the settings of the run, but for those that are given."""
    stored = options.state / "settings.json"
    settings = Settings.load(stored) if stored.exists() else Settings()
    names = [f.name for f in fields(Settings) if f.name not in _TUPLES]
    given = {n: getattr(options, n) for n in names if getattr(options, n) is not None}
    start = averaged_weights(options.start_from) if options.start_from else None
    trainer = Trainer(options.state, replace(settings, **given), start_from=start)
    trainer.run(save_every=60 * options.save_every, score_every=60 * options.score_every)


def _export(options: argparse.Namespace) -> None:
    size = export(options.state, options.out, options.blend, options.share)
    log.info("%s: %.1f MB", options.out, size / 1e6)


if __name__ == "__main__":
    main()
