"""Whoever watches a batch sees its pictures come; nobody else does, and nothing of it stays."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.error
import urllib.request
from pathlib import Path

import asyncpg
from PIL import Image

from tests.processes import Processes, Serving, until_ended
from tests.story.listeners import Listener
from tests.waiting import until

PORTRAIT = Path(__file__).parents[2] / "src" / "safelight" / "cli" / "portrait.json"
SAMPLED = f"""
[workflows.portrait]
file = "{PORTRAIT}"
[characters.ben]
workflow = "portrait"
"""


def fetched(url: str, tag: str = "") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, headers={"If-None-Match": tag} if tag else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def rows(processes: Processes) -> int:
    """How many previews are kept."""

    async def ask() -> int:
        connection = await asyncpg.connect(processes.database_url)
        try:
            return int(await connection.fetchval("select count(*) from previews"))
        finally:
            await connection.close()

    return asyncio.run(ask())


def no_preview(serving: Serving, image: str) -> None:
    """There is none, and that is said in our words."""
    status, _, body = fetched(f"{serving.url}/v1/images/{image}/preview")
    assert (status, json.loads(body)["code"]) == (404, "no-preview")


def test_previews_are_seen_while_a_batch_is_drawn_and_watched(processes: Processes) -> None:
    """API and worker are two processes. Of a batch that nobody watches there is no preview. Of one
    that somebody listens to, progress comes with the addresses of small pictures, newer ones under
    new addresses. When the images have ended, the addresses lead nowhere and the rows are gone."""
    simulated = processes.simulate(seconds=3)
    serving = processes.serve([simulated.url], "--no-worker", config=SAMPLED)
    processes.start("work")
    unseen = serving.order(1, 0, character="ben")
    until(lambda: fetched(f"{serving.url}/v1/images/{unseen['images'][0]['id']}")[0] == 200)
    until_ended(serving, unseen["id"])
    assert rows(processes) == 0
    no_preview(serving, unseen["images"][0]["id"])

    batch = serving.order(2, 0, character="ben", width=512, height=512)
    listener = Listener(serving.url, batch["id"])
    seen: dict[str, tuple[int, dict[str, str], bytes]] = {}

    async def watch() -> None:
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listener.listen())
            while not listening.done():
                url = listener.of("progress")["preview"] if "progress" in listener.last else None
                if url and url not in seen:
                    seen[url] = await asyncio.to_thread(fetched, url)
                await asyncio.sleep(0.05)

    asyncio.run(watch())
    # A picture may have ended between its last progress and the look.
    shown = {url: answer for url, answer in seen.items() if answer[0] == 200}
    assert shown
    for url, (_, headers, picture) in shown.items():
        image, _, number = url.removeprefix(f"{serving.url}/v1/images/").partition("/preview?n=")
        assert image in {one["id"] for one in batch["images"]}
        assert int(headers["etag"].strip('"')) >= int(number)
        assert headers["cache-control"] == "no-store"
        assert headers["content-type"] == "image/webp"
        assert len(picture) <= 15_000
        with Image.open(io.BytesIO(picture)) as opened:
            assert opened.format == "WEBP"
            assert max(opened.size) <= 320
    assert listener.types["batch.completed"] == 1
    for one in batch["images"]:
        no_preview(serving, one["id"])
    until(lambda: rows(processes) == 0)
