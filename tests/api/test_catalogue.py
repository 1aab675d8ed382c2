"""Characters and workflows over HTTP: kept, used, read-only in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safelight.api import catalogue_schemas
from tests.api.asking import Server, new_user, order

GRAPH = json.loads((Path(__file__).parent.parent / "workflows" / "quick.json").read_text())


def test_characters_are_listed_by_id(server: Server) -> None:
    told = server.get("/v1/characters").json
    catalogue_schemas.Characters.model_validate(told)
    ids = [character["id"] for character in told["data"]]
    assert ids == sorted(ids)
    assert {"mira", "opal-fever"} <= set(ids)


def test_a_character_is_kept_changed_used_and_forgotten(server: Server) -> None:
    body: dict[str, Any] = {
        "name": "Nova",
        "workflow": "quick",
        "prompt": "a pilot",
        "loras": [{"name": "gothic.safetensors", "strength": 0.8}],
        "width": 64,
        "height": 64,
    }
    created = server.send("PUT", "/v1/characters/nova", body)
    assert created.status == 201
    assert created.headers["location"] == f"{server.url}/v1/characters/nova"
    catalogue_schemas.Character.model_validate(created.json)
    assert {name: created.json[name] for name in body} == body
    assert created.json["read_only"] is False
    shown = server.get("/v1/characters/nova")
    assert shown.json == created.json
    tag = shown.headers["etag"]
    assert server.get("/v1/characters/nova", if_none_match=tag).status == 304

    changed = server.send("PUT", "/v1/characters/nova", {"workflow": "quick", "width": 64})
    assert (changed.status, changed.json["name"], changed.json["prompt"]) == (200, "nova", "")
    image = server.batch(character="nova", user=new_user())["images"][0]
    assert server.get(f"/v1/images/{image['id']}").json["width"] == 64

    assert server.ask("DELETE", "/v1/characters/nova").status == 204
    server.get("/v1/characters/nova").problem(404, "not-found")
    server.ask("DELETE", "/v1/characters/nova").problem(404, "not-found")
    server.post(order(character="nova")).problem(422, "unknown-character")
    assert server.get(image["url"]).status == 200


def test_a_character_of_the_file_is_read_only(server: Server) -> None:
    assert server.get("/v1/characters/mira").json["read_only"] is True
    server.send("PUT", "/v1/characters/mira", {"prompt": "x"}).problem(409, "read-only")
    server.ask("DELETE", "/v1/characters/mira").problem(409, "read-only")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"style": "oil"}, "/style"),
        ({"workflow": "none"}, "/workflow"),
        ({"prompt": 7}, "/prompt"),
        ({"prompt": "x" * 20_001}, "/prompt"),
        ({"width": 100_000}, "/width"),
        ({"steps": 0}, "/steps"),
        ({"loras": [{"name": "../x"}]}, "/loras/0/name"),
        ({"id": "nova"}, "/id"),
        ({"read_only": False}, "/read_only"),
    ],
)
def test_a_bad_character_is_refused_by_field(
    server: Server, fields: dict[str, Any], pointer: str
) -> None:
    answer = server.send("PUT", "/v1/characters/wrong", fields)
    assert answer.status == 422
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    server.get("/v1/characters/wrong").problem(404, "not-found")


@pytest.mark.parametrize("id", ["Nova", "a_b", "x" * 65, "%00", "-a"])
@pytest.mark.parametrize("kind", ["characters", "workflows"])
def test_an_id_that_is_none(server: Server, kind: str, id: str) -> None:
    body = {"graph": GRAPH} if kind == "workflows" else {}
    server.send("PUT", f"/v1/{kind}/{id}", body).problem(422, "bad-id")
    server.get(f"/v1/{kind}/{id}").problem(404, "not-found")
    server.ask("DELETE", f"/v1/{kind}/{id}").problem(404, "not-found")


def test_a_workflow_is_checked_kept_used_and_forgotten(server: Server) -> None:
    created = server.send(
        "PUT", "/v1/workflows/mine", {"graph": GRAPH, "slots": {"seed": "2.seed"}}
    )
    assert created.status == 201
    assert created.headers["location"] == f"{server.url}/v1/workflows/mine"
    catalogue_schemas.Workflow.model_validate(created.json)
    assert created.json["graph"] == GRAPH
    assert created.json["slots"] == {"seed": "2.seed"}
    assert created.json["report"]["slots"]["width"] == "1.width"
    assert server.get("/v1/workflows/mine").json == created.json
    listed = server.get("/v1/workflows").json
    catalogue_schemas.Workflows.model_validate(listed)
    assert "mine" in [workflow["id"] for workflow in listed["data"]]

    again = server.send("PUT", "/v1/workflows/mine", {"graph": GRAPH, "exact_size": True})
    assert (again.status, again.json["exact_size"]) == (200, True)
    assert server.batch(workflow="mine")["workflow"] == "mine"

    assert server.ask("DELETE", "/v1/workflows/mine").status == 204
    server.get("/v1/workflows/mine").problem(404, "not-found")


def test_a_workflow_that_is_not_held_is_resumed_without_effect(server: Server) -> None:
    """Whoever resumes twice is told where it was held: the second time nowhere."""
    assert server.get("/v1/workflows/quick").json["held"] == []
    resumed = server.send("POST", "/v1/workflows/quick/resume?pool=default", {})
    catalogue_schemas.ResumedWorkflow.model_validate(resumed.json)
    assert (resumed.status, resumed.json) == (200, {"id": "quick", "pools": []})
    assert server.send("POST", "/v1/workflows/quick/resume", {}).status == 200
    server.send("POST", "/v1/workflows/nobody/resume", {}).problem(404, "not-found")
    server.send("POST", "/v1/workflows/%00/resume", {}).problem(404, "not-found")
    server.send("POST", "/v1/workflows/quick/resume?pool=%00", {}).problem(404, "not-found")
    answer = server.send("POST", "/v1/workflows/quick/resume?pol=default", {})
    answer.problem(422, "invalid-request")


def test_a_workflow_of_the_file_is_read_only(server: Server) -> None:
    server.send("PUT", "/v1/workflows/quick", {"graph": GRAPH}).problem(409, "read-only")
    server.ask("DELETE", "/v1/workflows/quick").problem(409, "read-only")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"graph": {}}, "bad-workflow"),
        ({"graph": {"nodes": [], "links": [], "version": 0.4}}, "workflow-ui-format"),
        ({"graph": {**GRAPH, "2": {"class_type": "ImageAddNoise"}}}, "bad-workflow"),
        ({"graph": GRAPH, "slots": {"sed": "2.seed"}}, "bad-slot"),
        ({"graph": GRAPH, "slots": {"seed": "9.seed"}}, "bad-slot"),
        ({"graph": []}, "invalid-request"),
        ({}, "invalid-request"),
    ],
)
def test_a_bad_workflow_is_refused_with_the_reason(
    server: Server, body: dict[str, Any], code: str
) -> None:
    refused = server.send("PUT", "/v1/workflows/wrong", body).problem(422, code)
    server.get("/v1/workflows/wrong").problem(404, "not-found")
    told = server.send("POST", "/v1/workflow-checks", body).problem(422, code)
    assert (told["detail"], told["errors"]) == (refused["detail"], refused["errors"])


def test_a_workflow_can_be_checked_and_is_not_kept(server: Server) -> None:
    """The report is the one that it would be kept with."""
    listed = server.get("/v1/workflows").json
    body = {"graph": GRAPH, "slots": {"seed": "2.seed"}, "exact_size": True}
    checked = server.send("POST", "/v1/workflow-checks", body)
    assert checked.status == 200
    catalogue_schemas.WorkflowCheck.model_validate(checked.json)
    assert server.get("/v1/workflows").json == listed
    kept = server.send("PUT", "/v1/workflows/checked", body)
    assert checked.json == {"report": kept.json["report"]}
    assert server.ask("DELETE", "/v1/workflows/checked").status == 204
    surprise = {"graph": GRAPH, "id": "mine"}
    server.send("POST", "/v1/workflow-checks", surprise).problem(422, "invalid-request")
    assert server.get("/v1/workflow-checks").status == 405
