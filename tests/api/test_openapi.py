"""The OpenAPI document: complete, stable, the same as the file in the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from safelight.api.openai.error_texts import ERRORS
from safelight.api.openapi.problems import ELSEWHERE
from safelight.api.problem_texts import PROBLEMS
from tests.api.asking import Server
from tests.api.declared import codes_of, wrong_in

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "openapi.json"
ROUTES = {
    "POST /v1/batches": "create_batch",
    "POST /v1/estimates": "estimate_batch",
    "GET /v1/batches": "list_batches",
    "GET /v1/batches/{id}": "get_batch",
    "POST /v1/batches/{id}/cancel": "cancel_batch",
    "POST /v1/batches/{id}/retry": "retry_batch",
    "GET /v1/batches/{id}/events": "batch_events",
    "GET /v1/events": "all_events",
    "POST /v1/webhooks": "create_webhook",
    "GET /v1/webhooks": "list_webhooks",
    "GET /v1/webhooks/{id}": "get_webhook",
    "DELETE /v1/webhooks/{id}": "delete_webhook",
    "POST /v1/webhooks/{id}/rotate": "rotate_webhook",
    "GET /v1/webhooks/{id}/deliveries": "list_deliveries",
    "POST /v1/webhooks/{id}/deliveries/{delivery}/redeliver": "redeliver",
    "GET /v1/batches/{id}/deliveries": "list_batch_deliveries",
    "POST /v1/batches/{id}/deliveries/{delivery}/redeliver": "redeliver_of_batch",
    "GET /v1/images/{id}": "get_image",
    "DELETE /v1/images/{id}": "delete_image",
    "POST /v1/images/{id}/cancel": "cancel_image",
    "POST /v1/images/{id}/retry": "retry_image",
    "GET /v1/images/{id}/file": "get_image_file",
    "GET /v1/images/{id}/thumbnail": "get_image_thumbnail",
    "POST /v1/images/{id}/links": "link_image",
    "POST /v1/batches/{id}/links": "link_batch",
    "GET /v1/images/{id}/preview": "get_image_preview",
    "PUT /v1/images/{id}/star": "star_image",
    "DELETE /v1/images/{id}/star": "unstar_image",
    "GET /v1/series": "list_series",
    "GET /v1/series/{user}/{character}/indices": "list_series_indices",
    "GET /v1/series/{user}/{character}/download.zip": "download_series",
    "GET /v1/series/{user}/{character}": "get_series",
    "GET /v1/series/{user}/{character}/index.txt": "get_series_index",
    "GET /v1/series/{user}/{character}/images": "list_series_images",
    "GET /v1/series/{user}/{character}/images/{index}": "get_series_image",
    "GET /v1/series/{user}/{character}/images/{index}/file": "get_series_image_file",
    "GET /v1/characters": "list_characters",
    "GET /v1/characters/{id}": "get_character",
    "PUT /v1/characters/{id}": "put_character",
    "DELETE /v1/characters/{id}": "delete_character",
    "POST /v1/workflow-checks": "check_workflow",
    "GET /v1/workflows": "list_workflows",
    "GET /v1/workflows/{id}": "get_workflow",
    "PUT /v1/workflows/{id}": "put_workflow",
    "DELETE /v1/workflows/{id}": "delete_workflow",
    "POST /v1/workflows/{id}/resume": "resume_workflow",
    "GET /v1/backends": "list_backends",
    "GET /v1/publishers": "list_publishers",
    "POST /v1/publishers/{name}/retry": "retry_publisher",
    "POST /v1/images/{id}/publications/retry": "retry_image_publications",
    "POST /v1/batches/{id}/publications/retry": "retry_batch_publications",
    "POST /v1/session": "sign_in",
    "GET /v1/session": "get_session",
    "DELETE /v1/session": "sign_out",
    "POST /v1/backends/{name}/drain": "drain_backend",
    "POST /v1/backends/{name}/resume": "resume_backend",
    "POST /openai/v1/images/generations": "openai_create_images",
    "POST /openai/v1/images/edits": "openai_edit_images",
    "GET /openai/v1/models": "openai_list_models",
    "GET /openai/v1/models/{id}": "openai_get_model",
    "GET /healthz": "healthz",
    "GET /readyz": "readyz",
    "GET /metrics": "metrics",
}


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield f"{verb.upper()} {path}", operation


def answers(document: Any, operation: Any) -> Iterator[tuple[str, Any]]:
    """Each status with its answer."""
    for status, answer in operation["responses"].items():
        shared = answer.get("$ref", "").rpartition("/")[2]
        yield status, document["components"]["responses"][shared] if shared else answer


def references(node: Any) -> Iterator[str]:
    """What is referred to, `schemas/Batch`."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].removeprefix("#/components/")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_document_in_the_repository_is_the_one_that_is_served(server: Server) -> None:
    """To renew it: `curl -s localhost:8080/openapi.json | python -m json.tool`."""
    assert server.get("/openapi.json").json == json.loads(REFERENCE.read_text("utf-8"))


def test_every_route_has_its_stable_id(server: Server) -> None:
    document = server.get("/openapi.json").json
    assert document["openapi"].startswith("3.1.")
    assert {route: op["operationId"] for route, op in operations(document)} == ROUTES


def test_every_operation_is_described_with_its_problems(server: Server) -> None:
    document = server.get("/openapi.json").json
    tags = {tag["name"] for tag in document["tags"]}
    for route, operation in operations(document):
        assert operation["summary"], route
        assert operation["description"], route
        assert set(operation["tags"]) <= tags, route
        for status, answer in answers(document, operation):
            assert answer["description"], route
            assert "X-Request-Id" in answer["headers"]
            if status == "default" or status >= "400":
                (media_type,) = answer["content"]
                foreign = route.partition(" ")[2].startswith("/openai/")
                wanted = "application/json" if foreign else "application/problem+json"
                assert media_type == wanted, route


def test_every_operation_says_what_it_asks_for(server: Server) -> None:
    """Everything needs a key or a session, but health, signing in and out, and signed pictures."""
    document = server.get("/openapi.json").json
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["scheme"], schemes["cookie"]["name"]) == (
        "bearer",
        "safelight_session",
    )
    assert document["security"] == [{"bearer": []}, {"cookie": []}]
    others = {o["operationId"]: o["security"] for _, o in operations(document) if "security" in o}
    signed = [*document["security"], {}]
    assert others == {
        "healthz": [],
        "readyz": [],
        "sign_in": [],
        "sign_out": [],
        "get_image_file": signed,
        "get_image_thumbnail": signed,
    }
    admins = ("/backends", "/workflows", "/publishers", "/webhooks")
    for route, operation in operations(document):
        needs_a_key = operation["operationId"] == "sign_in" or operation.get("security") != []
        assert ("401" in operation["responses"]) is needs_a_key, route
        if any(one in route for one in admins) or not route.startswith("GET "):
            assert "403" in operation["responses"], route


def test_every_shape_is_there_used_and_described(server: Server) -> None:
    """And so are examples, headers, and refusals that several operations have."""
    document = server.get("/openapi.json").json
    components = document["components"]
    there = {f"{kind}/{name}" for kind in components for name in components[kind]}
    assert set(references(document)) == {one for one in there if "securitySchemes" not in one}
    assert all(shape["description"] for shape in components["schemas"].values())


def test_every_operation_names_its_problems_and_every_problem_has_one(server: Server) -> None:
    """Also those that any may have: a host that cannot be, a fault of ours, a key that is none."""
    document = server.get("/openapi.json").json
    named: set[str] = set()
    for route, operation in operations(document):
        told = {
            status: codes_of(a) for status, a in answers(document, operation) if "4" <= status < "6"
        }
        for status, codes in told.items():
            named |= codes
            known = ERRORS if "/openai/" in route else PROBLEMS
            assert {known[code].status for code in codes} == {int(status)}, route
        assert told["500"] & {"internal-error", "internal_error"}, route
    assert named == (set(PROBLEMS) | set(ERRORS)) - ELSEWHERE


def test_every_example_fits_its_shape(server: Server) -> None:
    """Of requests, answers and problems; every JSON body has one, every parameter that is free."""
    document = server.get("/openapi.json").json
    components = document["components"]
    shapes = dict(bodies(document))
    assert set(components["examples"]) == set(shapes)
    for name, shape in shapes.items():
        assert wrong_in(shape, components["examples"][name]["value"]) == [], name
    for route, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["description"], route
            if parameter["name"] not in ("cursor", "status"):
                validator = jsonschema_rs.validator_for(parameter["schema"])
                assert validator.is_valid(parameter["example"]), (route, parameter)


def bodies(document: Any) -> Iterator[tuple[str, str]]:
    """The name of each example that a body has, and that of its shape."""
    for _, operation in operations(document):
        told = [answer for status, answer in answers(document, operation) if status != "default"]
        for holder in (operation.get("requestBody", {}), *told):
            for media_type, content in holder.get("content", {}).items():
                if "json" in media_type:
                    for name in content["examples"]:
                        yield name, content["schema"]["$ref"].rpartition("/")[2]


def test_links_lead_to_operations_and_give_what_they_take(server: Server) -> None:
    """Every parameter of a path, from where the answer's example has it."""
    document = server.get("/openapi.json").json
    by_id = {operation["operationId"]: operation for _, operation in operations(document)}
    linked: set[str] = set()
    for _, operation in operations(document):
        for _, answer in answers(document, operation):
            for link in answer.get("links", {}).values():
                assert set(link["parameters"]) == in_path(by_id[link["operationId"]])
                linked.add(link["operationId"])
                for expression in link["parameters"].values():
                    assert found(document, answer, expression), (link, expression)
    # Two make what they name; three are of things that there need not be any of.
    others = {"put_character", "put_workflow", "redeliver", "redeliver_of_batch", "retry_publisher"}
    assert linked == {name for name in by_id if in_path(by_id[name])} - others


def in_path(operation: Any) -> set[str]:
    """The parameters of its path."""
    return {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}


def found(document: Any, answer: Any, expression: str) -> Any:
    """What an expression gives for the example of an answer."""
    place, _, pointer = expression.partition("#/")
    if place != "$response.body":
        return place == "$request.path.id"
    (example,) = answer["content"]["application/json"]["examples"]
    value = document["components"]["examples"][example]["value"]
    for step in pointer.split("/"):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def test_the_bounds_are_those_of_the_settings(server: Server) -> None:
    shapes = server.get("/openapi.json").json["components"]["schemas"]
    order = shapes["BatchRequest"]
    assert order["properties"]["quantity"]["maximum"] == 64
    assert order["properties"]["prompt"]["maxLength"] == 20_000
    assert order["properties"]["width"]["minimum"] == 16
    assert order["required"] == ["user", "character", "prompt", "quantity"]
    assert order["additionalProperties"] is False
    assert order["properties"]["webhook"]["$ref"].endswith("/WebhookBody")
    assert "batch.completed" in shapes["WebhookBody"]["properties"]["events"]["items"]["enum"]
