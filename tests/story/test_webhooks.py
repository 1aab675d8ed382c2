"""An application is told of what happens: signed, in order, until it has heard."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from safelight.core.signing import secret_of
from tests.processes import Processes, Serving, until_ended
from tests.receiver import Message, Receiver
from tests.waiting import until

SECRET = secret_of(b"s" * 32)
CONFIG = f'[webhooks]\nsecret = "{SECRET}"\nallow_private = true\n'
QUICKLY = CONFIG + f"retry_schedule = {[0.1] * 80}\n"
TWICE = CONFIG + "retry_schedule = [0.1]\n"
SLOWLY = CONFIG + "retry_schedule = [600]\n"
EVERYTHING = ["batch.created", "image.dispatched", "image.stored", "batch.completed"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver().open()
    yield opened
    opened.close()


def deliveries(serving: Serving, of: str) -> list[Any]:
    """Of a batch or a webhook, oldest first."""
    found: list[Any] = serving.get(f"/v1/{of}/deliveries?limit=200")["data"]
    return found[::-1]


def states(serving: Serving, of: str) -> list[str]:
    return [one["status"] for one in deliveries(serving, of)]


def until_all(serving: Serving, of: str, status: str) -> None:
    """Until there are deliveries, and all are in this state."""
    until(lambda: set(states(serving, of)) == {status}, 40)


def until_heard(receiver: Receiver, batch: str | None, count: int) -> None:
    """Until so many messages came, of a batch or at all."""
    until(lambda: len(receiver.of(batch) if batch else receiver.messages) >= count)


def test_a_batch_tells_its_end_with_everything_in_it(
    processes: Processes, receiver: Receiver
) -> None:
    """A batch with a webhook of its own: one message comes, the Standard Webhooks library verifies
    it, and its data is the batch as GET shows it."""
    serving = processes.serve([processes.simulate().url], config=CONFIG)
    batch = serving.order(2, webhook={"url": receiver.url})
    until(lambda: receiver.messages)
    [message] = receiver.messages
    assert message.verified(SECRET) == message.json
    assert (message.type, message.path) == ("batch.completed", "/hook")
    assert message.json["data"] == serving.get(f"/v1/batches/{batch['id']}")
    assert message.id == f"{batch['id']}:{batch['last_event']}"
    assert message.headers["content-type"] == "application/json"
    assert message.headers["user-agent"].startswith("safelight/")
    assert b": " not in message.body.partition(b"prompt")[0]
    until(lambda: states(serving, f"batches/{batch['id']}") == ["delivered"])
    [delivery] = deliveries(serving, f"batches/{batch['id']}")
    assert (delivery["tries"], delivery["http_status"], delivery["reason"]) == (1, 204, None)
    assert delivery["message_id"] == message.id
    assert delivery["at"] == message.json["timestamp"]


def test_a_replayed_order_is_told_once(processes: Processes, receiver: Receiver) -> None:
    """The same key with the same webhook is the same batch; with another one it is refused."""
    serving = processes.serve([processes.simulate().url], config=CONFIG)
    order = {"user": "ann", "character": "mira", "prompt": "", "quantity": 1}
    key = {"Idempotency-Key": "told-once"}
    with_webhook = {**order, "webhook": {"url": receiver.url, "events": EVERYTHING}}
    ids = {serving.post("/v1/batches", with_webhook, key, wait=30)["id"] for _ in range(3)}
    assert len(ids) == 1
    for other in (order, {**order, "webhook": {"url": receiver.url}}):
        with pytest.raises(urllib.error.HTTPError, match="422") as refusal:
            serving.post("/v1/batches", other, key)
        assert b"idempotency-key-reused" in refusal.value.read()
        refusal.value.close()
    [id] = ids
    until_all(serving, f"batches/{id}", "delivered")
    assert [message.number for message in receiver.messages] == [1, 2, 3, 4]


def subscribe(serving: Serving, receiver: Receiver, *events: str) -> Any:
    """Be told of all batches; the answer, with the secret."""
    return serving.post("/v1/webhooks", {"url": receiver.url, "events": list(events or EVERYTHING)})


def firsts(messages: list[Message]) -> list[int]:
    """Numbers of events in the order in which they came for the first time."""
    return list(dict.fromkeys(message.number for message in messages))


def test_a_subscription_is_told_of_every_batch_in_its_order(
    processes: Processes, receiver: Receiver
) -> None:
    """Events of images bring the image as GET shows it; after a rotation both secrets verify, and
    whoever was unsubscribed hears nothing more."""
    serving = processes.serve([processes.simulate().url], config=CONFIG)
    webhook = subscribe(serving, receiver)
    batches = [serving.order(3, user=user) for user in ("ann", "ben")]
    for batch in batches:
        until_heard(receiver, batch["id"], 8)
        told = receiver.of(batch["id"])
        assert firsts(told) == list(range(1, 9))
        assert (told[0].type, told[-1].type) == ("batch.created", "batch.completed")
        for message in told:
            assert message.verified(webhook["secret"]) == message.json
        stored = [message for message in told if message.type == "image.stored"]
        ids = {image["id"] for image in batch["images"]}
        assert {message.json["data"]["id"] for message in stored} == ids
        image = stored[-1].json["data"]
        assert image == serving.get(f"/v1/images/{image['id']}")
    assert serving.get("/v1/webhooks")["data"] == [
        {name: value for name, value in webhook.items() if name != "secret"}
    ]
    _pages(serving, f"/v1/webhooks/{webhook['id']}/deliveries")
    _rotation(serving, receiver, webhook)
    request = urllib.request.Request(f"{serving.url}/v1/webhooks/{webhook['id']}", method="DELETE")
    urllib.request.urlopen(request).close()
    heard = len(receiver.messages)
    own = serving.order(1, webhook={"url": receiver.url})["id"]
    until(lambda: receiver.of(own))
    assert [message.type for message in receiver.messages[heard:]] == ["batch.completed"]


def _pages(serving: Serving, path: str) -> None:
    """Newest first, five at a time, are all sixteen."""
    until(lambda: serving.get(f"{path}?status=pending")["data"] == [])
    whole = serving.get(path)["data"]
    assert [one["created_at"] for one in whole] == sorted(
        (one["created_at"] for one in whole), reverse=True
    )
    found, cursor = [], ""
    while True:
        page = serving.get(f"{path}?limit=5{cursor}")
        found += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == whole
    assert len(whole) == 16


def _rotation(serving: Serving, receiver: Receiver, webhook: Any) -> None:
    rotated = serving.post(f"/v1/webhooks/{webhook['id']}/rotate", {})
    assert rotated["secret"] != webhook["secret"]
    assert rotated["old_secret_until"]
    id = serving.order(1)["id"]
    until(lambda: len(receiver.of(id)) == 4)
    for message in receiver.of(id):
        assert message.verified(rotated["secret"]) == message.verified(webhook["secret"])
        with pytest.raises(WebhookVerificationError):
            message.verified(SECRET)


def test_a_new_secret_of_the_settings_signs_beside_the_old_one(
    processes: Processes, receiver: Receiver
) -> None:
    new = secret_of(b"n" * 32)
    config = f'[webhooks]\nsecret = "{new}"\nold_secret = "{SECRET}"\nallow_private = true\n'
    serving = processes.serve([processes.simulate().url], config=config)
    serving.order(1, webhook={"url": receiver.url})
    until(lambda: receiver.messages)
    assert receiver.messages[0].verified(new) == receiver.messages[0].verified(SECRET)


def test_a_receiver_that_was_down_hears_everything_under_the_same_id(
    processes: Processes, receiver: Receiver
) -> None:
    """Nobody listens for at least five tries. Later events of the batch wait for the first one."""
    receiver.close()
    serving = processes.serve([processes.simulate().url], config=QUICKLY)
    id = serving.order(1, webhook={"url": receiver.url, "events": EVERYTHING})["id"]
    until(lambda: len(deliveries(serving, f"batches/{id}")) == 4)
    until(lambda: deliveries(serving, f"batches/{id}")[0]["tries"] >= 5)
    first, *others = deliveries(serving, f"batches/{id}")
    assert (first["status"], first["http_status"]) == ("pending", None)
    assert first["reason"].startswith("no connection: ")
    assert [one["tries"] for one in others] == [0, 0, 0]
    receiver.open()
    until(lambda: states(serving, f"batches/{id}") == ["delivered"] * 4)
    assert [message.number for message in receiver.messages] == [1, 2, 3, 4]
    assert deliveries(serving, f"batches/{id}")[0]["tries"] >= 6


def test_what_nobody_wants_is_dead_and_can_be_sent_again(
    processes: Processes, receiver: Receiver
) -> None:
    """After the last try it is dead, the next event goes out all the same, and a redelivery brings
    the same message id."""
    receiver.behave = lambda message: (500 if message.number == 1 else 200, {})
    serving = processes.serve([processes.simulate().url], config=TWICE)
    webhook = subscribe(serving, receiver, "batch.created", "batch.completed")
    batch = serving.order(1)
    of = f"webhooks/{webhook['id']}"
    until(lambda: states(serving, of) == ["dead", "delivered"])
    dead = deliveries(serving, of)[0]
    assert (dead["tries"], dead["http_status"], dead["reason"]) == (2, 500, "HTTP 500")
    assert [one["id"] for one in serving.get(f"/v1/{of}/deliveries?status=dead")["data"]] == [
        dead["id"]
    ]
    receiver.behave = lambda _: (200, {})
    heard = len(receiver.messages)
    again = serving.post(f"/v1/{of}/deliveries/{dead['id']}/redeliver", {})
    assert again["id"] == dead["id"]
    until(lambda: states(serving, of) == ["delivered", "delivered"])
    [message] = receiver.messages[heard:]
    assert (message.id, message.type) == (f"{batch['id']}:1", "batch.created")
    # Also what was delivered; a batch's own webhook has its deliveries at the batch.
    done = deliveries(serving, of)[1]
    serving.post(f"/v1/{of}/deliveries/{done['id']}/redeliver", {})
    until(
        lambda: (
            receiver.messages[-1].id == done["message_id"] and len(receiver.messages) > heard + 1
        )
    )


def test_410_means_never_again(processes: Processes, receiver: Receiver) -> None:
    """The subscription is disabled, what waited for it is dead, and nothing is sent any more; a
    batch's own webhook is told nothing more of that batch, others are."""
    receiver.behave = lambda message: (410 if message.number == 1 else 200, {})
    serving = processes.serve([processes.simulate().url], config=CONFIG)
    webhook = subscribe(serving, receiver)
    id = serving.order(1, webhook={"url": receiver.url, "events": EVERYTHING})["id"]
    until(lambda: serving.get(f"/v1/webhooks/{webhook['id']}")["status"] == "disabled")
    for of in (f"webhooks/{webhook['id']}", f"batches/{id}"):
        until_all(serving, of, "dead")
        for one in deliveries(serving, of):
            assert one["reason"].startswith("HTTP 410")
    assert firsts(receiver.messages) == [1]
    assert len(receiver.messages) == 2
    dead = deliveries(serving, f"webhooks/{webhook['id']}")[0]["id"]
    with pytest.raises(urllib.error.HTTPError, match="409") as refusal:
        serving.post(f"/v1/webhooks/{webhook['id']}/deliveries/{dead}/redeliver", {})
    refusal.value.close()
    receiver.behave = lambda _: (200, {})
    other = serving.order(1, webhook={"url": receiver.url})["id"]
    until(lambda: receiver.of(other))
    assert {message.type for message in receiver.of(other)} == {"batch.completed"}


def test_a_redirect_is_not_followed(processes: Processes, receiver: Receiver) -> None:
    elsewhere = Receiver().open()
    receiver.behave = lambda _: (307, {"Location": elsewhere.url})
    serving = processes.serve([processes.simulate().url], config=TWICE)
    id = serving.order(1, webhook={"url": receiver.url})["id"]
    until(lambda: states(serving, f"batches/{id}") == ["dead"])
    [dead] = deliveries(serving, f"batches/{id}")
    assert (dead["http_status"], dead["tries"]) == (307, 2)
    assert "not followed" in dead["reason"]
    assert elsewhere.messages == []
    elsewhere.close()


def test_a_target_inside_is_refused_at_the_attempt_as_well(
    processes: Processes, receiver: Receiver
) -> None:
    """Accepted while it was allowed, sent when it no longer is: dead, with the reason, and nothing
    has knocked at the door."""
    simulating = processes.simulate()
    serving = processes.serve([simulating.url], config=SLOWLY)
    receiver.behave = lambda _: (500, {})
    url = f"http://localhost:{receiver.port}/"
    id = serving.order(1, webhook={"url": url, "events": ["batch.created", "batch.completed"]})[
        "id"
    ]
    until(lambda: [one["tries"] for one in deliveries(serving, f"batches/{id}")] == [1, 0])
    assert serving.process.stop() == 0
    heard = len(receiver.messages)
    serving = processes.serve([simulating.url], config=f'[webhooks]\nsecret = "{SECRET}"\n')
    first = deliveries(serving, f"batches/{id}")[0]
    assert first["status"] == "pending"  # a start brings no try forward
    serving.post(f"/v1/batches/{id}/deliveries/{first['id']}/redeliver", {})
    until(lambda: states(serving, f"batches/{id}") == ["dead", "dead"])
    for one in deliveries(serving, f"batches/{id}"):
        assert one["http_status"] in (None, 500)
        assert "expected https" in one["reason"]
    assert len(receiver.messages) == heard


def test_one_that_hangs_holds_up_no_other(processes: Processes, receiver: Receiver) -> None:
    """Fifty messages wait for a host that takes connections and says nothing; another host hears
    of its batch meanwhile."""
    release = threading.Event()

    def hang(_: Message) -> tuple[int, Mapping[str, str]]:
        release.wait(60)
        return 200, {}

    hanging = Receiver(hang).open()
    serving = processes.serve([processes.simulate(seconds=0.01).url], config=CONFIG)
    with ThreadPoolExecutor(10) as pool:
        orders = [pool.submit(serving.order, 1, webhook={"url": hanging.url}) for _ in range(50)]
        stuck = [order.result()["id"] for order in orders]
    until(lambda: len(hanging.messages) == 8)
    id = serving.order(1, webhook={"url": receiver.url})["id"]
    until(lambda: receiver.of(id))
    assert len(hanging.messages) == 8
    release.set()
    until(lambda: {message.batch for message in hanging.messages} == set(stuck))
    hanging.close()


def test_a_worker_that_stops_gives_back_what_it_was_sending(
    processes: Processes, receiver: Receiver
) -> None:
    """The receiver takes its time; the worker is asked to stop and does so within seconds. Another
    one sends the message at once, under the same id, and it was no failed try."""
    release = threading.Event()

    def hang_once(_: Message) -> tuple[int, Mapping[str, str]]:
        if len(receiver.messages) == 1:
            release.wait(60)
        return 200, {}

    receiver.behave = hang_once
    simulating = processes.simulate()
    serving = processes.serve([simulating.url], config=SLOWLY)
    id = serving.order(1, webhook={"url": receiver.url})["id"]
    until_heard(receiver, id, 1)
    assert serving.process.stop(seconds=5) == 0
    serving = processes.serve([simulating.url], config=SLOWLY)
    until_all(serving, f"batches/{id}", "delivered")
    release.set()
    first, second = receiver.of(id)
    assert first.id == second.id
    assert deliveries(serving, f"batches/{id}")[0]["tries"] == 1


def test_whatever_is_killed_every_event_arrives_in_order(
    processes: Processes, receiver: Receiver
) -> None:
    """A hundred batches, and `serve` is killed while their messages are made and sent, beside a
    worker that lives on: each event arrives, under its own id, none before an earlier one of its
    batch."""
    config = QUICKLY
    simulating = processes.simulate(seconds=0)
    serving = processes.serve([simulating.url], config=config)
    processes.start("work")
    webhook = subscribe(serving, receiver)
    orders = [
        {"user": f"u{n}", "character": "mira", "prompt": "", "quantity": 1} for n in range(100)
    ]
    with ThreadPoolExecutor(10) as pool:
        ids = [batch["id"] for batch in pool.map(lambda o: serving.post("/v1/batches", o), orders)]
    for heard in (40, 200):
        until_heard(receiver, None, heard)
        serving.process.kill()
        serving = processes.serve([simulating.url], config=config)
    for id in ids:
        until_ended(serving, id)
    until(lambda: all(len(firsts(receiver.of(id))) >= 4 for id in ids), 90)
    for id in ids:
        told = receiver.of(id)
        assert firsts(told) == sorted(firsts(told))
        types = {message.number: message.type for message in told}
        assert (types[1], types[max(types)]) == ("batch.created", "batch.completed")
        assert all(message.verified(webhook["secret"]) for message in told)
    until(
        lambda: serving.get(f"/v1/webhooks/{webhook['id']}/deliveries?status=pending")["data"] == []
    )
