"""Series over HTTP: the numbered images of one character for one user."""

from __future__ import annotations

import pytest

from safelight.api import series_schemas
from tests.api.asking import Server, new_user


def test_a_series_that_has_none(server: Server) -> None:
    user = new_user()
    told = server.get(f"/v1/series/{user}/mira").json
    series_schemas.Series.model_validate(told)
    assert (told["user"], told["character"], told["highest"]) == (user, "mira", 0)
    answer = server.get(f"/v1/series/{user}/mira/index.txt")
    assert (answer.status, answer.body) == (200, b"0\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert server.get(f"/v1/series/{user}/mira/images").json == {
        "data": [],
        "next_before": None,
        "has_more": False,
    }


def test_a_series_counts_its_images(server: Server) -> None:
    user = new_user()
    server.batch(3, user=user)
    server.batch(2, user=user)
    told = server.get(f"/v1/series/{user}/mira").json
    assert (told["highest"], told["counts"]) == (5, {"stored": 5})
    assert server.get(f"/v1/series/{user}/mira/index.txt").body == b"5\n"
    assert server.get(f"/v1/series/{user}/opal-fever").json["highest"] == 0


def test_images_go_page_by_page_downwards(server: Server) -> None:
    user = new_user()
    server.batch(5, user=user)
    path = f"/v1/series/{user}/mira/images"
    seen: list[int] = []
    before = ""
    while True:
        page = server.get(f"{path}?limit=2{before}").json
        series_schemas.Images.model_validate(page)
        seen += [image["index"] for image in page["data"]]
        if not page["has_more"]:
            break
        before = f"&before={page['next_before']}"
    assert seen == [5, 4, 3, 2, 1]


def test_an_image_is_found_by_its_index(server: Server) -> None:
    user = new_user()
    image = server.batch(2, user=user)["images"][1]
    path = f"/v1/series/{user}/mira/images/{image['index']}"
    assert server.get(path).json == server.get(f"/v1/images/{image['id']}").json
    assert server.get(f"{path}/file").body == server.get(image["url"]).body
    head = server.ask("HEAD", f"{path}/file")
    assert (head.status, head.body) == (200, b"")
    assert server.get(f"{path}/file", range="bytes=0-7").status == 206
    tag = server.get(path).headers["etag"]
    assert server.get(path, if_none_match=tag).status == 304


@pytest.mark.parametrize("index", ["0", "-1", "2", "00001", "x", "1.0", "9" * 30])
def test_an_index_nobody_has(server: Server, index: str) -> None:
    user = new_user()
    server.batch(1, user=user)
    server.get(f"/v1/series/{user}/mira/images/{index}").problem(404, "not-found")
    server.get(f"/v1/series/{user}/mira/images/{index}/file").problem(404, "not-found")


@pytest.mark.parametrize("series", ["..%2Fx/mira", "ann/Mira", "ann/%00", "x" * 65 + "/mira"])
def test_what_cannot_be_a_series(server: Server, series: str) -> None:
    for tail in ("", "/index.txt", "/images", "/images/1"):
        server.get(f"/v1/series/{series}{tail}").problem(404, "not-found")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "before=0", "before=x", "cursor=1"])
def test_a_bad_parameter_is_named(server: Server, query: str) -> None:
    problem = server.get(f"/v1/series/ann/mira/images?{query}").problem(422, "invalid-request")
    assert problem["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"
