"""What a client raises.

ClientError
├── NoServer             nothing answered, or not in time
├── ProblemError         the server answered, and the answer is no
│   ├── InvalidRequest       4xx  something about the request is wrong; `errors` names each field
│   ├── Unauthorized         401  no API key, or one that is not known
│   ├── PermissionDenied     403  a key that may not do this
│   ├── NotFound             404, 410  no such thing, not yours, or not there any more
│   ├── Conflict             409  it cannot be done in this state
│   ├── TooManyRequests      429  too much at once; `retry_after` says when to come back
│   ├── ServerTrouble        5xx  the server cannot now
│   └── UnexpectedAnswer     whatever answers there is no Safelight
├── BatchFailed          a batch has ended otherwise than completed
└── NotEnded             a batch has not ended in the time you gave it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


class ClientError(Exception):
    """The root of what this client raises."""


class NoServer(ClientError):
    """Nothing answers at this address, or not in time."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no server answers at {url}: {reason}")
        self.url = url
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WrongField:
    """One thing that is wrong with a request."""

    pointer: str  # into what was sent, /quantity; ?limit for a parameter; or a header's name
    detail: str  # for people
    code: str  # stable over versions


class ProblemError(ClientError):
    """The server says no. `str` of it is `detail`."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[WrongField, ...] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status  # of HTTP
        self.code = code  # stable over versions, as docs/reference/problems.md lists them
        self.detail = detail  # for people
        self.errors = errors  # every wrong field
        self.retry_after = retry_after  # seconds after which it is worth asking again
        self.request_id = request_id  # what the server's log has it under
        self.repeated = False  # an answer before this one was lost: it may have been done then


class InvalidRequest(ProblemError):
    """4xx: something about the request is wrong; `errors` names every field."""


class Unauthorized(ProblemError):
    """401: an API key is needed, or the one that was sent is not known."""


class PermissionDenied(ProblemError):
    """403: the API key may not do this."""


class NotFound(ProblemError):
    """404 or 410: no such thing, not yours, not stored yet, or deleted; `code` says which."""


class Conflict(ProblemError):
    """409: it cannot be done in this state."""


class TooManyRequests(ProblemError):
    """429: too much at once, and waiting any longer was not worth your patience."""


class ServerTrouble(ProblemError):
    """5xx: the server cannot now."""


class UnexpectedAnswer(ProblemError):
    """What answers there does not speak as Safelight does; its code is `unexpected-answer`."""

    def __init__(
        self,
        status: int,
        detail: str,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(status, "unexpected-answer", detail, (), retry_after, request_id)


class BatchFailed(ClientError):
    """A batch has ended otherwise than completed: `partial`, `failed` or `canceled`.

    `batch` is the batch as it ended, one of the client that raises this: what is stored of it can
    be used and saved, and `batch.retry()` tries the rest again.
    """

    def __init__(self, batch: Any) -> None:
        stored = sum(image.status == "stored" for image in batch.images)
        reasons = [i.error.detail for i in batch.images if i.error is not None]
        because = f": {reasons[0]}" if reasons else ""
        super().__init__(
            f"batch {batch.id} is {batch.status}, {stored} of {batch.quantity} images "
            f"are stored{because}"
        )
        self.batch = batch


class NotEnded(ClientError, TimeoutError):
    """A batch has not ended in the time you gave it. It goes on; `wait` may be asked again.

    `batch` is as for `BatchFailed`, as it was when the waiting began.
    """

    def __init__(self, batch: Any, timeout: float | None) -> None:
        super().__init__(f"batch {batch.id} has not ended within {timeout} s; it goes on")
        self.batch = batch


_BY_STATUS: Final[dict[int, type[ProblemError]]] = {
    401: Unauthorized,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: TooManyRequests,
}


def class_for(status: int) -> type[ProblemError]:
    """The class of a problem with this status.

    Example:
        >>> class_for(422).__name__
        'InvalidRequest'
    """
    return _BY_STATUS.get(status, ServerTrouble if status >= 500 else InvalidRequest)
