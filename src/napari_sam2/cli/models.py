"""``napari-sam2 models``: what is here and what can be had."""

from typing import TYPE_CHECKING, Annotated

import typer

from napari_sam2.cli.console import note, progress_bar, show_table

if TYPE_CHECKING:
    from napari_sam2.model.hub import ModelCard

__all__ = ["models"]


def models(
    download: Annotated[
        str | None,
        typer.Option(
            "--download",
            "-d",
            metavar="NAME",
            help="Fetch this model from the Hugging Face Hub. Nothing is ever fetched without this.",
            show_default=False,
        ),
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(
            "--remove",
            metavar="NAME",
            help="Delete this model of your own, made by [bold]napari-sam2 finetune[/bold].",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the models: which are on this machine, which can be had, their size and licence.

    Those that are not here can be fetched once, and then work offline. Your own, fine-tuned ones come last.

    Example:

        napari-sam2 models --download sam2.1_hiera_tiny
    """
    if remove is not None:
        from napari_sam2.model.own import remove_own_model

        typer.echo(f"removed {remove}: {remove_own_model(remove)}")
        return
    if download is not None:
        _fetch(download)
        return
    from napari_sam2.model.hub import all_cards, weights_folder
    from napari_sam2.model.own import own_models_folder

    cards = all_cards()

    show_table(
        "Models",
        ("model", "here", "MB", "licence", "what to expect"),
        [_row(card) for card in cards.values()],
        text_columns=("model", "here", "licence", "what to expect"),
    )
    typer.echo(f"Downloaded models are kept in {weights_folder()}")
    typer.echo("Fetch one: napari-sam2 models --download NAME")
    if any(card.own for card in cards.values()):
        typer.echo(f"Your own models are kept in {own_models_folder()}")


def _row(card: "ModelCard") -> tuple[str, str, str, str, str]:
    from napari_sam2.model.hub import is_downloaded

    if card.own is not None:
        place = "damaged" if card.own.damage else "own"
        return card.name, place, f"{card.size / 1e6:.0f}", card.licence, card.note
    here = is_downloaded(card.name)
    place = ("bundled" if card.is_bundled else "yes") if here else "no"
    return card.name, place, f"{card.size / 1e6:.0f}", card.licence, card.note


def _fetch(name: str) -> None:
    from napari_sam2.model.hub import download, find_weights

    here = find_weights(name)
    if here is not None:
        typer.echo(f"{name} is here already: {here}")
        return
    try:
        with progress_bar(name, of_bytes=True) as advance:
            path = download(name, advance)
    except KeyboardInterrupt:
        note("stopped; what has arrived is kept, and the same command goes on from there.")
        raise typer.Exit(130) from None
    typer.echo(f"{name}: {path}")
