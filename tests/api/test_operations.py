"""Backends, health, readiness, and the reference pages."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from safelight.api import operation_schemas
from safelight.database import embedded
from tests.api.asking import Answer, Server, order
from tests.conftest import _admin
from tests.processes import Processes

# Databases of single tests are called t1_1, t1_2, …
_TERMINATE = "select pg_terminate_backend(pid) from pg_stat_activity where datname ~ '^t[0-9]'"


def test_backends_are_shown_with_their_state(server: Server) -> None:
    until = time.monotonic() + 20
    while (told := server.get("/v1/backends").json)["data"][0]["state"] != "ready":
        assert time.monotonic() < until, told
        time.sleep(0.1)
    operation_schemas.Backends.model_validate(told)
    (backend,) = told["data"]
    assert (backend["name"], backend["pool"], backend["slots"]) == ("b1", "default", 2)
    assert backend["worker"]
    server.batch(2)
    (backend,) = server.get("/v1/backends").json["data"]
    assert backend["drawing"] == []
    assert backend["seconds_per_image"] > 0


def test_health_and_readiness(server: Server) -> None:
    assert server.get("/healthz").json == {"status": "ok"}
    told = server.get("/readyz").json
    operation_schemas.Readiness.model_validate(told)
    assert told == {"status": "ready", "checks": {"database": "ok", "worker": "ok"}}


def test_a_server_whose_database_is_read_only_says_so_and_comes_back(
    processes: Processes, postgres: embedded.Server, database_name: str
) -> None:
    """Alive is not ready: orders are refused with 503 and Retry-After, health stays 200."""
    server = Server(processes.serve([], "--no-worker").url)
    read_only = f"alter database {database_name} set default_transaction_read_only"
    asyncio.run(_admin(postgres, f"{read_only} = on"))
    asyncio.run(_admin(postgres, _TERMINATE))
    eventually(server, "read-only").problem(503, "not-ready")
    assert server.get("/healthz").status == 200
    answer = server.post(order())
    answer.problem(503, "database-away")
    assert int(answer.headers["retry-after"]) >= 1
    asyncio.run(_admin(postgres, f"{read_only} = off"))
    asyncio.run(_admin(postgres, _TERMINATE))
    assert eventually(server, "ok").status == 200
    assert server.post(order()).status == 201


def eventually(server: Server, database: str) -> Answer:
    """What /readyz says when it says so; the pool needs a moment for its lost connections."""
    until = time.monotonic() + 20
    while (answer := server.get("/readyz")).json["checks"] != {"database": database}:
        assert time.monotonic() < until, answer
        time.sleep(0.1)
    return answer


def test_an_authorization_header_is_ignored_while_there_are_no_keys(server: Server) -> None:
    assert server.get("/v1/batches", authorization="Bearer whatever").status == 200


@pytest.mark.parametrize("path", ["/docs", "/problems/not-json"])
def test_a_page_asks_nobody_else(server: Server, path: str) -> None:
    answer = server.get(path)
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert "@import" not in page
    assert "url(" not in page
    assert not re.search(r"&lt;(?:span|code|a) ", page), "escaped twice"


def test_the_reference_lists_every_route_and_shape(server: Server) -> None:
    page = server.get("/docs").body.decode()
    document = server.get("/openapi.json").json
    for path, verbs in document["paths"].items():
        assert path in page
        assert all(f'id="{verb["operationId"]}"' in page for verb in verbs.values())
    for name in document["components"]["schemas"]:
        assert f'id="shape-{name}"' in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))
