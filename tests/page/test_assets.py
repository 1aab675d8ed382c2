"""The page and its files over HTTP: the same for everybody, kept well, and nothing beside them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urljoin

import pytest

from safelight.api.page import opens
from safelight.api.page.addresses import PAGES, way_up
from safelight.api.page.assets import FOLDER, TYPES, load
from safelight.core.errors import Unknown
from safelight.database import embedded
from tests.api.asking import Answer, Server
from tests.conftest import TEMPLATE, _admin
from tests.processes import Processes
from tests.story.test_keys import made

DATABASE: Final = "page_assets"
MOST_BYTES: Final = 150_000  # of all files together, packed
ADDRESSES: Final = [
    re.sub(r"\{(\w+)\}", lambda name: "7" if name[1] == "index" else "opal-fever", address)
    for address in PAGES
]
NO_FILES: Final = (
    "/static/",
    "/static/{v}",
    "/static/{v}/",
    "/static/{v}/index.html",
    "/static/{v}/vendor/vendor.json",
    "/static/{v}/js/nothing.js",
    "/static/{v}/js",
    "/static/{v}/js/",
    "/static/{v}//js/app.js",
    "/static/{v}/js//app.js",
    "/static/{v}/js/app.js/",
    "/static/{v}/js/APP.js",
    "/static/{v}/js/app.js%00",
    "/static/{v}/js/app.js%0a",
    "/static/{v}/js\\app.js",
    "/static/{v}/js%5capp.js",
    "/static/{v}/./js/app.js",
    "/static/{v}/css/../js/app.js",
    "/static/{v}/../routes.py",
    "/static/{v}/%2e%2e/routes.py",
    "/static/{v}/..%2froutes.py",
    "/static/{v}/..%252froutes.py",
    "/static/{v}/js/../../../../auth.py",
    "/static/../v1/batches",
    "/static/{v}/../../v1/batches",
    "/static/%2e%2e/v1/batches",
    "/static/{v}/%2fetc%2fpasswd",
    "/static/{v}//etc/passwd",
    "/static/{v}/%c0%ae%c0%ae/routes.py",
)


@pytest.fixture(scope="module")
def processes_here(
    postgres: embedded.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Processes]:
    """A home and a database for all tests of this file."""
    asyncio.run(_admin(postgres, f"create database {DATABASE} template {TEMPLATE}"))
    folder = quote(str(postgres.data / "cluster"), safe="")
    url = f"postgresql://{postgres.user}@/{DATABASE}?host={folder}"
    started = Processes(tmp_path_factory.mktemp("page"), url)
    yield started
    started.stop_all()


@pytest.fixture(scope="module")
def site(processes_here: Processes) -> Server:
    """A server without a worker and without keys, until the last test makes one."""
    return Server(processes_here.serve([], "--no-worker").url)


def sent(content_policy: str) -> dict[str, str]:
    """What a policy says, by its directive."""
    parts = [part.strip().partition(" ") for part in content_policy.split(";")]
    return {name: value for name, _, value in parts}


def named(page: str) -> set[str]:
    """Every address that the page itself names."""
    attributes = re.findall(r'\b(?:src|href)="([^"]+)"', page)
    return {*attributes, *re.findall(r'": "(\./[^"]+)"', page)}


def file_path(name: str, version: str | None = None) -> str:
    return f"/static/{version or load().version}/{name}"


def unpacked(answer: Answer) -> bytes:
    packed = answer.headers.get("content-encoding") == "gzip"
    return gzip.decompress(answer.body) if packed else answer.body


def the_same(a: Answer, b: Answer) -> None:
    """Two answers that differ in nothing but when and to which request they were given."""
    own = {"date", "x-request-id"}
    assert {k: v for k, v in a.headers.items() if k not in own} == {
        k: v for k, v in b.headers.items() if k not in own
    }


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_page_answers_the_page(site: Server, address: str) -> None:
    """The same but for its base, from which every address in it leads to the same place."""
    answer = site.get(address)
    page = answer.body.decode()
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    base = re.findall(r'<base href="([^"]*)">', page)
    assert base == [way_up(address.encode())]
    assert page.replace(base[0], "./", 1) == site.get("/").body.decode()
    for below in ("", "/a/path/of/a/proxy"):
        root = urljoin(f"http://host{below}{address}", base[0])
        assert root == f"http://host{below}/"


def test_the_base_is_right_for_what_a_browser_takes_for_one_name(site: Server) -> None:
    """`%2F` is no slash to a browser, whatever the router makes of it."""
    answer = site.get("/series/ann%2Fmira")
    assert answer.status == 200
    assert '<base href="../">' in answer.body.decode()


def test_everything_the_page_names_is_there(site: Server) -> None:
    page = site.get("/").body.decode()
    addresses = named(page) - {"./"}
    assert len(addresses) >= 10
    for address in addresses:
        assert not re.match(r"[a-z]+:|//|/", address), address
        answer = site.get(urljoin("/", address))
        assert answer.status == 200, address
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("name", sorted(load().files))
def test_every_file_is_served_as_what_it_is(site: Server, name: str) -> None:
    """Byte for byte, under its version for good, and never to be taken for something else."""
    kind = TYPES["." + name.rpartition(".")[2]]
    for headers in ({}, {"accept_encoding": "gzip, deflate, br"}):
        answer = site.get(file_path(name), **headers)
        assert answer.status == 200
        assert unpacked(answer) == (FOLDER / name).read_bytes()
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-length"] == str(len(answer.body))
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'"


def test_no_file_of_the_folder_is_forgotten() -> None:
    """What is of no known kind would not be served: but for the template and the catalogue, which
    nobody should ask for, there is nothing such."""
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there - load().files.keys() == {"index.html", "vendor/vendor.json"}


def test_all_files_together_are_small() -> None:
    site = load()
    assets = [*site.files.values(), site.pages["./"]]
    total = sum(len((asset.packed or asset.plain).content) for asset in assets)
    assert total <= MOST_BYTES


@pytest.mark.parametrize("path", ["/", "/batches/x", file_path("js/app.js"), "/favicon.ico"])
def test_what_is_known_is_not_sent_again(site: Server, path: str) -> None:
    """Each encoding has its own strong tag; 304 says what 200 would have said of keeping it."""
    tags = set()
    for encoding in ("identity", "gzip"):
        first = site.get(path, accept_encoding=encoding)
        tags.add(tag := first.headers["etag"])
        assert tag.startswith('"')
        again = site.get(path, accept_encoding=encoding, if_none_match=f'"other", {tag}')
        assert (again.status, again.body) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert again.headers[name] == first.headers[name]
        assert site.get(path, accept_encoding=encoding, if_none_match='"other"').status == 200
    assert len(tags) == 2


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("gzip;q=0.001", True),
        ("identity", False),
        ("", False),
        ("gzipped", False),
        (", ,;;q=,gzip;", True),
    ],
)
def test_files_are_packed_for_those_who_say_so(site: Server, accepted: str, packed: bool) -> None:
    for path in ("/", file_path("vendor/preact.mjs")):
        answer = site.get(path, accept_encoding=accepted)
        assert (answer.headers.get("content-encoding") == "gzip") is packed
        assert answer.headers["vary"] == "accept-encoding"


def test_what_is_packed_already_is_not_packed_again(site: Server) -> None:
    answer = site.get(file_path("vendor/dm-mono-400.woff2"), accept_encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


@pytest.mark.parametrize("path", [*ADDRESSES, file_path("css/base.css"), "/favicon.ico"])
def test_head_says_what_get_would(site: Server, path: str) -> None:
    headers = {"Accept-Encoding": "gzip"}
    head = site.ask("HEAD", path, headers=headers)
    assert (head.status, head.body) == (200, b"")
    the_same(head, site.ask("GET", path, headers=headers))


def test_a_page_left_open_over_an_upgrade_still_finds_its_files(site: Server) -> None:
    """Under another version a file is today's, and to be asked for again."""
    for version in ("0", "000000000000", "%20", "a" * 2000):
        answer = site.get(file_path("js/app.js", version))
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.body == (FOLDER / "js" / "app.js").read_bytes()


@pytest.mark.parametrize("path", NO_FILES)
def test_there_is_nothing_but_the_files(site: Server, path: str) -> None:
    """No path of a request is one of the file system, and none leads out of the page."""
    answer = site.get(path.replace("{v}", load().version))
    answer.problem(404, "not-found")
    assert b"routes" not in answer.body
    assert not opens(path)


@pytest.mark.parametrize(
    "path",
    [
        *("/batches/", "/batches/a/b", "/batches%0a", "/series/ann", "/series/a/b/c/d"),
        *("//", "/queue/x", "/x", "/%0a", "/favicon.ico%0a", "/favicon.ico/x"),
    ],
)
def test_an_address_that_is_not_the_pages_is_no_page(site: Server, path: str) -> None:
    site.get(path).problem(404, "not-found")
    assert not opens(path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_page_is_only_read(site: Server, method: str) -> None:
    for path in (*ADDRESSES, file_path("js/app.js"), "/favicon.ico"):
        answer = site.ask(method, path)
        answer.problem(405, "method-not-allowed")
        assert answer.headers["allow"] == "GET"


def test_the_policy_lets_in_what_the_page_is_made_of_and_nothing_else(site: Server) -> None:
    answer = site.get("/batches/x", accept_encoding="gzip")
    page = unpacked(answer).decode()
    policy = sent(answer.headers["content-security-policy"])
    inline = re.findall(r"<script(?![^>]*src)[^>]*>(.*?)</script>", page, re.DOTALL)
    assert len(inline) == 1
    assert json.loads(inline[0])["imports"]
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["trusted-types"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["base-uri"] == policy["form-action"] == policy["connect-src"] == "'self'"
    assert not {"unsafe-inline", "unsafe-eval", "data:", "*"} & set(
        re.split(r"[ ;']+", answer.headers["content-security-policy"])
    )
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page), "the policy would refuse it"
    assert "<style" not in page
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]


def test_nothing_in_the_page_leads_elsewhere() -> None:
    """Nor do our own scripts and styles name another host."""
    for name in load().files:
        text = (FOLDER / name).read_text("utf-8") if name.endswith((".js", ".css")) else ""
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), name


def test_the_page_is_in_no_document(site: Server) -> None:
    document: dict[str, Any] = site.get("/openapi.json").json
    assert not {path for path in document["paths"] if opens(path)}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/batches",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/static",
        "/static/x/../../v1/batches",
        "/batches/x/../../v1/batches",
        "/batches/../v1/batches",
        "/queue/../metrics",
        "/favicon.ico/x",
        "/v1/batches?/static/x/js/app.js",
        "",
    ],
)
def test_nothing_but_the_page_is_opened(path: str) -> None:
    assert not opens(path)


def test_the_page_needs_no_key_and_what_it_asks_for_does(
    site: Server, processes_here: Processes
) -> None:
    """With keys: who has none gets the page, its files and nothing else, not even that something
    is not there. This test makes a key, and stands last."""
    made(processes_here, "admin")
    for path in (*ADDRESSES, *map(file_path, load().files), "/favicon.ico"):
        assert site.get(path).status == 200, path
        assert site.ask("HEAD", path).status == 200, path
        site.ask("POST", path).problem(401, "unauthorized")
    closed = [path.replace("{v}", load().version) for path in NO_FILES]
    for path in (*closed, "/v1/batches", "/docs", "/openapi.json", "/metrics", "/nothing"):
        site.get(path).problem(401, "unauthorized")
    # Who shows a key that is none gets the page all the same.
    assert site.get("/", authorization="Bearer nobody").status == 200


def test_a_name_is_looked_up_and_never_opened() -> None:
    """What could be a path of the file system is just another name that is not known."""
    for name in ("../routes.py", "/etc/passwd", "js/../js/app.js", "index.html", ""):
        assert name not in load().files
    assert Unknown.status == 404
