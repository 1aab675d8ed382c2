"""A small shop that sells pictures: what an application in front of Safelight looks like.

    python shop.py --port 9100 --data shop.sqlite3

Needs a running `safelight serve`. SAFELIGHT_URL says where, SAFELIGHT_KEY has the API key if it
wants one. The key stays here: browsers speak to the shop alone, and the shop to Safelight.

An order is written down before anything is asked of Safelight, under a number of the shop's own,
and that number is the idempotency key. So the shop may be killed at any moment: when it comes back
it sends every order without a batch (again), and gets the batch it had ordered. Safelight keeps
such a key for 24 hours.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import secrets
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Any, TypeAlias

import uvicorn
from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, Field

from safelight import AsyncClient, ClientError, Event
from safelight.client import ENDED, InvalidRequest

CENTS = 250  # a picture; nobody pays for one that did not come
AGAIN = 2.0  # seconds until an order is sent again that could not be sent
ORDERS = """
create table if not exists orders (
    number text primary key,
    customer text not null,
    character text not null,
    prompt text not null,
    quantity integer not null,
    batch text,  -- of Safelight; null until it has confirmed the order
    refused text  -- why there will be none
)
"""


class Wanted(BaseModel):
    """What a browser sends."""

    character: str
    prompt: str = Field("", max_length=500)
    quantity: int = Field(4, ge=1, le=8)


class Shop:
    """The shop's own orders, and the client that has them drawn."""

    def __init__(self, file: str, client: AsyncClient) -> None:
        self.client = client
        self._database = sqlite3.connect(file, isolation_level=None)  # every statement is kept
        self._database.row_factory = sqlite3.Row
        self._database.execute(ORDERS)
        self._news = asyncio.Event()

    def take(self, customer: str, wanted: Wanted) -> str:
        """Write an order down; its number."""
        number = uuid.uuid4().hex
        row = (number, customer, wanted.character, wanted.prompt, wanted.quantity)
        self._database.execute("insert into orders values (?, ?, ?, ?, ?, null, null)", row)
        self._news.set()
        return number

    def order(self, number: str, customer: str) -> sqlite3.Row:
        """An order of this customer; others see none."""
        wanted = "select * from orders where number = ? and customer = ?"
        found: sqlite3.Row | None = self._database.execute(wanted, (number, customer)).fetchone()
        if found is None:
            raise HTTPException(404)
        return found

    async def send_orders(self) -> None:
        """For ever: have drawn what was ordered, also before a restart."""
        while True:
            self._news.clear()
            waiting = "select * from orders where batch is null and refused is null"
            orders = self._database.execute(waiting).fetchall()
            await asyncio.gather(*(self._send(order) for order in orders))
            try:
                await asyncio.wait_for(self._news.wait(), AGAIN)
            except TimeoutError:
                pass

    async def _send(self, order: sqlite3.Row) -> None:
        number = order["number"]
        try:
            batch = await self.client.order(
                order["character"],
                user=order["customer"],
                prompt=order["prompt"],
                quantity=order["quantity"],
                idempotency_key=f"shop-{number}",
                metadata={"order": number},
            )
        except InvalidRequest as refusal:
            refused = "update orders set refused = ? where number = ?"
            self._database.execute(refused, (refusal.detail, number))
        except ClientError as away:  # or a wrong key: nothing a customer could change
            print(f"order {number} waits: {away}", flush=True)
        else:
            confirmed = "update orders set batch = ? where number = ?"
            self._database.execute(confirmed, (batch.id, number))


def create_app(file: str) -> FastAPI:
    """The shop as a web application."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncClient() as client:
            app.state.shop = Shop(file, client)
            sending = asyncio.create_task(app.state.shop.send_orders())
            yield
            sending.cancel()

    app = FastAPI(lifespan=life, title="A shop that sells pictures")
    app.include_router(router)
    app.add_exception_handler(ClientError, closed)
    return app


async def closed(request: Request, error: Exception) -> Response:
    """Safelight is away, or says no: why is nothing a browser needs to know."""
    print(f"{request.url.path}: {error}", flush=True)
    return Response("please come back later", 503)


def shop_of(request: Request) -> Shop:
    """The shop, for a route."""
    shop: Shop = request.app.state.shop
    return shop


router = APIRouter()
TheShop: TypeAlias = Annotated[Shop, Depends(shop_of)]
Customer: TypeAlias = Annotated[str, Cookie()]


@router.get("/", response_class=HTMLResponse)
async def counter(customer: Annotated[str | None, Cookie()] = None) -> Response:
    """The page; whoever comes for the first time becomes a customer."""
    page = HTMLResponse(PAGE)
    if customer is None:
        token = secrets.token_urlsafe(24)
        page.set_cookie("customer", token, httponly=True, samesite="lax", max_age=31_536_000)
    return page


@router.get("/characters")
async def characters(shop: TheShop) -> list[dict[str, str]]:
    """What is for sale."""
    return [{"id": each.id, "name": each.name} for each in await shop.client.characters()]


@router.post("/orders", status_code=201)
async def buy(shop: TheShop, wanted: Wanted, customer: Customer) -> dict[str, str]:
    """Order pictures."""
    return {"number": shop.take(user_of(customer), wanted)}


@router.get("/orders/{number}/events")
async def events(
    shop: TheShop, number: str, customer: Customer, last_event_id: Annotated[int, Header()] = 0
) -> Response:
    """How it goes on, for an EventSource: it comes back by itself and misses nothing."""
    shop.order(number, user_of(customer))
    lines = progress(shop, number, user_of(customer), last_event_id)
    return StreamingResponse(lines, media_type="text/event-stream")


@router.get("/orders/{number}/pictures/{index}")
async def picture(shop: TheShop, number: str, index: int, customer: Customer) -> Response:
    """One finished picture, for whoever has ordered it."""
    order = shop.order(number, user_of(customer))
    batch = await shop.client.batch(order["batch"]) if order["batch"] else None
    for image in batch.images if batch else ():
        if image.index == index and image.ready:
            headers = {"cache-control": "private, max-age=31536000, immutable"}
            return Response(await image.read(), media_type="image/png", headers=headers)
    raise HTTPException(404)


def user_of(customer: str) -> str:
    """Whose series it is: of the cookie, but of no use to who sees it in the name of a file."""
    return hashlib.sha256(customer.encode()).hexdigest()[:16]


async def progress(shop: Shop, number: str, customer: str, after: int) -> AsyncIterator[str]:
    """What the browser is told: no more than it needs, and no address but the shop's own."""
    order = shop.order(number, customer)
    while order["batch"] is None and order["refused"] is None:
        await asyncio.sleep(0.1)
        order = shop.order(number, customer)
    if order["refused"]:
        yield told("refused", {"why": order["refused"]}, None)
        return
    async with aclosing(shop.client.watch(order["batch"], after)) as events:
        async for event in events:
            for index in stored_by(event):
                picture = f"/orders/{number}/pictures/{index}"
                yield told("picture", {"index": index, "picture": picture}, event.number)
            if event.last or event.data.get("status") in ENDED:
                yield told("end", await bill(shop, order["batch"]), event.number)
            if event.progress is not None:
                yield told("progress", {"done": round(event.progress, 2)}, None)


def stored_by(event: Event) -> list[int]:
    """Indices of the pictures that can be shown now. A `reset` tells where all images stand: it
    comes in the place of events that are kept no longer."""
    if event.type == "reset":
        return [each["index"] for each in event.data["images"] if each["status"] == "stored"]
    return [event.index] if event.type == "image.stored" and event.index else []


async def bill(shop: Shop, batch: str) -> dict[str, Any]:
    """What came, and what it costs."""
    images = (await shop.client.batch(batch)).images
    stored = sum(image.status == "stored" for image in images)
    return {"pictures": stored, "ordered": len(images), "cents": stored * CENTS}


def told(event: str, data: dict[str, Any], number: int | None) -> str:
    """A server-sent event."""
    id = f"id: {number}\n" if number is not None else ""
    return f"{id}event: {event}\ndata: {json.dumps(data)}\n\n"


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Pictures</title>
<style>body { font: 16px sans-serif; margin: 2em } img { width: 240px; margin: 4px }</style>
<h1>Pictures</h1>
<form>
  <select name="character"></select>
  <input name="prompt" placeholder="at the sea">
  <input name="quantity" type="number" value="4" min="1" max="8">
  <button>Order</button>
</form>
<p role="status"></p><div></div>
<script type="module">
const [form, status, pictures] = ["form", "p", "div"].map(name => document.querySelector(name));
const say = text => { status.textContent = text };
fetch("/characters").then(answer => answer.json()).then(all => all.forEach(
  each => form.character.add(new Option(each.name, each.id))));
function show(number) {
  const events = new EventSource(`/orders/${number}/events`);
  events.addEventListener("progress", () => say("drawing …"));
  events.addEventListener("picture", event => {
    const image = new Image();
    image.src = JSON.parse(event.data).picture;
    image.alt = `Picture ${JSON.parse(event.data).index}`;
    pictures.append(image);
  });
  events.addEventListener("end", event => {
    const bill = JSON.parse(event.data);
    say(`${bill.pictures} of ${bill.ordered} pictures, ${(bill.cents / 100).toFixed(2)} to pay`);
    events.close();
  });
  events.addEventListener("refused", event => {
    say(JSON.parse(event.data).why);
    events.close();
  });
}
form.onsubmit = async event => {
  event.preventDefault();
  pictures.replaceChildren();
  say("ordered");
  const { character, prompt, quantity } = Object.fromEntries(new FormData(form));
  const answer = await fetch("/orders", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ character, prompt, quantity: Number(quantity) }),
  });
  location.hash = (await answer.json()).number;
  show(location.hash.slice(1));
};
if (location.hash) show(location.hash.slice(1));
</script>
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--data", default="shop.sqlite3")
    given = parser.parse_args()
    uvicorn.run(create_app(given.data), host="127.0.0.1", port=given.port, log_level="warning")
