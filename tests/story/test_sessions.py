"""Sessions: a browser shows a key once, and a cookie stands for it as long as the key is good."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.api.asking import Answer, Server
from tests.processes import Processes
from tests.story.test_keys import all_made, asked, made, order, told
from tests.waiting import until

PATH = "/v1/session"
HERE = {"Sec-Fetch-Site": "same-origin"}


def signed_in(server: Server, key: str, **headers: str) -> Answer:
    """What comes back to whoever shows this key."""
    return server.send("POST", PATH, {"key": key}, **headers)


def cookie_of(answer: Answer) -> dict[str, str]:
    """The header that sends the cookie back."""
    assert answer.status == 200, answer.body
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def sent(
    server: Server, path: str, headers: Mapping[str, str], body: object = None, method: str = "POST"
) -> Answer:
    """A write as a browser sends it."""
    content = {"Content-Type": "application/json", **headers}
    return server.ask(method, path, json.dumps({} if body is None else body), content)


def test_who_has_signed_in_is_known_until_the_key_is_revoked(processes: Processes) -> None:
    """The cookie is out of reach of scripts, stands for what the key may, and holds nothing of it;
    it ends with the key at once, also where somebody listens."""
    serving = processes.serve()
    server = Server(serving.url)
    assert server.get(PATH).json == told_admin()
    assert "set-cookie" not in signed_in(server, "whatever").headers
    key, root = all_made(processes, ["user:ann", "character:mira"], ["admin"])
    server.get(PATH).problem(401, "unauthorized")
    answer = signed_in(server, key)
    id = key[4:12]
    said = {
        "key": id,
        "name": "",
        "scopes": ["user:ann", "character:mira"],
        "admin": False,
        "keys": True,
        "users": ["ann"],
        "characters": ["mira"],
    }
    assert answer.json == said
    attributes = answer.headers["set-cookie"].split("; ")[1:]
    assert {each.lower() for each in attributes} == {
        *("httponly", "max-age=604800", "path=/", "samesite=lax"),
    }
    cookie = cookie_of(answer)
    assert key[13:] not in cookie["Cookie"]
    assert server.ask("GET", PATH, headers=cookie).json == said
    assert asked(serving, PATH, root)[1] == {
        **told_admin(),
        "key": root[4:12],
        "keys": True,
    }
    assert sent(server, "/v1/batches", {**cookie, **HERE}, order("ann")).status == 201
    sent(server, "/v1/batches", {**cookie, **HERE}, order("bob")).problem(403, "permission-denied")
    listening = server.stream("/v1/events", **cookie)
    assert next(listening) == {"retry": "1000"}
    told(processes, "keys", "revoke", id)
    server.ask("GET", PATH, headers=cookie).problem(401, "unauthorized")
    asked(serving, "/v1/batches", root, order("ann"))
    heard = [next(each for each in listening if each.get("event"))]
    assert heard[0]["event"] == "problem"
    assert json.loads(heard[0]["data"])["code"] == "unauthorized"
    assert list(listening) == []


def told_admin() -> dict[str, Any]:
    """What anybody is while there are no keys."""
    return {
        "key": None,
        "name": "",
        "scopes": ["admin"],
        "admin": True,
        "keys": False,
        "users": None,
        "characters": None,
    }


def test_a_page_of_another_origin_cannot_write_with_the_cookie(processes: Processes) -> None:
    """A write with a cookie says that it comes from a page of this server, or is refused; what is
    altered or signed by a key that was retired stands for nobody, also where somebody listens."""
    serving = processes.serve()
    server = Server(serving.url)
    key = made(processes, "admin")
    cookie = cookie_of(signed_in(server, key))
    origin = {"Origin": serving.url}
    for wrong in (
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {**origin, "Sec-Fetch-Site": "cross-site"},
        {**HERE, "Origin": "https://elsewhere.example"},
    ):
        sent(server, "/v1/batches", {**cookie, **wrong}, order("ann")).problem(403, "cross-origin")
    assert sent(server, "/v1/batches", {**cookie, **origin}, order("ann")).status == 201
    assert len(server.ask("GET", "/v1/batches", headers=cookie).json["data"]) == 1
    value = cookie["Cookie"]
    for altered in (
        value[:-1],
        value + "A",
        re.sub(r"\.\d+\.", ".99999999999.", value),
        value.replace("=", "=B"),
        "safelight_session=",
        "safelight_session=" + "a" * 5_000,
        'safelight_session="\\000\\303"',
    ):
        server.ask("GET", PATH, headers={"Cookie": altered}).problem(401, "unauthorized")
    # A wrong header is not made good by a right cookie.
    wrong_key = {**cookie, "Authorization": "Bearer slk_"}
    server.ask("GET", PATH, headers=wrong_key).problem(401, "unauthorized")
    listening = server.stream("/v1/events", **cookie)
    assert next(listening) == {"retry": "1000"}
    told(processes, "keys", "rotate-links")
    server.ask("GET", PATH, headers=cookie).problem(401, "unauthorized")
    assert asked(serving, "/v1/batches", key, order("ann"))[0] == 201
    assert next(each["event"] for each in listening if "event" in each) == "problem"
    gone = sent(server, PATH, {**cookie, **HERE}, method="DELETE")
    assert gone.status == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]


def test_many_wrong_keys_are_sent_away_and_right_ones_are_not(processes: Processes) -> None:
    """The thirty-first wrong key of a minute from one address is answered 429; a right one from
    there, a wrong one from elsewhere, and a request without a key are answered as ever."""
    serving = processes.serve(
        config='[server]\npublic_url = "https://pictures.example/safelight"\n'
    )
    server = Server(serving.url)
    key = made(processes, "admin")
    attributes = signed_in(server, key).headers["set-cookie"].lower().split("; ")
    assert {"secure", "path=/safelight"} <= set(attributes)
    wrong = {"Authorization": f"Bearer {key[:-1]}"}
    until(lambda: server.ask("GET", PATH, headers=wrong).status == 429, 20)
    problem = server.ask("GET", PATH, headers=wrong)
    problem.problem(429, "too-many-wrong-keys")
    assert 1 <= int(problem.headers["retry-after"]) <= 60
    signed_in(server, "slk_").problem(429, "too-many-wrong-keys")
    assert server.ask("GET", PATH, headers={"Authorization": f"Bearer {key}"}).status == 200
    server.get(PATH).problem(401, "unauthorized")
    elsewhere = {**wrong, "X-Forwarded-For": "203.0.113.7"}
    refusal = server.ask("GET", PATH, headers=elsewhere)
    refusal.problem(401, "unauthorized")
    assert refusal.headers["www-authenticate"] == "Bearer"
    assert serving.process.lines_with("many wrong API keys") == 1
    assert key[:-1] not in "\n".join(serving.process.lines)
