"""Settings that are refused: where they stand, what they are called, what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.core.errors import SettingsError
from safelight.core.signing import secret_of
from safelight.settings import load
from tests.test_settings import complaint, loaded

RUNPOD = '[[backends]]\nname = "a"\nkind = "runpod"\n'
CLOUDINARY = '[publishers.cloudinary]\ncloud_name = "demo"\napi_key = "1"\napi_secret = "s3cret"\n'
BUNNY = (
    '[publishers.bunny]\nzone = "z"\naccess_key = "s3cret"\npublic_url = "https://z.b-cdn.net"\n'
)
BUCKET = '[publishers.bucket]\nurl = "s3://u:s3cret@b"\npublic_url = "https://b"\n'
REFUSED = [
    ("[server]\nprot = 1", 'safelight.toml: server.prot: unknown; the nearest known one is "port"'),
    ("[sever]\nport = 1", 'safelight.toml: sever: unknown; the nearest known one is "server"'),
    ("[server]\nport = true", "server.port: expected a whole number"),
    ("[server]\nport = 1.5", "server.port: expected a whole number"),
    ("[server]\nport = 65536", "server.port: "),
    ("server = 1", "safelight.toml: server: expected a table"),
    ('[server]\nhost = "http://0.0.0.0"', "server.host: expected an address or a host name"),
    ('[server]\nhost = "0.0.0.0:8080"', "server.host: expected an address or a host name"),
    ('[server]\nhost = ""', "server.host: expected an address or a host name"),
    ("[server]\nhost = 1", "server.host: "),
    ('[server]\npublic_url = "images.example"', "server.public_url: expected an address"),
    ('[server]\npublic_url = "https://x/?a=1"', "server.public_url: expected an address"),
    ('[database]\nurl = "mysql://x"', "database.url: expected postgresql://"),
    ('[database]\nurl = "postgresql://u:s3cret@[::1/x"', "database.url: expected postgresql://"),
    ('[database]\nurl = "postgresql://u:s3cret@h:99999/x"', "database.url: expected postgresql://"),
    ('[store]\nurl = "s3://u:s3cret@[b"', "store.url: expected a URL"),
    ('[[backends]]\nname = "a"', "backends[0].url: must be given"),
    ('[[backends]]\nname = "a b"\nurl = "http://a"', "backends[0].name: expected a-z"),
    ('[[backends]]\nname = "a"\nurl = "ftp://a"', "backends[0].url: expected an address"),
    ('[[backends]]\nname = "a"\nurl = "http://a:b@c"', "use token or headers"),
    ('[[backends]]\nname = "a"\nurl = "http://a"\ntokn = "x"', 'nearest known one is "token"'),
    ('[[backends]]\nname = "a"\nurl = "http://a"\nslots = 0', "backends[0].slots: "),
    ('[[backends]]\nname = "a"\nurl = "http://a"\nheaders = { A = "b\\nc" }', "on one line"),
    ('[[backends]]\nname = "a"\nurl = "http://a"\nheaders = { "A b" = "c" }', "HTTP header"),
    ('[[backends]]\nname = "a"\nurl = "http://a"\nheaders = { Host = "c" }', "cannot be set"),
    (RUNPOD + 'url = "https://a/v2/x"', 'backends[0]: kind = "runpod" needs the API key as token'),
    (RUNPOD + 'token = "k"\nurl = "https://a"', "needs the url of an endpoint"),
    (RUNPOD + 'token = "k"\nurl = "https://a/v2/"', "needs the url of an endpoint"),
    (RUNPOD + 'token = "k"\nurl = "https://a/v2/x/run"', "needs the url of an endpoint"),
    (RUNPOD + 'token = "k"\nurl = "http://a/v2/x"', "needs an https:// url"),
    (RUNPOD + 'token = "k"\nurl = "https://a/v2/x"\nttl = 9', "backends[0].ttl: "),
    (RUNPOD + 'token = "k"\nurl = "https://a/v2/x"\nttl = "8d"', "backends[0].ttl: "),
    (RUNPOD + 'token = "k"\nurl = "https://a/v2/x"\nexecution_timeout = 5', "execution_timeout: "),
    ('[[backends]]\nname = "a"\nurl = "http://a"\nttl = 60', 'for kind = "runpod" only'),
    ('[[backends]]\nname = "a"\nurl = "http://a"\nkind = "cog"', "backends[0].kind: "),
    (
        "[pools.defualt]\nshared_output = true",
        'no backend is in the pool "defualt"; there is default',
    ),
    ("[pools.default]\nshared = true", "pools.default.shared: unknown"),
    ('[characters.Mira]\nprompt = "x"', "characters.Mira: expected an id"),
    ("[characters.mira]\nwidth = 100000", "characters.mira.width: width lies between 16 and 4096"),
    ("[characters.007]\nwidth = 1", "characters.007.width: width lies between"),
    ('[[backends]]\nname = "a"\nurl = "http://a"\ntoken = "b\\nc"', "token: expected printable"),
    ("[characters.mira]\nwidht = 512", 'the nearest known one is "width"'),
    ('[characters.mira]\nstyle = "anme"\n[styles.anime]', 'the nearest one is "anime"'),
    ('[characters.mira]\nstyle = "oil"', "add a section [styles.oil]"),
    ('[characters.mira]\nloras = [{ name = "../x" }]', "characters.mira.loras[0].name: "),
    ("[workflows.quick]\nexact_size = true", "workflows.quick.file: must be given"),
    ("[limits]\nsize_min = 99\nsize_max = 98", "limits: size_min is larger than size_max"),
    ("[limits]\nqueued_per_user = 0", "limits.queued_per_user: "),
    ("[limits]\nqueued_per_user = true", "limits.queued_per_user: expected a whole number"),
    ("[limits]\nin_flight_per_user = 0", "limits.in_flight_per_user: "),
    ("[limits]\nin_flight_per_user = 1.5", "limits.in_flight_per_user: expected a whole number"),
    ("[limits]\nbatches_per_minute = 0", "limits.batches_per_minute: "),
    ("[limits]\nimages_per_day = true", "limits.images_per_day: expected a whole number"),
    ("[limits]\nimages_per_day = 2147483648", "limits.images_per_day: "),
    ("[limits]\nimages_per_user_per_day = 1.5", "limits.images_per_user_per_day: expected"),
    ("[limits]\nin_fligth_per_user = 1", 'the nearest known one is "in_flight_per_user"'),
    ("[limits]\nweights = 4", "limits.weights: expected a table"),
    ("[limits]\nweights = { ann = 0 }", "limits.weights.ann: "),
    ("[limits]\nweights = { ann = 0.009 }", "limits.weights.ann: "),
    ("[limits]\nweights = { ann = 100.1 }", "limits.weights.ann: "),
    ("[limits]\nweights = { ann = nan }", "limits.weights.ann: "),
    ("[limits]\nweights = { ann = inf }", "limits.weights.ann: "),
    ("[limits]\nweights = { ann = true }", "limits.weights.ann: expected a number"),
    ('[limits]\nweights = { ann = "4" }', "limits.weights.ann: expected a number"),
    ("[limits]\nweights = { ann = [4] }", "limits.weights.ann: expected a number"),
    ('[limits]\nweights = { "a b" = 4 }', "limits.weights.a b: expected a-z"),
    ('[limits]\nweights = { "" = 4 }', "expected a-z"),
    ('[publishers.cloudinary]\ncloud_name = "demo"', "publishers.cloudinary: "),
    ('[publishers.cdn]\nkind = "cloudinary"', 'kind = "cloudinary" needs cloud_name'),
    ('[publishers.cdn]\nzone = "z"', "publishers.cdn.kind: Input should be 'cloudinary'"),
    ('[publishers.cdn]\nkind = "bunny"\nzone = "z"', "needs access_key or access_key_file"),
    ('[publishers.bucket]\npublic_url = "https://b"', "needs url or url_file"),
    ('[publishers.CDN]\nkind = "bunny"', "publishers.CDN: expected an id"),
    ("[publishers]\ncdn = 3", "publishers.cdn: expected a table"),
    ("publishers = 3", "publishers: expected a table"),
    (CLOUDINARY + 'zone = "z"', 'zone is for kind = "bunny", and this is "cloudinary"'),
    (CLOUDINARY + 'path = "x"', "publishers.cloudinary.path: "),
    (BUNNY + 'url = "s3://b"', 'url is for kind = "bucket", and this is "bunny"'),
    (BUCKET + 'eager = ["c_fill"]', 'eager is for kind = "cloudinary", and this is "bucket"'),
    (CLOUDINARY + "overwrite = true", "only false: a published picture is never overwritten"),
    (CLOUDINARY + 'api_secert_file = "x"', 'the nearest known one is "api_secret_file"'),
    (CLOUDINARY + 'folder_mode = "both"', "publishers.cloudinary.folder_mode: "),
    (CLOUDINARY + 'eager = ["c_fill w_2"]', "publishers.cloudinary.eager[0]: expected"),
    (CLOUDINARY + 'eager = ["c_fill|w_2"]', "publishers.cloudinary.eager[0]: expected"),
    (CLOUDINARY + 'public_id = "{user}/{stem}"', "one part of the path must hold {character}"),
    (CLOUDINARY + 'upload_prefix = "http://api.example"', "upload_prefix must be https://"),
    (BUNNY + 'endpoint = "http://storage.example"', "endpoint must be https://"),
    (BUNNY + 'path = "{user}/../{character}/{name}"', "no part of the path may be empty"),
    (BUNNY + "concurrency = 0", "publishers.bunny.concurrency: "),
    (BUNNY + "concurrency = true", "publishers.bunny.concurrency: expected a whole number"),
    (BUNNY + "retry_schedule = [-1]", "publishers.bunny.retry_schedule[0]: "),
    (BUNNY + 'retry_schedule = ["soon"]', "retry_schedule[0]: expected seconds"),
    (BUNNY + "keep_metadata = 3", "publishers.bunny.keep_metadata: expected true or false"),
    (BUCKET + 'cache_control = ""', "publishers.bucket.cache_control: expected a header"),
    (BUCKET + 'cache_control = "a\\nb"', "publishers.bucket.cache_control: expected printable"),
    ('[publishers.bucket]\nurl = "ftp://u:s3cret@b"', "publishers.bucket.url: expected s3://"),
    ('[publishers.bucket]\nurl = "file://host/x"', "publishers.bucket.url: expected s3://"),
    ('[publishers.bucket]\nurl = "file:///"', "publishers.bucket.url: expected s3://"),
    ('[publishers.bucket]\nurl = "s3://u:x/s3cret@b"', 'a "/" in the secret as %2F'),
    ('[publishers.bucket]\nurl = "s3://u:12/s3cret@b"', 'a "/" in the secret as %2F'),
    ('[publishers.bucket]\nurl = "s3://u:x#s3cret@b"', 'a "/" in the secret as %2F'),
    ('[publishers.bucket]\nurl = "s3://u:12?s3cret@b"', 'a "/" in the secret as %2F'),
    ('[publishers.bucket]\nurl = "s3://b:80"', "publishers.bucket.url: expected s3://"),
    ('[webhooks]\nsecret = "x"', "webhooks.secret: expected whsec_ and 24 to 64 random bytes"),
    ('[webhooks]\nold_secret = "whsec_"', "webhooks.old_secret: expected whsec_"),
    (f'[webhooks]\nold_secret = "{secret_of(bytes(32))}"', "webhooks: old_secret stands beside"),
    ("[webhooks]\nsecret = 5", "webhooks.secret: "),
    ('[webhooks]\nallow_private = "perhaps"', "webhooks.allow_private: expected true or false"),
    ("[webhooks]\nretry_schedule = [0]", "webhooks.retry_schedule[0]: "),
    ("[webhooks]\nretry_schedule = [-1]", "webhooks.retry_schedule[0]: "),
    ("[webhooks]\nretry_schedule = [nan]", "webhooks.retry_schedule[0]: "),
    ('[webhooks]\nretry_schedule = ["soon"]', "webhooks.retry_schedule[0]: expected seconds"),
    ("[webhooks]\nretry_schedule = 5", "webhooks.retry_schedule: "),
    (f"[webhooks]\nretry_schedule = {[1] * 101}", "webhooks.retry_schedule: "),
    ('[webhooks]\nsecrets = "x"', 'the nearest known one is "secret"'),
    ('[rendering]\ndeadline = "tomorrow"', "rendering.deadline: expected seconds"),
    ("[rendering]\nlost_after = nan", "rendering.lost_after: "),
    ('home = "x"', "home: not allowed in the file"),
    ('key = "x"', "key: not allowed in the file"),
    ("[server\nport = 1", "safelight.toml: not TOML: "),
    ("[server]\nport = \nhost = 1", "line 2"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_a_wrong_file_is_refused_with_place_and_advice(
    tmp_path: Path, text: str, told: str
) -> None:
    said = complaint(tmp_path, text)
    assert told in said
    assert said.startswith("safelight.toml: ")
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"SAFELIGHT_SERVR__PORT": "1"}, 'nearest known one is "SAFELIGHT_SERVER__PORT"'),
        ({"SAFELIGHT_HOEM": "x"}, 'nearest known one is "SAFELIGHT_HOME"'),
        ({"SAFELIGHT_SERVER__PROT": "1"}, "SAFELIGHT_SERVER__PROT: unknown; the nearest"),
        ({"SAFELIGHT_SERVER__PORT": "eighty"}, "SAFELIGHT_SERVER__PORT: expected a whole number"),
        ({"SAFELIGHT_BACKENDS": "[{"}, "SAFELIGHT_BACKENDS: expected JSON"),
        ({"SAFELIGHT_BACKENDS": "{}"}, "SAFELIGHT_BACKENDS: expected a list"),
        ({"SAFELIGHT_BACKENDS": '[{"name": "a"}]'}, "SAFELIGHT_BACKENDS[0].url: must be given"),
        ({"SAFELIGHT_PUBLISHERS__X__KIND": "y"}, "SAFELIGHT_PUBLISHERS__X__KIND: Input should"),
        ({"SAFELIGHT_URL": "nowhere"}, "SAFELIGHT_URL: expected an address"),
        ({"SAFELIGHT_KEY_FILE": "missing"}, "SAFELIGHT_KEY_FILE: cannot be read"),
        (
            {
                "SAFELIGHT_DATABASE_URL": "postgresql://a",
                "SAFELIGHT_DATABASE__URL": "postgresql://b",
            },
            "are one setting with two values",
        ),
        (
            {"SAFELIGHT_KEY": "a", "SAFELIGHT_KEY_FILE": "b"},
            "SAFELIGHT_KEY_FILE: key is given too; keep one of them",
        ),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    tmp_path: Path, environ: dict[str, str], told: str
) -> None:
    said = complaint(tmp_path, environ=environ)
    assert told in said
    assert said.startswith("environment: ")


def test_a_wrong_flag_is_refused_by_name(tmp_path: Path) -> None:
    assert complaint(tmp_path, server__port=-1).startswith("command line: --server.port: ")


def test_every_problem_has_its_line(tmp_path: Path) -> None:
    told = complaint(tmp_path, "[server]\nprot = 1\nport = 'x'\n[rendering]\nprevews = true\n")
    assert len(told.splitlines()) == 3
    environ = {"SAFELIGHT_A": "1", "SAFELIGHT_B": "2"}
    assert len(complaint(tmp_path, "", environ=environ).splitlines()) == 2


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (("a", "http://one"), ("a", "http://two"), 'two are named "a"'),
        (("a", "http://one"), ("b", "http://one:80/"), '"a" and "b" have the same url'),
        (("a", "http://localhost:1"), ("b", "http://127.0.0.1:1"), "have the same url"),
        (("a", "https://one"), ("b", "https://ONE:443"), "have the same url"),
    ],
)
def test_no_two_backends_are_one(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str], told: str
) -> None:
    text = "".join(f'[[backends]]\nname = "{n}"\nurl = "{u}"\n' for n, u in (first, second))
    assert told in complaint(tmp_path, text)


def test_one_server_with_two_paths_is_two_backends(tmp_path: Path) -> None:
    text = "".join(f'[[backends]]\nname = "{n}"\nurl = "http://proxy/{n}"\n' for n in "ab")
    assert len(loaded(tmp_path, text).backends) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_allowed(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, f'[server]\nhost = "{host}"').server.host == host


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: cannot be read: No such file"):
        load(Path("nowhere.toml"), environ={}, cwd=tmp_path)
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load(Path("."), environ={}, cwd=tmp_path)
    (tmp_path / "safelight.toml").write_bytes(b"\xff\xfe")
    assert "not UTF-8 at byte 0" in complaint(tmp_path)
    (tmp_path / "safelight.toml").write_bytes(b"#" * 5_000_000)
    assert "larger than" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "1 to 65536 bytes"), (b"x" * 70_000, "1 to 65536 bytes"), (b"\xff", "cannot be read")],
)
def test_a_secrets_file_that_is_none(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "token").write_bytes(content)
    text = '[[backends]]\nname = "a"\nurl = "http://a"\ntoken_file = "token"\n'
    assert "safelight.toml: backends[0].token_file: " in complaint(tmp_path, text)
    assert told in complaint(tmp_path, text)
