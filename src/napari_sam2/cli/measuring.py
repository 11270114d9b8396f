"""The work of ``evaluate``: sets one after another, tables, JSON, figure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from napari_sam2.cli.choosing import ModelChoice, describe_model, memory_errors
from napari_sam2.cli.console import note, progress_bar, show_table
from napari_sam2.cli.overlay import save_png
from napari_sam2.cli.resuming import describe_file
from napari_sam2.errors import StackError
from napari_sam2.evaluation import (
    BaselineMethod,
    EvaluationSet,
    Method,
    ModelMethod,
    Options,
    Scene,
    SetResult,
    evaluate_scene,
    find_sets,
    read_scene,
)
from napari_sam2.evaluation.figure import Row, draw_figure, rows_of
from napari_sam2.evaluation.report import as_json, as_markdown, tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Measuring", "choose_sets"]

MODEL = "model"
TEXT_COLUMNS = ("set", "method")


def choose_sets(folder: Path, names: Sequence[str]) -> list[EvaluationSet]:
    """Find the sets of a folder; only those with these names, if there are any.

    Raises
    ------
    StackError
        If it is no folder with sets, or lacks one of the names.
    """
    if not folder.exists():
        raise StackError(f"{folder} does not exist; check the name.")
    if not folder.is_dir() or folder.suffix == ".zarr":
        raise StackError(f"{folder} is an image; give its truth with --labels.")
    found = {one.name: one for one in find_sets(folder)}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise StackError(f"--set {unknown[0]!r} is not there; {folder} has {', '.join(found)}.")
    return [found[name] for name in names] or list(found.values())


@dataclass(frozen=True, slots=True, eq=False)
class Measuring:
    """One run of ``evaluate``.

    Parameters
    ----------
    sets : list of EvaluationSet
        On what.
    methods : tuple of str
        "model" and names of baselines; the figure shows the first one.
    model : ModelChoice
        Which model.
    options : Options
        Limits.
    frames : int or None
        So many frames at most.
    out : Path
        Folder.
    """

    sets: list[EvaluationSet]
    methods: tuple[str, ...]
    model: ModelChoice
    options: Options
    frames: int | None
    out: Path

    def run(self) -> None:
        """Evaluate, write, print.

        Raises
        ------
        StackError
            If a set cannot be read, or the folder cannot be written.
        """
        self._prepare()
        methods, facts = self._open_methods()
        results: list[SetResult] = []
        rows: list[Row] = []
        with memory_errors():
            for one in self.sets:
                scene = read_scene(one, self.frames)
                results.append(self._measure(scene, methods))
                rows += rows_of(scene, results[-1].results[0])
                # after every set: a long run that is ended leaves what it has found out
                self._write(results, rows, {**facts, "frames": self.frames})
        self._print(results)

    def _prepare(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"--out {self.out} cannot be made ({error}); choose another."
            ) from error

    def _open_methods(self) -> tuple[list[Method], dict[str, Any]]:
        """Return the methods, and what the report says about the model."""
        methods: list[Method] = [BaselineMethod(name) for name in self.methods if name != MODEL]
        if MODEL not in self.methods:
            return methods, {"model": None}
        net = self.model.load()
        note(describe_model(net))
        facts = {
            "name": net.name,
            "weights": describe_file(self.model.weights()),
            "device": str(net.device),
            "precision": str(net.precision),
        }
        return [ModelMethod(net), *methods], {"model": facts}

    def _measure(self, scene: Scene, methods: Sequence[Method]) -> SetResult:
        note(f"{scene.name}: {len(scene.truth)} frame(s) of {scene.stack.plane_shape}")
        with progress_bar(scene.name) as advance:
            return evaluate_scene(
                scene, methods, self.options, lambda _, done, total: advance(done, total)
            )

    def _write(
        self, results: Sequence[SetResult], rows: Sequence[Row], facts: dict[str, Any]
    ) -> None:
        made = tables(results, self.options.most_clicks)
        content = json.dumps(as_json(results, self.options, facts), indent=1)
        try:
            (self.out / "report.json").write_text(content + "\n", encoding="utf-8")
            (self.out / "report.md").write_text(as_markdown(made), encoding="utf-8")
        except OSError as error:
            raise StackError(
                f"{self.out} cannot be written ({error}); free some space, or choose another --out."
            ) from error
        if rows:
            save_png(self.out / "figure.png", draw_figure(rows))

    def _print(self, results: Sequence[SetResult]) -> None:
        for table in tables(results, self.options.most_clicks):
            show_table(table.title, table.columns, table.rows, text_columns=TEXT_COLUMNS)
        typer.echo(f"results: {self.out}")
