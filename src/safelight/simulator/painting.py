"""Paints a scene: a print on darkroom paper, with a film edge that spells out the seed.

Two seeds never give equal pixels from 64 x 64 up: the lowest row holds the seed's 64 bits and
the top row the picture's place in its batch, in two tones each, and nothing is painted over them.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from safelight.simulator.portrait import Palette, palette_of, portrait
from safelight.simulator.scene import Scene

GRAIN = 7  # how far the grain may lift or lower a tone
CAPTION_FROM = 96  # pixels: below this a caption could not be read
_GRAINS = [value * (2 * GRAIN + 1) // 256 for value in range(256)]
SUPERSAMPLED_UP_TO = 512 * 512  # pixels: above this jagged edges do not show


def paint(scene: Scene, element: int = 0) -> Image.Image:
    """One picture of the scene's batch, in RGB."""
    picture = _unsampled(scene) if scene.seed is None else _printed(scene, element)
    for touch in scene.touches:
        picture = _touched(picture, *touch)
    return picture


def _unsampled(scene: Scene) -> Image.Image:
    if scene.source is None:
        return Image.new("RGB", (scene.width, scene.height), f"#{scene.color:06x}")
    with Image.open(scene.source) as loaded:
        return loaded.convert("RGB")


def _printed(scene: Scene, element: int) -> Image.Image:
    palette = palette_of(scene)
    random = Random(scene.moment(element))
    width, height = scene.width, scene.height
    finer = 2 if width * height <= SUPERSAMPLED_UP_TO else 1
    picture = portrait(scene, palette, random, width * finer, height * finer)
    if finer > 1:
        picture = picture.reduce(finer)
    picture = _grained(picture, random)
    draw = ImageDraw.Draw(picture)
    if min(width, height) >= CAPTION_FROM:
        _caption(draw, scene, palette)
    _film_edge(draw, scene, palette, element)
    return picture


def _grained(picture: Image.Image, random: Random) -> Image.Image:
    side = min(256, max(picture.size))
    tile = Image.frombytes("L", (side, side), random.randbytes(side * side))
    tile = tile.point(_GRAINS)
    grain = Image.new("L", picture.size)
    for left in range(0, picture.width, side):
        for top in range(0, picture.height, side):
            grain.paste(tile, (left, top))
    return ImageChops.add(picture, Image.merge("RGB", (grain, grain, grain)), 1, -GRAIN)


def _caption(draw: ImageDraw.ImageDraw, scene: Scene, palette: Palette) -> None:
    """The first words at the left, the seed at the right, on a strip that fits both or less."""
    width, height = scene.width, scene.height
    size = max(10, min(width, height) // 26)
    font = _font(size)
    margin = size // 2
    top = height - 2 * size - max(1, height // 160)
    seed = f"{scene.seed}"
    seed_width = font.getlength(seed)
    if seed_width + 2 * margin > width:
        return
    draw.rectangle((0, top, width, height), palette.night)
    draw.text((width - margin - seed_width, top + size // 3), seed, palette.lamp, font)
    words = _fitting(scene.text, font, width - seed_width - 4 * margin)
    draw.text((margin, top + size // 3), words, palette.paper, font)


def _fitting(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    fitting = ""
    for word in text[:400].split():
        longer = f"{fitting} {word}".strip()
        if font.getlength(longer) > room:
            break
        fitting = longer
    return fitting


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def _film_edge(draw: ImageDraw.ImageDraw, scene: Scene, palette: Palette, element: int) -> None:
    assert scene.seed is not None
    last = scene.height - max(1, scene.height // 160)
    _bits(draw, scene.width, last, scene.height - 1, scene.seed, palette)
    _bits(draw, scene.width, 0, 0, element, palette)


def _bits(
    draw: ImageDraw.ImageDraw, width: int, top: int, bottom: int, number: int, palette: Palette
) -> None:
    draw.rectangle((0, top, width, bottom), palette.night)
    for place in range(64):
        if number >> place & 1:
            left = place * width // 64
            right = max(left, (place + 1) * width // 64 - 1)
            draw.rectangle((left, top, right, bottom), palette.ember)


def _touched(picture: Image.Image, kind: str, first: float, second: float) -> Image.Image:
    if kind == "scale":
        return picture.resize((int(first), int(second)), Image.Resampling.BILINEAR)
    return picture.filter(ImageFilter.GaussianBlur(min(first, 2 * second)))
