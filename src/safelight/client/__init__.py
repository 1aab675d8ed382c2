"""A typed, asynchronous client of Safelight's HTTP API; it needs nothing but aiohttp.

    async with AsyncClient("http://127.0.0.1:8080") as client:
        batch = await client.generate("mira", user="u7", prompt="at the sea", quantity=4)
        for image in batch.images:
            await client.download(image.id, Path(image.name))

What is lost on the way is asked for again: refused and broken connections, timeouts and answers
that say "come back" are repeated until `patience` seconds have passed. An order carries an
idempotency key, so that an order sent twice is still one batch.

    asynchronous.py  the client: one method per thing one can ask
    connection.py    how it is asked: again, streamed, into a file
    records.py       what comes back
    errors.py        what can go wrong
"""

from safelight.client.asynchronous import AsyncClient
from safelight.client.errors import ClientError, NoServer, ProblemError
from safelight.client.records import ENDED, Batch, Event, Image, Page

__all__ = [
    "ENDED",
    "AsyncClient",
    "Batch",
    "ClientError",
    "Event",
    "Image",
    "NoServer",
    "Page",
    "ProblemError",
]
