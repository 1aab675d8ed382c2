"""What it means that somebody may not ask, and what to do about it."""

from __future__ import annotations

from typing import Final

from safelight.api.text import Text

ACCESS: Final = {
    "permission-denied": Text(
        403,
        "This key may not do that",
        "The API key that was shown has no scope for this. Ask whoever runs the service for one "
        "that has; `safelight keys ls` shows the scopes of each.",
    ),
    "rate-limited": Text(
        429,
        "Too much was asked for in this time",
        "The key, or the user, has asked for as much as the settings or the key allow in this "
        "time. Nothing was reserved and the Idempotency-Key is free. Come back after Retry-After"
        " seconds.",
    ),
    "signature-expired": Text(
        403,
        "The link was good for a time",
        "A signed link is good until the moment it names. Ask the application that gave it out "
        "for a new one.",
    ),
    "signature-invalid": Text(
        403,
        "The link is not signed like this",
        "A signed link leads to one picture, and with every parameter as it was signed. This one"
        " was altered or cut off, leads elsewhere, or the keys that sign were changed since. Ask"
        " the application that gave it out for a new one.",
    ),
    "unauthorized": Text(
        401,
        "An API key is needed",
        "Send an API key as `Authorization: Bearer slk_…`. From the first key on nobody is "
        "answered without one; `safelight keys create` makes it. The detail says if a key is "
        "mistyped, unknown, revoked or expired.",
    ),
    "cross-origin": Text(
        403,
        "Pages of other origins may not do this",
        "A browser sent this request for a page of another origin. Send it from a page of this "
        "server, or from a program.",
    ),
}
