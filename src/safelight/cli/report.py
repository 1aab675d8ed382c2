"""A batch when it is over: the table of its images, and its pictures as files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich.text import Text

from safelight.cli.session import BROKEN, KEPT, Failure
from safelight.cli.terminal import STYLES, emit, err, say, show

if TYPE_CHECKING:
    from safelight.client import AsyncBatch, AsyncClient, AsyncImage

Out: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", help="Bring the pictures there.")
]


def folder_for_pictures(folder: Path | None) -> None:
    """Make it before anything is ordered: what cannot be kept should not be drawn."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


async def bring(client: AsyncClient, batch: AsyncBatch, folder: Path | None) -> dict[str, Path]:
    """The stored pictures as files of that folder, by image id."""
    files: dict[str, Path] = {}
    for image in batch.images if folder else ():
        if folder and image.ready:
            files[image.id] = folder / image.name
            try:
                await client.download(image.id, files[image.id])
            except OSError as error:
                raise _unwritable(folder, error) from None
    return files


async def tell(
    client: AsyncClient, batch: AsyncBatch, files: Mapping[str, Path], *, json: bool
) -> int:
    """Print the batch as it is; returns the exit code it deserves."""
    if json:
        emit(batch.raw)
    else:
        details = [await client.image(image.id) for image in batch.images]
        rows = [_row(image, files) for image in details]
        show(["index", "name", "seed", "seconds", "where"], rows, right="index seed seconds")
    _sum_up(batch)
    return KEPT if batch.status == "completed" or not batch.ended else BROKEN


def _row(image: AsyncImage, files: Mapping[str, Path]) -> list[object]:
    seconds = (image.raw.get("timings") or {}).get("working_seconds")
    took = f"{seconds:.1f}" if seconds is not None else ""
    return [image.index, image.name, image.seed, took, _where(image, files)]


def _where(image: AsyncImage, files: Mapping[str, Path]) -> object:
    """The folder beside the name is the path; a state where there is no picture."""
    if image.status != "stored":
        return image.status
    if image.deleted_at is not None:
        return "deleted"
    return f"{files[image.id].parent}/" if image.id in files else image.url


def _sum_up(batch: AsyncBatch) -> None:
    for image in batch.images:
        if image.error:
            say(f"{image.index:05d}  failed: {image.error.detail}", STYLES["failed"])
    stored = sum(image.status == "stored" for image in batch.images)
    text = Text.assemble(
        ("batch ", "dim"),
        batch.id,
        "  ",
        (batch.status, STYLES.get(batch.status, "")),
        f"  {stored} of {batch.quantity} stored",
    )
    if batch.ended_at:
        seconds = datetime.fromisoformat(batch.ended_at) - datetime.fromisoformat(batch.created_at)
        text.append(f" in {seconds.total_seconds():.1f} s")
    err.print(text, soft_wrap=not err.is_terminal)


def _unwritable(folder: Path, error: OSError) -> Failure:
    return Failure(f"{folder}: pictures cannot be written there: {error.strerror}")
