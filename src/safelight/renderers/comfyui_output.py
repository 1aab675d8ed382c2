"""The output folder of a ComfyUI, as its `/view` shows it: by HEAD, nothing is downloaded to look.

A folder cannot be listed over HTTP, so numbers are asked for one by one, many at a time. Redirects
are not followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Final

import aiohttp
from yarl import URL

from safelight.core.adopting import Found, Names, next_block
from safelight.renderers.base import Answer, Fetched, Unfetched
from safelight.renderers.comfyui_http import (
    Http,
    Patience,
    Reply,
    TooLarge,
    Unanswered,
    unlike_a_file,
)
from safelight.renderers.outputs import END_OF_PNG, Looked, OutputAway, together

_AT_ONCE: Final = 16  # requests
_PAUSES: Final = (0.2, 1.0, 3.0)  # s before a request that got no answer is sent again
_NEVER_DRAWN: Final = 999_999_999_999  # an index nobody has
_ANSWER_LIMIT: Final = 1024  # bytes of what is no picture
_PATIENCE: Final = Patience()


class ComfyOutput:
    """Example: `ComfyOutput("http://127.0.0.1:8188", subfolder="old")`.

    Raises ValueError for an url or a header that cannot be used.
    """

    kind = "comfyui"

    def __init__(
        self,
        url: str,
        *,
        subfolder: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
        token: str | None = None,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._http = Http(url, headers, token, _ANSWER_LIMIT, patience)
        self._subfolder = subfolder
        self._wait = patience
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def pictures(self, names: Names, known: int) -> AsyncIterator[Looked]:
        """Block by block, as far as `core.adopting.next_block` says."""
        await self._prove(names)
        looked = highest = 0
        while block := next_block(looked, highest, known):
            asked = await together(self._find(names, index) for index in block)
            found = [one for one in asked if one]
            looked = block[-1]
            highest = max([highest, *(one.index for one in found)])
            yield Looked(looked, found)

    async def ends_well(self, name: str) -> bool | None:
        """Whether its last bytes are those of a PNG; None where ranges are not answered."""
        headers = {"Range": f"bytes=-{len(END_OF_PNG)}"}
        try:
            answer = await self._ask(name, headers=headers)
        except TooLarge:
            return None
        if answer.status in (200, 206):
            return answer.body == END_OF_PNG
        return False if answer.status == 416 else None  # 416: no byte in it

    async def fetch(self, name: str, limit: int) -> Answer:
        """Its bytes, as many as were announced."""
        timeout = aiohttp.ClientTimeout(total=self._wait.fetch, sock_read=self._wait.stall)
        try:
            answer = await self._ask(name, limit=limit, timeout=timeout)
        except TooLarge as large:
            return Unfetched(large.reason, too_large=True)
        if answer.status != 200:
            return Unfetched(f"HTTP {answer.status}", gone=True)
        if reason := unlike_a_file(answer.headers):
            return Unfetched(reason, gone=True)
        return Fetched(answer.body)

    async def close(self) -> None:
        """Let go of sockets."""
        await self._http.close()

    async def _prove(self, names: Names) -> None:
        """What says yes to everything, or no to everything, says nothing."""
        answer = await self._ask(names.spellings(_NEVER_DRAWN)[0], method="HEAD")
        if answer.status in (200, 206):
            raise OutputAway("it has every picture one asks for: that is no ComfyUI")
        self._expect_missing(answer)

    async def _find(self, names: Names, index: int) -> Found | None:
        for name in names.spellings(index):
            answer = await self._ask(name, method="HEAD")
            if answer.status == 200:
                size = answer.headers.get("Content-Length", "")
                return Found(index, name, int(size) if _is_size(size) else None)
            self._expect_missing(answer)
        return None

    def _expect_missing(self, answer: Reply) -> None:
        if 300 <= answer.status < 400:
            raise OutputAway("it leads elsewhere; give the address it leads to", usage=True)
        if answer.status != 404:
            raise OutputAway(f"it answers HTTP {answer.status} for a picture")

    async def _ask(
        self,
        name: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> Reply:
        """A request, sent again where nobody answered."""
        url = self._url(name)
        reason = ""
        for pause in (0.0, *_PAUSES):
            await asyncio.sleep(pause)
            try:
                async with self._room:
                    answer = await self._http.get(
                        url, method=method, headers=headers, limit=limit, timeout=timeout
                    )
            except TooLarge:
                raise
            except Unanswered as trouble:
                reason = trouble.reason
                continue
            if answer.status < 500 and answer.status not in (408, 429):
                return answer
            reason = f"HTTP {answer.status}"
        raise OutputAway(reason)

    def _url(self, name: str) -> URL:
        query = {"filename": name, "subfolder": self._subfolder, "type": "output"}
        return self._http.base.joinpath("view").with_query(query)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
