"""Publishers made from the settings, as a process makes them at its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.assembly.publishing import Use, make_publishers, uses
from safelight.core.delivering import doubling
from safelight.core.errors import SettingsError
from safelight.publishers.base import Uploaded
from tests.standins import Bunny, Bytes, Cloudinary, item, png
from tests.test_settings import loaded

COPY = Bytes(png(1))


async def test_each_section_is_a_publisher_that_works(tmp_path: Path) -> None:
    """In the order of the file, under the names it gives them."""
    with Cloudinary() as cloud, Bunny() as zone:
        folder = f'[publishers.folder]\nkind = "bucket"\nurl = "file://{tmp_path}/cdn"\n'
        folder += 'public_url = "https://img.example.com/x"\npath = "{character}/{user}/{name}"\n'
        text = zone.toml("far", path='"p/{user}/{character}/{index}.png"') + folder
        text += cloud.toml(public_id='"{user}/{character}/{index:05d}"', folder_mode='"dynamic"')
        made = make_publishers(loaded(tmp_path, text))
        assert list(made) == ["far", "folder", "cloudinary"]
        assert [publisher.name for publisher in made.values()] == list(made)
        links = []
        for publisher in made.values():
            outcome = await publisher.publish(publisher.place(item(13)), item(13), COPY)
            assert isinstance(outcome, Uploaded), outcome
            links.append(outcome.url)
            await publisher.close()
        assert links[0] == "https://pictures.b-cdn.net/p/areg/mira/13.png"
        assert links[1] == "https://img.example.com/x/mira/areg/areg_mira_image_00013_.png"
        assert links[2].endswith("/areg/mira/00013.png")
        assert cloud.assets()[0]["asset_folder"] == "areg/mira"


def test_how_each_is_to_be_used(tmp_path: Path) -> None:
    """What the operator says, or the defaults: a day of tries, four at once, no metadata."""
    text = '[publishers.bucket]\nurl = "s3://b/x"\npublic_url = "https://b"\n'
    assert uses(loaded(tmp_path, text)) == {"bucket": Use(doubling(), 4, False, False)}
    text += "retry_schedule = []\nconcurrency = 2\nkeep_metadata = true\nindex_txt = true\n"
    assert uses(loaded(tmp_path, text)) == {"bucket": Use((), 2, True, True)}
    assert not make_publishers(loaded(tmp_path, ""))


def test_a_bucket_that_cannot_be_opened_is_a_wrong_setting(tmp_path: Path) -> None:
    """Told by its name, at the start, without its secret."""
    text = '[publishers.cdn]\nkind = "bucket"\npublic_url = "https://b"\n'
    text += 'url = "s3://id:s3cret@b?endpiont=https://a"\n'
    with pytest.raises(SettingsError) as refused:
        make_publishers(loaded(tmp_path, text))
    assert refused.value.detail.startswith("publishers.cdn: s3://b cannot be opened")
    assert "s3cret" not in refused.value.detail
