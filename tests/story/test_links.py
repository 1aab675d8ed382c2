"""Signed links: a picture for whoever has its address, until a moment, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.api.asking import Answer, Server
from tests.processes import Processes, Serving
from tests.story.test_keys import asked, made, order, told
from tests.waiting import until


def stored(serving: Serving, key: str | None, user: str = "ann") -> Any:
    """A batch of one picture, when it is stored."""
    _, batch = asked(serving, "/v1/batches", key, order(user))
    path = f"/v1/batches/{batch['id']}"
    until(lambda: asked(serving, path, key)[1]["status"] == "completed", 60)
    return batch


def opened(serving: Serving, url: str, method: str = "GET") -> Answer:
    """What a browser gets that has nothing but the address."""
    return Server(serving.url).ask(method, url)


def altered(url: str, **params: str) -> str:
    """The same address with other parameters."""
    parts = urlsplit(url)
    pairs = {**dict(parse_qsl(parts.query)), **params}
    return parts._replace(query=urlencode(pairs)).geturl()


def test_a_signed_link_opens_one_picture_without_a_key(processes: Processes) -> None:
    """File and thumbnail open by GET and HEAD; altered in any way, or led to another image, a link
    is refused; nothing else opens by it. `keys rotate-links` ends all that were given out, and the
    log has not a single signature."""
    serving = processes.serve([processes.simulate().url])
    key = made(processes, "user:ann")
    batch, other = stored(serving, key), stored(serving, key)
    [image], [second] = batch["images"], other["images"]
    _, links = asked(serving, f"/v1/images/{image['id']}/links", key, {"expires_in": 60})
    assert (links["id"], links["index"], links["name"]) == (image["id"], 1, image["name"])
    assert opened(serving, image["url"]).status == 401
    for url, kind in ((links["url"], "image/png"), (links["thumbnail_url"], "image/webp")):
        answer = opened(serving, url)
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert opened(serving, url, "HEAD").status == 200
    for wrong in (
        links["url"].replace("/file?", "/thumbnail?"),
        links["url"].replace(image["id"], second["id"]),
        altered(links["thumbnail_url"], width="2048"),
        altered(links["url"], exp="99999999999"),
        altered(links["url"], kid="AAAAAAAA"),
        altered(links["url"], sig="A" * 43),
        links["url"] + "&sig=",
        links["url"] + "&a=1" * 50,
        altered(links["url"], sig="\0ä"),
    ):
        opened(serving, wrong).problem(403, "signature-invalid")
    query = urlsplit(links["url"]).query
    assert opened(serving, f"/v1/images/{image['id']}?{query}").status == 401
    assert opened(serving, links["url"], "DELETE").status == 401
    told(processes, "keys", "rotate-links")
    opened(serving, links["url"]).problem(403, "signature-invalid")
    _, again = asked(serving, f"/v1/batches/{batch['id']}/links", key, {})
    assert opened(serving, again["images"][0]["url"]).status == 200
    signature = dict(parse_qsl(query))["sig"]
    assert not any(signature in line for line in serving.process.lines)


def test_a_link_ends_when_it_says_and_a_stranger_gets_none(processes: Processes) -> None:
    """Both hold from the first key on; a signature is looked at also while there are none."""
    serving = processes.serve([processes.simulate().url])
    image = stored(serving, None)["images"][0]
    path = f"/v1/images/{image['id']}/links"
    status, links = asked(serving, path, None, {"expires_in": 1})
    assert status == 200
    until(lambda: opened(serving, links["url"]).status == 403, 10)
    opened(serving, links["url"]).problem(403, "signature-expired")
    opened(serving, altered(links["url"], sig="x")).problem(403, "signature-invalid")
    bob = made(processes, "user:bob")
    assert asked(serving, path, bob, {})[0] == 404
    assert asked(serving, f"/v1/batches/{image['id']}/links", bob, {})[0] == 404
    assert asked(serving, path, None, {})[0] == 401
