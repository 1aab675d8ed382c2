"""Which answer leads to which request: OpenAPI's links, for readers and for machines that try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_Targets = Mapping[str, Mapping[str, str]]
_BODY: Final = "$response.body#/"
_BATCH: Final = (
    *("get_batch", "cancel_batch", "retry_batch", "link_batch", "batch_events"),
    *("retry_batch_publications", "list_batch_deliveries"),
)
_IMAGE: Final = (
    *("get_image", "get_image_file", "get_image_thumbnail", "get_image_preview", "cancel_image"),
    *("retry_image", "link_image", "retry_image_publications", "delete_image"),
    *("star_image", "unstar_image"),
)
_SERIES: Final = (
    *("get_series", "get_series_index", "list_series_images", "list_series_indices"),
    "download_series",
)
_NUMBERED: Final = ("get_series_image", "get_series_image_file")
_WEBHOOK: Final = ("get_webhook", "rotate_webhook", "list_deliveries", "delete_webhook")
_CHARACTER: Final = ("get_character", "openai_get_model", "delete_character")
_WORKFLOW: Final = ("get_workflow", "resume_workflow", "delete_workflow")


def _to(targets: tuple[str, ...], **parameters: str) -> _Targets:
    return dict.fromkeys(targets, parameters)


def _of_batch() -> _Targets:
    """From a batch to all that can be asked of it, its first image and its series."""
    series = {"user": f"{_BODY}user", "character": f"{_BODY}character"}
    return {
        **_to(_BATCH, id=f"{_BODY}id"),
        **_to(_IMAGE, id=f"{_BODY}images/0/id"),
        **_to(_SERIES, **series),
        **_to(_NUMBERED, **series, index=f"{_BODY}indices/0"),
    }


_FOLLOWS: Final[Mapping[tuple[str, str], _Targets]] = {
    ("create_batch", "200"): _of_batch(),
    ("create_batch", "201"): _of_batch(),
    ("get_image", "200"): {"get_batch": {"id": f"{_BODY}batch"}},
    ("list_series", "200"): _to(
        _SERIES, user=f"{_BODY}data/0/user", character=f"{_BODY}data/0/character"
    ),
    ("put_character", "200"): _to(_CHARACTER, id=f"{_BODY}id"),
    ("put_character", "201"): _to(_CHARACTER, id=f"{_BODY}id"),
    ("list_characters", "200"): _to(_CHARACTER, id=f"{_BODY}data/0/id"),
    ("put_workflow", "200"): _to(_WORKFLOW, id=f"{_BODY}id"),
    ("put_workflow", "201"): _to(_WORKFLOW, id=f"{_BODY}id"),
    ("create_webhook", "201"): _to(_WEBHOOK, id=f"{_BODY}id"),
    ("list_backends", "200"): _to(("drain_backend", "resume_backend"), name=f"{_BODY}data/0/name"),
    ("drain_backend", "200"): _to(("resume_backend",), name=f"{_BODY}name"),
    ("openai_create_images", "200"): {
        "get_batch": {"id": f"{_BODY}batch_id"},
        "get_image": {"id": f"{_BODY}data/0/gateway/image_id"},
    },
    ("openai_list_models", "200"): _to(("openai_get_model",), id=f"{_BODY}data/0/id"),
}


def add_links(operation: dict[str, Any]) -> None:
    """Say of each answer of an operation what can be asked next."""
    for status, answer in operation["responses"].items():
        targets = _FOLLOWS.get((operation["operationId"], status))
        if targets:
            answer["links"] = {
                name: {"operationId": name, "parameters": dict(parameters)}
                for name, parameters in targets.items()
            }
