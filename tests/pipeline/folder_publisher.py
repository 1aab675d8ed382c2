"""A publisher that is a folder: what lies there can be looked at, broken and put back by tests."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from pathlib import Path

from safelight.publishers.base import (
    Copy,
    Found,
    Item,
    Look,
    Missing,
    NotNow,
    Outcome,
    Refused,
    Removal,
    Removed,
    Uploaded,
)


class FolderPublisher:
    """Copies as files; `away` answers are given first, one a call. `served` is what urls begin
    with."""

    def __init__(self, name: str, folder: Path, served: str = "https://cdn.example") -> None:
        self.name = name
        self.folder = folder
        self.served = served
        self.away: deque[NotNow] = deque()
        self.looked = 0
        self.at_once = 0
        self.most_at_once = 0

    def place(self, item: Item) -> str:
        return f"{item.user}/{item.character}/{item.name}"

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        data = b"".join([piece async for piece in copy.pieces()])
        if self.away:
            return self.away.popleft()
        path = self.folder / place
        existed = path.exists()
        if existed and path.read_bytes() != data:
            return Refused("another picture has this name")
        self.put(place, data)
        return Uploaded(f"{self.served}/{place}", existed)

    async def look(self, place: str) -> Look:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.looked += 1
        if self.away:
            return self.away.popleft()
        path = self.folder / place
        if not path.exists():
            return Missing()
        data = path.read_bytes()
        return Found(len(data), hashlib.md5(data).hexdigest())

    async def remove(self, place: str, md5: str) -> Removal:
        if self.away:
            return self.away.popleft()
        path = self.folder / place
        if not path.exists():
            return Removed()
        if hashlib.md5(path.read_bytes()).hexdigest() != md5:
            return Refused("another picture lies there")
        path.unlink()
        return Removed()

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        self.put(f"{user}/{character}/index.txt", f"{highest}\n".encode())
        return Uploaded(f"{self.served}/{user}/{character}/index.txt")

    async def close(self) -> None:
        pass

    def put(self, place: str, data: bytes) -> None:
        """As somebody else, or an earlier upload, would have."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
