"""What can go wrong, cut by who must act.

    SafelightError
    ├── Refusal            the client: an RFC 9457 problem with a status of 4xx
    │   ├── Invalid            422  a field is wrong; `pointer` names it
    │   ├── Unauthorized       401  no key, or one that is not known
    │   ├── Forbidden          403  a key that may not do this
    │   ├── SignatureInvalid   403  a link that was not signed here, or not like this
    │   ├── SignatureExpired   403  a signed link whose time is over
    │   ├── Unknown            404  no such thing, or not yours
    │   ├── NotStored          404  the image has no file yet; come back
    │   ├── NoPreview          404  nothing shows how far the image is
    │   ├── Gone               410  it was there and was deleted
    │   ├── Conflict           409  it cannot be done in this state
    │   ├── TooLarge           413  more bytes than the limit
    │   ├── TooManyQueued      429  more images than one user may have unfinished; come back
    │   └── TooMany            429  more than a key or a user may ask for in this time; come back
    └── Trouble            the operator
        ├── SettingsError          a setting is wrong (exit 2)
        ├── DatabaseAway           PostgreSQL does not answer (exit 3, HTTP 503)
        ├── StoreTrouble           pictures cannot be kept now (HTTP 503; pulling stops)
        └── TooManyListeners       one process has as many as it may (HTTP 503)

What the retry must act on is no exception: a renderer answers with records, see
`safelight.renderers.base`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safelight.core.quotas import Quota


class SafelightError(Exception):
    """The root of the tree; `code` is a slug that is stable over versions."""

    code = "error"
    title = "Something went wrong"
    status = 500

    def __init__(self, detail: str, *, code: str | None = None, title: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.title = title or self.title


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON pointer into the body (or `?name` for a query parameter)."""

    pointer: str
    detail: str
    code: str


class Refusal(SafelightError):
    """The client must change something."""

    code = "refused"
    title = "The request was refused"
    status = 400
    retry_after: float | None = None
    errors: tuple[FieldError, ...] = ()


class Invalid(Refusal):
    """422: a field is wrong; every wrong field is listed in `errors`."""

    code = "invalid-request"
    title = "The request is not valid"
    status = 422

    def __init__(
        self,
        detail: str,
        *,
        pointer: str = "",
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(detail, code=code)
        self.errors = errors or (FieldError(pointer, detail, self.code),)


class Unauthorized(Refusal):
    """401: whoever asks has not said who they are, or not so that it can be believed."""

    code = "unauthorized"
    title = "An API key is needed"
    status = 401


class Forbidden(Refusal):
    """403: whoever asks may not do this."""

    code = "permission-denied"
    title = "This key may not do that"
    status = 403


class SignatureInvalid(Refusal):
    """403: a signed link that was altered, or was never signed here."""

    code = "signature-invalid"
    title = "The link is not signed like this"
    status = 403


class SignatureExpired(Refusal):
    """403: a signed link whose time is over."""

    code = "signature-expired"
    title = "The link was good for a time"
    status = 403


class Unknown(Refusal):
    """404: no such thing."""

    code = "not-found"
    title = "There is no such thing"
    status = 404


class NotStored(Refusal):
    """404: the image is not stored yet (or never will be); `retry_after` in seconds."""

    code = "not-stored"
    title = "This image is not stored"
    status = 404
    retry_after: float | None = 1.0


class NoPreview(Refusal):
    """404: the image is not being drawn, or nothing of it has been seen yet."""

    code = "no-preview"
    title = "There is no preview of this image"
    status = 404


class Gone(Refusal):
    """410: deleted by request."""

    code = "gone"
    title = "This image was deleted"
    status = 410


class Conflict(Refusal):
    """409: not possible in this state."""

    code = "conflict"
    title = "Not possible in this state"
    status = 409


class TooLarge(Refusal):
    """413: more bytes than the limit."""

    code = "too-large"
    title = "The request body is too large"
    status = 413


class TooManyQueued(Refusal):
    """429: this user's images would be more than one user may have unfinished."""

    code = "too-many-queued"
    title = "Too many images are unfinished"
    status = 429
    retry_after: float | None = 10.0


class TooMany(Refusal):
    """429: a key or a user has asked for more than they may in this time."""

    code = "rate-limited"
    title = "Too much was asked for in this time"
    status = 429
    retry_after: float | None = 60.0
    quotas: Sequence[Quota] = ()


class Trouble(SafelightError):
    """The operator must act; the client may come back."""

    code = "trouble"
    title = "The service has trouble"
    status = 503
    retry_after: float | None = 2.0


class SettingsError(Trouble):
    """A setting is wrong; the detail names it and says what would be right."""

    code = "bad-settings"
    title = "The settings are not valid"
    status = 500


class DatabaseAway(Trouble):
    """PostgreSQL does not answer, refuses us, or is read-only."""

    code = "database-away"
    title = "The database does not answer"


class StoreTrouble(Trouble):
    """The object store cannot keep or give pictures now."""

    code = "store-away"
    title = "The store does not answer"


class TooManyListeners(Trouble):
    """503: this process tells as many listeners as it may; another one, or a later one, can."""

    code = "too-many-listeners"
    title = "Too many listen already"
    retry_after: float | None = 5.0
