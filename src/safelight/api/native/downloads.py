"""Pictures of a series to take along, as one file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from safelight.api.context import context_of
from safelight.api.envelope import BrokenOff
from safelight.api.openapi import FILE, described
from safelight.api.paths import series_or_unknown
from safelight.core.errors import SafelightError
from safelight.core.selecting import read_indices

router = APIRouter(tags=["series"])
_MEDIA_TYPE: Final = "application/zip"
_log = structlog.get_logger(__name__)


class Download(BaseModel):
    """Query parameters of a download."""

    model_config = ConfigDict(extra="forbid")

    indices: str | None = Field(
        None,
        json_schema_extra={"pattern": r"^[1-9][0-9]{0,9}(-[1-9][0-9]{0,9})?(,[1-9][0-9-]{0,20})*$"},
    )
    """As people write them: `13,12,10-4`."""


@router.get(
    "/v1/series/{user}/{character}/download.zip",
    operation_id="download_series",
    summary="Pictures of a series as a ZIP",
    responses=described({200: _MEDIA_TYPE}, *FILE, "invalid-request"),
)
async def download_series(
    request: Request, user: str, character: str, what: Annotated[Download, Query()]
) -> Response:
    """All that are stored and not deleted, or exactly those with these `indices`, highest first.

    Files are as they were stored, under the names of the images, with the moment each was stored
    (UTC). The length is told beforehand: an answer that breaks off is no whole one.
    """
    user, character = series_or_unknown(user, character)
    indices = None if what.indices is None else read_indices(what.indices, "?indices")
    context = context_of(request)

    def name(index: int) -> str:
        return context.name(user, character, index)

    parcel = await context.gateway.packing.pack(user, character, indices, name)
    headers = {
        "content-length": str(parcel.length),
        "content-disposition": f'attachment; filename="{user}-{character}.zip"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    if request.scope["safelight.head"]:
        return Response(headers=headers, media_type=_MEDIA_TYPE)
    pieces = parcel.pieces()
    # What is wrong before the first piece can still be said.
    first = await anext(pieces)
    return StreamingResponse(_sent(first, pieces), headers=headers, media_type=_MEDIA_TYPE)


async def _sent(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        yield first
        try:
            async for piece in pieces:
                yield piece
        except SafelightError as trouble:
            _log.warning("a download breaks off", reason=str(trouble))
            raise BrokenOff from None
