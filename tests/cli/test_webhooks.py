"""`webhooks`: who is told, as a person types it."""

from __future__ import annotations

import pytest

from tests.cli.terminal import Shell
from tests.receiver import Receiver
from tests.waiting import until

MORE = "[webhooks]\nallow_private = true\nretry_schedule = [0.1]\n"


def test_a_webhook_from_its_first_day_to_its_last(backed: Shell) -> None:
    """Added, told, listed, sent again, given a new secret, removed; the secret is on stdout alone,
    and only when it is new."""
    receiver = Receiver().open()
    receiver.behave = lambda _: (500, {})
    toml = backed.folder / "safelight.toml"
    toml.write_text(toml.read_text() + MORE)
    added = backed.type("webhooks", "add", receiver.url, "--event", "batch.completed")
    secret = added.out.strip()
    assert (added.code, secret[:6]) == (0, "whsec_"), added
    assert secret not in added.err
    [webhook] = backed.type("webhooks", "ls", "--json").json()
    assert (webhook["url"], webhook["events"]) == (receiver.url, ["batch.completed"])
    assert webhook["id"] in (listed := backed.type("webhooks", "ls").out)
    assert secret not in listed

    running = backed.start("serve")
    assert running.stderr is not None
    while "Safelight listens" not in running.stderr.readline():
        assert running.poll() is None
    batch = backed.type("generate", "mira", "-u", "ann", "-n", "1", "--json").json()["id"]
    id = webhook["id"]

    def told() -> list[dict[str, object]]:
        found: list[dict[str, object]] = backed.type("webhooks", "deliveries", id, "--json").json()
        return found

    until(lambda: [one["status"] for one in told()] == ["dead"])
    shown = backed.type("webhooks", "deliveries", id, "--status", "dead")
    assert "HTTP 500" in shown.out
    assert f"safelight webhooks redeliver {id}" in shown.err
    receiver.behave = lambda _: (200, {})
    again = backed.type("webhooks", "redeliver", id, str(told()[0]["id"]))
    assert f"batch.completed of batch {batch} is sent again" in again.err
    until(lambda: [one["status"] for one in told()] == ["delivered"])
    assert receiver.messages[-1].verified(secret)["data"]["id"] == batch
    rotated = backed.type("webhooks", "rotate", id, "--json").json()
    assert rotated["secret"] not in ("", secret)
    assert backed.type("webhooks", "deliveries", batch, "--batch", "--json").json() == []
    assert backed.type("webhooks", "rm", id).code == 0
    assert backed.type("webhooks", "ls", "--json").json() == []
    running.terminate()
    running.communicate(timeout=30)
    receiver.close()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "http://example.com/"), "expected https"),
        (("add", "https://example.com/", "--event", "image.lost"), "expected one of batch.created"),
        (("rm", "nobody"), "no webhook with this id"),
        (("deliveries", "nobody", "--batch"), "no batch with this id"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(backed: Shell, words: list[str], why: str) -> None:
    backed.type("webhooks", *words).assert_failed(2, why)
