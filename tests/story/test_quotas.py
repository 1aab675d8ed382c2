"""How much a key and a user may ask for in a time: exact, whatever comes at once and wherever."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.api.asking import Answer, Server
from tests.processes import Processes
from tests.story.test_keys import all_made, made, order, told
from tests.story.test_restore import query

LIMITS = "[limits]\nbatches_per_minute = 10\nimages_per_user_per_day = 30\n"


def ordered(server: Server, key: str, number: object = None, **fields: object) -> Answer:
    """What comes back to an order."""
    named = {} if number is None else {"idempotency_key": str(number)}
    return server.post({**order("ann"), **fields}, authorization=f"Bearer {key}", **named)


def statuses(answers: Sequence[Answer]) -> dict[int, int]:
    """How many are how."""
    found = [answer.status for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


def left(answer: Answer) -> dict[str, int]:
    """What is left of each quota, as an answer says."""
    return {
        name: int(count)
        for name, count in re.findall(r'"([a-z-]+)";r=(\d+);t=\d+', answer.headers["ratelimit"])
    }


def test_sixteen_at_once_at_two_servers_get_exactly_what_is_allowed(processes: Processes) -> None:
    """Ten of sixteen orders are taken, six refused with everything a client needs; a replay and a
    refusal count nothing; the next window begins anew, and a refused order is then taken."""
    servers = [Server(processes.serve([], "--no-worker", config=LIMITS).url) for _ in range(2)]
    assert all(servers[0].post(order("ann")).status == 201 for _ in range(12))  # without keys: any
    key = made(processes, "admin")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: ordered(servers[n % 2], key, n), range(16)))
    assert statuses(answers) == {201: 10, 429: 6}
    taken = [n for n, answer in enumerate(answers) if answer.status == 201]
    refused = [n for n, answer in enumerate(answers) if answer.status == 429]
    assert sorted(left(answers[n])["batches"] for n in taken) == list(range(10))
    assert sorted(left(answers[n])["user-images"] for n in taken) == list(range(20, 30))
    for n in refused:
        answers[n].problem(429, "rate-limited")
        assert 1 <= int(answers[n].headers["retry-after"]) <= 60
        assert left(answers[n]) == {"batches": 0, "user-images": 20}
    policy = '"batches";q=10;w=60, "user-images";q=30;w=86400'
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {policy}
    replay = ordered(servers[0], key, taken[0])
    assert (replay.status, replay.headers["idempotency-replayed"]) == (200, "true")
    ordered(servers[0], key, quantity=0).problem(422, "invalid-request")
    url = processes.database_url
    query(url, "update quotas set begins = begins - interval '1 minute' where quota = 'batches'")
    assert left(ordered(servers[1], key, refused[0])) == {"batches": 9, "user-images": 19}


def test_what_a_key_has_of_its_own_wins_and_a_user_is_counted_over_all_keys(
    processes: Processes,
) -> None:
    """An order that is too large takes nothing of any quota, a smaller one after it fits; another
    user has quotas of their own; who reaches one character is not told how much is ordered of
    others; who is erased is not remembered here either."""
    serving = processes.serve([], "--no-worker", config=LIMITS + "queued_per_user = 32\n")
    server = Server(serving.url)
    plain, mira = all_made(processes, ["admin"], ["user:ann", "character:mira"])
    flags = ["--scope", "user:ann", "--batches-per-minute", "2", "--images-per-day", "20"]
    own = told(processes, "keys", "create", *flags)["key"]
    first = ordered(server, own, quantity=16)
    assert left(first) == {"batches": 1, "images": 4, "user-images": 14}
    refusal = ordered(server, own, quantity=5)
    assert "20 images a day" in refusal.problem(429, "rate-limited")["detail"]
    assert left(refusal) == left(first)
    assert 86_000 < int(refusal.headers["retry-after"]) <= 86_400
    assert left(ordered(server, own, quantity=4))["images"] == 0
    assert "2 batches a minute" in ordered(server, own).problem(429, "rate-limited")["detail"]
    for key, told_of in ((plain, {"batches": 10, "user-images": 10}), (mira, {"batches": 10})):
        more = ordered(server, key, quantity=11)
        assert "for this user" in more.problem(429, "rate-limited")["detail"]
        assert left(more) == told_of
    assert left(ordered(server, plain, quantity=9)) == {"batches": 9, "user-images": 1}
    assert left(ordered(server, mira)) == {"batches": 9}
    known = ordered(server, plain, quantity=3).problem(429, "too-many-queued")["detail"]
    assert known.startswith("ann has 30 unfinished images")
    assert "30" not in ordered(server, mira, quantity=3).problem(429, "too-many-queued")["detail"]
    assert ordered(server, plain, user="bob", quantity=30).status == 201
    assert told(processes, "erase", "--user", "bob", "--yes") is not None
    subjects = query(processes.database_url, "select subject from quotas order by subject")
    assert [subject for (subject,) in subjects if subject.startswith("user:")] == ["user:ann"]
