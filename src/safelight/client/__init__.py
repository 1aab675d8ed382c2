"""A typed client of Safelight's HTTP API, synchronous and asynchronous; it needs only aiohttp.

    client = Client()
    batch = client.generate("mira", user="ann", prompt="at the sea", quantity=4)
    batch.save("pictures")

What is lost on the way is asked for again: refused and broken connections, timeouts and answers
that say "come back" are repeated until `patience` seconds have passed. An order carries an
idempotency key, so that an order sent twice is still one batch.

    synchronous.py   the client for those who wait
    asynchronous.py  the client for those who do not; both have the same methods
    taking.py        the part of it that brings bytes: pictures, a series as one file
    operating.py     the part of it that is mostly for those who run a server
    bound.py         batches and images that can ask for more of themselves
    records.py       what comes back
    errors.py        what can go wrong
    connection.py    how it is asked: again, streamed, into a file
    patience.py      how long it is asked again
    answers.py       what the bytes of an answer mean
    saving.py        pictures as files
    loop.py          an event loop in a thread of its own
"""

from safelight.client.asynchronous import AsyncClient
from safelight.client.bound import AsyncBatch, AsyncImage, Batch, Image
from safelight.client.errors import (
    BatchFailed,
    ClientError,
    Conflict,
    InvalidRequest,
    NoServer,
    NotEnded,
    NotFound,
    PermissionDenied,
    ProblemError,
    ServerTrouble,
    TooManyRequests,
    Unauthorized,
    UnexpectedAnswer,
    WrongField,
)
from safelight.client.records import (
    ENDED,
    BatchRecord,
    Character,
    Event,
    Failure,
    ImageRecord,
    Lora,
    Page,
    Parameters,
    Publication,
    Series,
)
from safelight.client.synchronous import Client

__all__ = [
    "ENDED",
    "AsyncBatch",
    "AsyncClient",
    "AsyncImage",
    "Batch",
    "BatchFailed",
    "BatchRecord",
    "Character",
    "Client",
    "ClientError",
    "Conflict",
    "Event",
    "Failure",
    "Image",
    "ImageRecord",
    "InvalidRequest",
    "Lora",
    "NoServer",
    "NotEnded",
    "NotFound",
    "Page",
    "Parameters",
    "PermissionDenied",
    "ProblemError",
    "Publication",
    "Series",
    "ServerTrouble",
    "TooManyRequests",
    "Unauthorized",
    "UnexpectedAnswer",
    "WrongField",
]
