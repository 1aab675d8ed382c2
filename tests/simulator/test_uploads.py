"""Uploads by hand: the recorded multipart bodies were not kept."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.simulator.asking import Client, pixels, quick

LIMIT = 100 * 1024 * 1024


def form(content: bytes | None, name: str = "a.png", **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData(fields, quote_fields=False)
    if content is not None:
        data.add_field("image", BytesIO(content), filename=name, content_type="image/png")
    else:
        data.add_field("other", b"x", filename="x")
    return data


async def upload(client: Client, data: aiohttp.FormData, to: str = "image") -> tuple[int, Any]:
    return await client.ask("POST", f"/upload/{to}", data=data)


def told(name: str, subfolder: str = "", kind: str = "input") -> tuple[int, Any]:
    return 200, {"name": name, "subfolder": subfolder, "type": kind}


async def test_the_same_name_is_kept_only_for_the_same_bytes(client: Client) -> None:
    folder = client.output.parent / "input"
    assert await upload(client, form(b"one")) == told("a.png")
    assert await upload(client, form(b"one")) == told("a.png")
    assert await upload(client, form(b"two")) == told("a (1).png")
    assert await upload(client, form(b"two")) == told("a (1).png")
    assert await upload(client, form(b"new")) == told("a (2).png")
    assert await upload(client, form(b"over", overwrite="true")) == told("a.png")
    assert (folder / "a.png").read_bytes() == b"over"


async def test_folders_can_be_chosen(client: Client) -> None:
    assert await upload(client, form(b"x", subfolder="s/t")) == told("a.png", "s/t")
    assert await upload(client, form(b"x", type="output")) == told("a.png", "", "output")
    assert (client.output / "a.png").read_bytes() == b"x"
    assert (client.output.parent / "input" / "s" / "t" / "a.png").exists()
    status, body = await client.ask("POST", "/api/upload/image", data=form(b"x", "b.png"))
    assert (status, body["name"]) == (200, "b.png")


REFUSED = [
    (form(b"x", type="models"), 500),
    (form(None), 400),
    (form(b"x", subfolder="../../x"), 400),
    (form(b"x", "../../x.png"), 400),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
async def test_bad_uploads_are_refused(client: Client, place: int) -> None:
    data, status = REFUSED[place]
    assert (await upload(client, data))[0] == status


async def test_bodies_over_100_mib_are_refused(client: Client) -> None:
    status, answer = await client.ask("POST", "/prompt", data=BytesIO(b" " * (LIMIT + 1)))
    assert (status, answer) == (413, f"Maximum request body size {LIMIT} exceeded.".encode())
    # a body of just that size is read, and then found to be no JSON
    assert (await client.ask("POST", "/prompt", data=BytesIO(b" " * LIMIT)))[0] == 500


async def test_large_uploads_pass_and_larger_ones_do_not(client: Client) -> None:
    assert (await upload(client, form(b"x" * (20 << 20), "big.bin")))[0] == 200
    assert (await upload(client, form(b"x" * LIMIT, "bigger.bin")))[0] == 413


async def test_a_mask_becomes_the_alpha_of_an_earlier_picture(client: Client) -> None:
    (original,) = await client.saved(quick())
    buffer = BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 99)).save(buffer, "PNG")
    reference = json.dumps({"filename": original.name, "type": "output", "subfolder": ""})
    data = form(buffer.getvalue(), "masked.png", original_ref=reference)
    assert await upload(client, data, "mask") == told("masked.png")
    path = client.output.parent / "input" / "masked.png"
    with Image.open(path) as masked:
        assert masked.getchannel("A").getextrema() == (99, 99)
        assert json.loads(masked.text["prompt"]) == quick()  # type: ignore[attr-defined]
    assert pixels(path) == pixels(original)


REFERENCES = [
    ({"filename": ""}, 400),
    ({"filename": "../x.png"}, 400),
    ({"filename": "x.png", "type": "models"}, 400),
    ({"filename": "x.png", "subfolder": "../.."}, 403),
    ({"filename": "nope.png"}, 400),
]


@pytest.mark.parametrize(("reference", "status"), REFERENCES)
async def test_masks_need_an_original(client: Client, reference: Any, status: int) -> None:
    data = form(b"x", original_ref=json.dumps(reference))
    assert (await upload(client, data, "mask"))[0] == status


async def test_an_uploaded_picture_can_be_loaded_and_counts_by_its_bytes(client: Client) -> None:
    path: Path = client.output.parent / "input" / "mine.png"
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "mine.png"}},
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "loaded"},
        },
    }
    status, body = await client.ask("POST", "/prompt", json={"prompt": graph})
    (error,) = body["node_errors"]["1"]["errors"]
    assert (status, error["type"]) == (400, "custom_validation_failed")
    assert error["details"] == "image - Invalid image file: mine.png"
    for color in ("#102030", "#405060"):
        Image.new("RGB", (30, 20), color).save(path)
        (file,) = await client.saved(graph)
        assert pixels(file) == pixels(path)
    assert len(list(client.output.iterdir())) == 2
    info = await client.get("/object_info/LoadImage")
    assert info["LoadImage"]["input"]["required"]["image"] == [["mine.png"], {"image_upload": True}]
