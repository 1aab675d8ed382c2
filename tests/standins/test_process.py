"""A stand-in as a process of its own: accidents are ordered, and assets listed, over HTTP."""

from __future__ import annotations

import pytest

from safelight.publishers.base import NotNow, Uploaded
from tests.contracts.publishing import at, standin_process
from tests.standins import Bytes, item, png

COPY = Bytes(png(1))


@pytest.mark.parametrize("kind", ["cloudinary", "bunny"])
async def test_accidents_are_ordered_over_http(kind: str) -> None:
    """As a story does that kills and starts real programs around it."""
    with standin_process(kind) as url:
        far = at(kind, url)
        far.standin.faults(error=2)
        publisher = far.publisher()
        place = publisher.place(item(1))
        for _ in range(2):
            assert isinstance(await publisher.publish(place, item(1), COPY), NotNow)
        assert isinstance(await publisher.publish(place, item(1), COPY), Uploaded)
        await publisher.close()
        (asset,) = far.standin.assets()
        assert (asset["uploads"], asset["overwritten"]) == (1, 0)
        assert far.lying() == {place: COPY.sha256}
