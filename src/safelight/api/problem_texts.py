"""What every problem means and what to do about it; `docs/reference/problems.md` says the same."""

from __future__ import annotations

from typing import Final

from safelight.api.access_texts import ACCESS
from safelight.api.text import Text

# One per code that an answer can carry at its top. Codes of single fields are in `field_texts.py`.
_WORK: Final = {
    "already-failed": Text(
        409,
        "It has failed already",
        "Nothing is left to cancel: what is not stored has failed. Failed images stay as they are "
        "until somebody asks to retry them.",
    ),
    "already-stored": Text(
        409,
        "It is stored already",
        "Nothing is left to cancel: a stored image stays stored.",
    ),
    "bad-embedding": Text(
        422,
        "This is no embedding",
        "The embedding is no file name below the backend's folder of embeddings.",
    ),
    "bad-host": Text(
        400,
        "The Host header is not usable",
        "The Host header is missing, doubled or holds more than a host and a port. It stands in "
        "the links of the answer, so it is not taken as it comes.",
    ),
    "bad-id": Text(
        422,
        "This is no id",
        "An id of a character, style or workflow has 1 to 64 lower-case letters, digits and '-'. "
        "Ids are never repaired: Mira is not mira.",
    ),
    "bad-idempotency-key": Text(
        422,
        "This is no Idempotency-Key",
        "An Idempotency-Key has 1 to 255 printable ASCII characters, with or without quotes.",
    ),
    "bad-name-template": Text(
        422,
        "The name template cannot be used",
        "The template of file names cannot be used; the detail says why.",
    ),
    "bad-seed": Text(
        422,
        "The seed is out of range",
        "A seed lies between 0 and 2^53 minus the quantity: larger numbers are rounded by "
        "JavaScript, and then another picture would be drawn.",
    ),
    "bad-slot": Text(
        422,
        "A slot of the workflow cannot be used",
        "A slot of the workflow is unknown, leads nowhere, or cannot be found beyond doubt. Name "
        "it as node.input, for example 2.seed.",
    ),
    "bad-user": Text(
        422,
        "This is no user id",
        "A user id has 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or "
        "digit.",
    ),
    "bad-webhook-secret": Text(
        422,
        "This is no secret",
        "A secret reads whsec_ and 24 to 64 random bytes in base64. Leave it out, and one is made.",
    ),
    "bad-webhook-url": Text(
        422,
        "The webhook cannot be sent there",
        "A webhook leads to an https URL of at most 2000 printable ASCII characters, without user, "
        "password and fragment, and not into a private network unless webhooks.allow_private says "
        "so. Names are looked at again at every try.",
    ),
    "bad-workflow": Text(
        422,
        "The workflow cannot be used",
        "The graph would be refused by ComfyUI or would kill its worker. The errors name the "
        "nodes.",
    ),
    "conflict": Text(
        409,
        "Not possible in this state",
        "It is not possible in the state things are in. Look again, then decide.",
    ),
    "database-away": Text(
        503,
        "The database does not answer",
        "PostgreSQL does not answer or is read-only. Come back after Retry-After seconds.",
    ),
    "erased": Text(
        409,
        "Its user was erased",
        "What was ordered is forgotten, so it cannot be tried again. Order anew.",
    ),
    "gone": Text(
        410, "This image was deleted", "The image was deleted. Its index is not used again."
    ),
    "idempotency-key-reused": Text(
        422,
        "This Idempotency-Key belongs to another request",
        "This Idempotency-Key came with another request body before. Use a new key for a new "
        "order, and the same body for the same order.",
    ),
    "in-use": Text(
        409,
        "Something else needs it",
        "Characters name this workflow; change or delete them first.",
    ),
    "internal-error": Text(
        500,
        "A fault in Safelight",
        "A fault in Safelight. The log has it under the request id of the answer.",
    ),
    "invalid-request": Text(
        422,
        "The request is not valid",
        "Something in the request is not as it must be. `errors` names every wrong field.",
    ),
    "method-not-allowed": Text(
        405,
        "This method is not allowed here",
        "The address exists; the header Allow lists what it takes.",
    ),
    "no-preview": Text(
        404,
        "There is no preview of this image",
        "The image is not being drawn now, or nothing of it has been seen yet. Previews are made "
        "while somebody listens to the events of its batch, or of all, and are gone when it ends.",
    ),
    "no-webhook-secret": Text(
        422,
        "Nothing to sign with",
        "The settings have no webhooks.secret, which signs what a batch's own webhook is told. Set "
        "it, or make a webhook for all batches, which has a secret of its own.",
    ),
    "no-workflow": Text(
        422,
        "Nothing says which workflow draws this",
        "Neither the request nor the character nor its style says which workflow draws it. Name "
        "one in any of the three.",
    ),
    "not-finished": Text(
        409,
        "It is not finished",
        "The image still waits or is drawn. Cancel it; what is canceled has nothing to delete.",
    ),
    "not-found": Text(
        404, "There is no such thing", "There is nothing at this address, or nothing with this id."
    ),
    "not-json": Text(
        400,
        "The request body is not JSON",
        "The request body is not JSON; the detail has the line and column.",
    ),
    "not-ready": Text(503, "Not ready", "Orders are not taken now; `checks` says what is missing."),
    "not-stored": Text(
        404,
        "This image is not stored",
        "The image has no file yet, or never will. With a Retry-After header, come back; without "
        "one, the image has failed or was canceled.",
    ),
    "nothing-to-retry": Text(
        409,
        "Nothing has failed",
        "Only failed images can be tried again, and none has failed. One that still waits or is "
        "drawn needs no retry; for one that is stored or canceled, order another.",
    ),
    "parameter-without-slot": Text(
        422,
        "The workflow has no place for a parameter",
        "The workflow has no place for a parameter the request names. Leave it out, or name its "
        "slot in the workflow.",
    ),
    "range-not-satisfiable": Text(
        416,
        "The file has no byte in this range",
        "The file is shorter; Content-Range has its size.",
    ),
    "read-only": Text(
        409,
        "This stands in the settings file",
        "It stands in the settings file and is changed there, not through the API.",
    ),
    "store-away": Text(
        503,
        "The store does not answer",
        "The object store does not answer. Come back after Retry-After seconds.",
    ),
    "too-large": Text(
        413,
        "The request body is too large",
        "The request body is longer than the server takes (max_body).",
    ),
    "too-many-listeners": Text(
        503,
        "Too many listen already",
        "This process streams events to as many listeners as it may (max_listeners). Come back "
        "after Retry-After seconds, or close streams that nobody reads.",
    ),
    "too-many-queued": Text(
        429,
        "Too many images are unfinished",
        "This user has as many unfinished images as one user may have (queued_per_user), or would "
        "have more with this order. Nothing was reserved and the Idempotency-Key is free. Come "
        "back after Retry-After seconds.",
    ),
    "too-many-webhooks": Text(
        409,
        "There are too many webhooks",
        "Every event is told to each of them. Remove one first, or let one tell the others.",
    ),
    "too-many-wrong-keys": Text(
        429,
        "Too many wrong API keys",
        "Many wrong API keys came from this address lately. Right ones are answered all the same. "
        "Come back after Retry-After seconds, with another key.",
    ),
    "unknown-character": Text(
        422,
        "There is no such character",
        "There is no character with this id; GET /v1/characters lists them.",
    ),
    "unknown-event": Text(
        422,
        "There is no such event",
        "A webhook is told of at least one event, by the names of the reference.",
    ),
    "unknown-style": Text(
        422,
        "There is no such style",
        "There is no style with this id; styles stand in the settings file.",
    ),
    "unknown-workflow": Text(
        422,
        "There is no such workflow",
        "There is no workflow with this id; GET /v1/workflows lists them.",
    ),
    "webhook-disabled": Text(
        409,
        "This webhook is told nothing more",
        "It answered 410, which means never again. Make another webhook, or order another batch.",
    ),
    "workflow-ui-format": Text(
        422,
        "This workflow is not in API format",
        "This is a workflow as the editor saves it. Export it in API format: in ComfyUI, menu "
        "Workflow, Export (API).",
    ),
}
PROBLEMS: Final = dict(sorted({**ACCESS, **_WORK}.items()))
