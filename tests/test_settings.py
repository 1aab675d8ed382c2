"""Settings: who wins, what is refused and with which words, what is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from safelight.core.errors import SettingsError
from safelight.core.fairness import Fairness
from safelight.core.quotas import Rates
from safelight.core.signing import secret_of
from safelight.settings import Backend, Settings, load, on_loopback, show
from safelight.settings.checks import address, duration, public_url

CLOUDINARY_INLINE = (
    '[publishers.cloudinary]\ncloud_name = "demo"\napi_key = "1"\napi_secret = "s3cret"\n'
)


def loaded(
    folder: Path,
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    **flags: Any,
) -> Settings:
    if text is not None:
        (folder / "safelight.toml").write_text(text, "utf-8")
    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    return load(flags=dotted, environ=environ or {}, cwd=folder)


def complaint(folder: Path, text: str | None = None, **more: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, text, **more)
    return caught.value.detail.replace(f"{folder}/", "")


# --- what there is without any file ---------------------------------------------------------------


def test_everything_has_a_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.server.max_body == 1024 * 1024
    assert settings.database.url is None
    assert settings.store.url is None
    assert [backend.url for backend in settings.backends] == ["http://127.0.0.1:8188"]
    assert settings.backends[0].slots == 2
    assert settings.rendering.deadline == 24 * 3600
    assert (settings.rendering.lost_after, settings.rendering.max_attempts) == (20, 6)
    assert settings.order_limits().quantity == 64
    assert settings.order_limits().deadline == 86_400
    assert settings.limits.fairness() == Fairness()
    assert settings.home.is_absolute()


def test_settings_never_change(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]


# --- who wins -------------------------------------------------------------------------------------


def test_flags_win_over_the_environment_over_the_file(tmp_path: Path) -> None:
    text = "[server]\nport = 1\nmax_body = 4096\npublic_url = 'http://file'"
    environ = {"SAFELIGHT_SERVER__PORT": "2", "SAFELIGHT_SERVER__MAX_BODY": "8192"}
    server = loaded(tmp_path, text, environ, server__port=3).server
    assert (server.port, server.max_body, server.public_url) == (3, 8192, "http://file")


def test_a_flag_that_was_not_given_is_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[server]\nport = 7", server__port=None).server.port == 7


def test_backends_are_replaced_not_joined(tmp_path: Path) -> None:
    text = '[[backends]]\nname = "a"\nurl = "http://a"\n'
    backends = json.dumps([{"name": "b", "url": "http://b"}])
    settings = loaded(tmp_path, text, {"SAFELIGHT_BACKENDS": backends})
    assert [backend.name for backend in settings.backends] == ["b"]


def test_the_environment_reaches_into_named_sections(tmp_path: Path) -> None:
    text = '[characters.mira]\nprompt = "file"\nnegative_prompt = "kept"\n'
    mira = loaded(tmp_path, text, {"SAFELIGHT_CHARACTERS__MIRA__PROMPT": "{x}"}).characters["mira"]
    assert (mira.prompt, mira.negative_prompt) == ("{x}", "kept")


def test_names_of_their_own(tmp_path: Path) -> None:
    environ = {
        "SAFELIGHT_HOME": "state",
        "SAFELIGHT_URL": "http://other:8080/",
        "SAFELIGHT_KEY": "k",
        "SAFELIGHT_DATABASE_URL": "postgresql://u:p@h/d",
        "UNRELATED": "x",
    }
    settings = loaded(tmp_path, None, environ)
    assert settings.home == tmp_path / "state"
    assert settings.url == "http://other:8080"
    assert settings.key == SecretStr("k")
    assert settings.database.url == SecretStr("postgresql://u:p@h/d")


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    names = ("HOME", "URL", "KEY", "KEY_FILE", "CONFIG", "DATABASE_URL")
    environ = {f"SAFELIGHT_{name}": "" for name in names}
    assert loaded(tmp_path, None, environ) == loaded(tmp_path)


def test_the_file_may_lie_elsewhere_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "my.toml").write_text('[workflows.quick]\nfile = "graphs/quick.json"\n')
    (tmp_path / "safelight.toml").write_text("[server]\nport = 1\n")
    by_name = load(environ={"SAFELIGHT_CONFIG": "etc/my.toml"}, cwd=tmp_path)
    by_flag = load(Path("etc/my.toml"), environ={"SAFELIGHT_CONFIG": "nowhere"}, cwd=tmp_path)
    assert by_name == by_flag
    assert by_name.workflows["quick"].file == folder / "graphs" / "quick.json"
    assert by_name.server.port == 8080


@pytest.mark.parametrize(
    ("said", "seconds"), [("90s", 90), ("1.5h", 5400), ("24h", 86400), ("7d", 604800), ("10", 10)]
)
def test_durations(tmp_path: Path, said: str, seconds: float) -> None:
    assert loaded(tmp_path, f'[rendering]\ndeadline = "{said}"').rendering.deadline == seconds


def test_sizes_in_bytes(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[rendering]\nmax_file = "8MiB"').rendering.max_file == 8 * 1024**2


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0k\n")
    (tmp_path / "database").write_text("postgresql://a:b@c/d\n")
    (tmp_path / "key").write_text("k3y")
    text = '[[backends]]\nname = "a"\nurl = "http://a"\ntoken_file = "token"\n'
    environ = {"SAFELIGHT_DATABASE_URL_FILE": "database", "SAFELIGHT_KEY_FILE": "key"}
    settings = loaded(tmp_path, text, environ)
    assert settings.backends[0].token == SecretStr("t0k")
    assert settings.database.url == SecretStr("postgresql://a:b@c/d")
    assert settings.key == SecretStr("k3y")


def test_what_signs_webhooks_is_a_secret_and_may_change(tmp_path: Path) -> None:
    """From the file, from a file of its own, from the environment; never shown."""
    new, old = secret_of(b"n" * 32), secret_of(b"o" * 32)
    (tmp_path / "old").write_text(f"{old}\n")
    text = '[webhooks]\nold_secret_file = "old"\nretry_schedule = [0.5, "5m", 30]\n'
    webhooks = loaded(tmp_path, text, {"SAFELIGHT_WEBHOOKS__SECRET": new}).webhooks
    assert webhooks.secrets() == (new, old)
    assert webhooks.retry_schedule == (0.5, 300.0, 30.0)
    settings = loaded(tmp_path, f'[webhooks]\nsecret = "{new}"\n')
    assert settings.webhooks.secrets() == (new,)
    assert settings.webhooks.allow_private is False
    assert loaded(tmp_path, "").webhooks.secrets() == ()
    for said in (show(settings), repr(settings), str(settings.webhooks)):
        assert new not in said
    assert 'secret = "***"' in show(settings)


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("https://api.runpod.ai/v2/abc123", 'token_file = "token"'),
        ("https://api.runpod.ai/v2/abc123", 'headers = { authorization = "Bearer k" }'),
        ("http://127.0.0.1:9000/v2/abc123", 'token = "k"\nttl = "1h"\nexecution_timeout = 6'),
        ("http://localhost:9000/abc123", 'token = "k"'),
    ],
)
def test_an_endpoint_of_runpod_needs_its_key(tmp_path: Path, url: str, more: str) -> None:
    (tmp_path / "token").write_text("t0k\n")
    text = f'[[backends]]\nname = "a"\nkind = "runpod"\nurl = "{url}"\n{more}\n'
    (backend,) = loaded(tmp_path, text).backends
    assert (backend.kind, backend.url) == ("runpod", url)
    assert backend.ttl == (3_600 if "ttl" in more else None)
    shown = show(loaded(tmp_path, text))
    assert loaded(tmp_path, shown).backends[0].kind == "runpod"


def test_a_secret_of_a_higher_layer_wins_over_a_file_of_a_lower(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("postgresql://file")
    text = '[database]\nurl_file = "database"\n'
    settings = loaded(tmp_path, text, {"SAFELIGHT_DATABASE__URL": "postgresql://env"})
    assert settings.database.url == SecretStr("postgresql://env")


def test_shown_settings_are_redacted_and_load_again(tmp_path: Path) -> None:
    (tmp_path / "quick.json").write_text("{}")
    text = """
[database]
url = "postgresql://ann:s3cret1@db.example:5432/safelight?sslpassword=s3cret2&application_name=x"
[store]
url = "s3://key:s3cret3@bucket/prefix"
[[backends]]
name = "pod-1"
url = "https://pod.example/comfy/"
token = "s3cret4"
headers = { "X-Proxy" = "s3cret5" }
[workflows.quick]
file = "quick.json"
slots = { seed = "2.seed" }
[styles.anime]
prompt = "quote \\" and \\u007f and 😀"
[characters.opal-fever]
loras = [{ name = "gothic.safetensors", strength = 0.8 }]
"""
    shown = show(loaded(tmp_path, text, {"SAFELIGHT_KEY": "s3cret6"}))
    assert "s3cret" not in shown
    assert "db.example:5432/safelight?sslpassword=***&application_name=x" in shown
    again = loaded(tmp_path, shown)
    assert show(again) == shown
    assert again.styles["anime"].prompt == 'quote " and \x7f and 😀'
    assert again.characters["opal-fever"].loras[0].strength == 0.8
    assert again.backends[0].url == "https://pod.example/comfy"


def test_no_secret_stands_in_a_complaint(tmp_path: Path) -> None:
    text = '[database]\nurl = "s3cret"\n[[backends]]\nname = "a"\nurl = "http://u:s3cret@h"\n'
    told = complaint(tmp_path, text)
    assert "s3cret" not in told
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('[[backends]]\nname = "a"\nurl = "http://a"\ntoken = "t"\n', True),
        ('[[backends]]\nname = "a"\nurl = "http://a"\nheaders = { A = "b" }\n', True),
        ('[[backends]]\nname = "a"\nurl = "http://a"\nheaders = {}\n', False),
        ('[database]\nurl = "postgresql://ann:pw@db/x"\n', True),
        ('[database]\nurl = "postgresql://ann@db/x"\n', False),
        ('[store]\nurl = "s3://bucket/x"\n', False),
        ('[store]\nurl = "s3://bucket/x?secret_access_key=k"\n', True),
        (CLOUDINARY_INLINE, True),
        ("", False),
    ],
)
def test_a_file_is_known_to_hold_secrets(tmp_path: Path, text: str, secret: bool) -> None:
    """The doctor looks who else can read it."""
    found = loaded(tmp_path, text).secret_files
    assert found == ((tmp_path / "safelight.toml",) if secret else ())


def test_files_that_secrets_are_read_from_are_known(tmp_path: Path) -> None:
    """From the file and from the environment."""
    for name in ("token", "key"):
        (tmp_path / name).write_text("x")
    text = '[[backends]]\nname = "a"\nurl = "http://a"\ntoken_file = "token"\n'
    files = loaded(tmp_path, text, {"SAFELIGHT_KEY_FILE": "key"}).secret_files
    assert set(files) == {tmp_path / "token", tmp_path / "key"}


# --- publishers -----------------------------------------------------------------------------------

PUBLISHERS = """
[publishers.cloudinary]
cloud_name = "demo"
api_key = "123"
api_secret = "s3cret1"
overwrite = false
eager = ["c_fill,w_200", "w_400/webp"]
[publishers.far-side]
kind = "bunny"
zone = "z"
access_key_file = "key"
public_url = "https://z.b-cdn.net/"
retry_schedule = [1, 2.5, "1h"]
[publishers.bucket]
url = "s3://id:s3cret2@pictures/cdn?endpoint=https://s3.example.com&secret_access_key=s3cret3"
public_url = "https://img.example.com"
index_txt = true
"""


def test_publishers_are_of_the_kind_they_are_named_after(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret4\n")
    settings = loaded(tmp_path, PUBLISHERS)
    kinds = {name: entry.kind for name, entry in settings.publishers.items()}
    assert kinds == {"cloudinary": "cloudinary", "far-side": "bunny", "bucket": "bucket"}
    bunny = settings.publishers["far-side"]
    assert bunny.access_key == SecretStr("s3cret4")
    assert (bunny.retry_schedule, bunny.public_url) == ((1, 2.5, 3600), "https://z.b-cdn.net")
    assert (bunny.concurrency, bunny.keep_metadata, bunny.index_txt) == (4, False, False)
    shown = show(settings)
    assert "s3cret" not in shown
    assert "s3cret" not in repr(settings)
    assert "pictures/cdn?endpoint=https://s3.example.com" in shown
    assert show(loaded(tmp_path, shown)) == shown


def test_a_publisher_is_completed_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    environ = {
        "SAFELIGHT_PUBLISHERS__CLOUDINARY__API_KEY": "123456789012345",
        "SAFELIGHT_PUBLISHERS__CLOUDINARY__API_SECRET_FILE": "secret",
        "SAFELIGHT_PUBLISHERS__CLOUDINARY__RETRY_SCHEDULE": "[0.5, 1]",
        "SAFELIGHT_PUBLISHERS__CLOUDINARY__KEEP_METADATA": "true",
    }
    text = '[publishers.cloudinary]\ncloud_name = "demo"\n'
    entry = loaded(tmp_path, text, environ).publishers["cloudinary"]
    assert (entry.api_key, entry.api_secret) == ("123456789012345", SecretStr("s3cret"))
    assert (entry.retry_schedule, entry.keep_metadata) == ((0.5, 1), True)


# --- the pieces -----------------------------------------------------------------------------------


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        seconds = duration(text)
    except ValueError:
        return
    assert isinstance(seconds, float)
    assert seconds >= 0


@given(st.text(max_size=40))
def test_a_public_url_holds_nothing_that_ends_a_link(text: str) -> None:
    try:
        url = public_url(f"http://{text}")
    except ValueError:
        return
    assert not re.search(r'[\s"<>\\?#]', str(url))


def test_addresses_are_compared_not_spelled() -> None:
    assert address("http://HOST") == address("http://host:80")
    assert address("http://host/a") != address("http://host/b")


def test_users_and_their_limits(tmp_path: Path) -> None:
    text = (
        '[limits]\nweights = { Ann = 4, "b.en-1" = 0.01, cyd = 100 }\n'
        'queued_per_user = 8\nin_flight_per_user = 2\n[rendering]\ndeadline = "30m"\n'
    )
    settings = loaded(tmp_path, text)
    weights = {"Ann": 4.0, "b.en-1": 0.01, "cyd": 100.0}
    assert settings.limits.fairness() == Fairness(weights, 8, 2)
    assert settings.limits.rates() == Rates()
    text = "[limits]\nbatches_per_minute = 1\nimages_per_day = 2\nimages_per_user_per_day = 3"
    assert loaded(tmp_path, text).limits.rates() == Rates(1, 2, 3)
    assert settings.order_limits().quantity == 8  # more could never be taken
    assert settings.order_limits().deadline == 1800


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8188", True),
        ("http://127.8.0.1", True),
        ("http://[::1]:8188/comfy", True),
        ("http://[::ffff:127.0.0.1]:8188", True),
        ("http://0.0.0.0:8188", True),
        ("http://LOCALHOST:8188", True),
        ("https://gpu.localhost.", True),
        ("http://10.0.0.11:8188", False),
        ("http://[::ffff:10.0.0.11]:8188", False),
        ("https://localhost.example.com", False),
        ("https://127.0.0.1.example.com", False),
    ],
)
def test_a_loopback_url_leads_to_whichever_machine_uses_it(url: str, expected: bool) -> None:
    assert on_loopback(url) is expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:80/", "http://127.0.0.1", True),
        ("https://GPU.example.com", "https://gpu.example.com:443", True),
        ("http://gpu:8188", "http://gpu:8189", False),
        ("http://gpu:8188/a", "http://gpu:8188/b", False),
        ("http://gpu", "https://gpu", False),
    ],
)
def test_two_spellings_of_one_server(one: str, other: str, same: bool) -> None:
    written = [Backend(name="x", url=url).url for url in (one, other)]
    assert (address(written[0]) == address(written[1])) is same


def test_the_machine_is_named_outside_the_file(tmp_path: Path) -> None:
    """A file is shared by many machines, so it cannot say which of them this is."""
    assert loaded(tmp_path, "", {"SAFELIGHT_MACHINE": "beta"}).machine == "beta"
    with pytest.raises(SettingsError, match="SAFELIGHT_MACHINE"):
        loaded(tmp_path, 'machine = "beta"')
