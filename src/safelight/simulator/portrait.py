"""The figure in the picture: who it is comes from the text, how it stands from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from PIL import Image, ImageDraw

from safelight.simulator.scene import Scene

Box = tuple[float, float, float, float]

COARSER = 4
"""How much smaller the light is painted: it has no edges, and it was most of the work."""

# night, dusk, lamp, ember, paper: what hangs in a darkroom, and what the lamp makes of it
TONES = (
    ("#170607", "#5a1512", "#ff5a3c", "#b3261e", "#f4dcc8"),  # red lamp
    ("#1a0d04", "#6b3410", "#ffab4a", "#c8691b", "#f7e6c9"),  # amber lamp
    ("#0b1420", "#1f4566", "#8cc9e8", "#3a7ca5", "#e8f1f4"),  # cyanotype
    ("#120d16", "#46304f", "#d9a7d8", "#7d5a8c", "#f0e6ee"),  # selenium
    ("#14110b", "#54462c", "#e6c98a", "#97793f", "#f5ecd7"),  # sepia
    ("#08130f", "#1f4a3d", "#8fd6b4", "#3b8068", "#e6f2ea"),  # fixer green
    ("#160a10", "#5b2238", "#ff8fa3", "#b0405f", "#f9e2e4"),  # madder
    ("#0e0f14", "#363b4d", "#c3cbe0", "#6b7594", "#eceff5"),  # silver
)
SKINS = ("#f2d3b8", "#e6b994", "#cf9a70", "#a9744f", "#7d5236", "#5a3a28")
HAIRS = ("#16100e", "#3a2014", "#6b3b1c", "#a8743a", "#d8b674", "#8f2d1c", "#d9d4cf", "#3f5f8a")


@dataclass(frozen=True)
class Palette:
    """The colours one subject keeps from picture to picture."""

    night: str
    dusk: str
    lamp: str
    ember: str
    paper: str
    skin: str
    hair: str
    cut: int  # how the hair is worn


def palette_of(scene: Scene) -> Palette:
    """The subject's colours; without a text the sheet's own colour chooses."""
    chooser = scene.subject if scene.text else f"{scene.subject} {scene.color}"
    random = Random(f"palette {chooser}")
    return Palette(
        *random.choice(TONES), random.choice(SKINS), random.choice(HAIRS), random.randrange(4)
    )


def portrait(
    scene: Scene, palette: Palette, random: Random, width: int, height: int
) -> Image.Image:
    """The picture without grain, caption and edge."""
    picture = _backdrop(palette, random, width, height)
    draw = ImageDraw.Draw(picture)
    figure = Figure.posed(palette, random, width, height)
    figure.hair_behind(draw)
    figure.body(draw)
    figure.face(draw)
    figure.hair_before(draw)
    return picture


def _backdrop(palette: Palette, random: Random, width: int, height: int) -> Image.Image:
    picture = _light(palette, random, max(1, width // COARSER), max(1, height // COARSER))
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    _drying_prints(ImageDraw.Draw(picture), palette, random, width, height)
    return picture


def _light(palette: Palette, random: Random, width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), palette.night)
    slope = random.choice(_slopes()).resize((width, height), Image.Resampling.BILINEAR)
    picture.paste(palette.dusk, (0, 0), slope)
    side = max(1, int(max(width, height) * random.uniform(0.7, 1.3)))
    left = int(width * random.uniform(-0.1, 1.1)) - side // 2
    top = int(height * random.uniform(-0.1, 0.6)) - side // 2
    halo = _halo().resize((side, side), Image.Resampling.BILINEAR)
    picture.paste(palette.lamp, (left, top), halo)
    return picture


@cache
def _slopes() -> tuple[Image.Image, ...]:
    slope = Image.linear_gradient("L").resize((64, 64))
    return tuple(slope.rotate(angle) for angle in (0, 90, 180, 270))


@cache
def _halo() -> Image.Image:
    fading = [max(0, 190 - distance * 190 // 176) for distance in range(256)]
    return Image.radial_gradient("L").point(fading).resize((64, 64))


def _drying_prints(
    draw: ImageDraw.ImageDraw, palette: Palette, random: Random, width: int, height: int
) -> None:
    line = height * random.uniform(0.06, 0.16)
    draw.line(
        (0, line, width, line * random.uniform(0.8, 1.2)), palette.ember, max(1, width // 200)
    )
    at = width * random.uniform(-0.1, 0.1)
    while at < width:
        sheet = width * random.uniform(0.08, 0.16)
        fill = random.choice((palette.ember, palette.dusk, palette.paper))
        draw.rectangle((at, line, at + sheet, line + sheet * random.uniform(1.0, 1.5)), fill)
        at += sheet + width * random.uniform(0.1, 0.3)


@dataclass(frozen=True)
class Figure:
    """Head and shoulders; `unit` is a fifth of the head's height, all else is counted in it."""

    palette: Palette
    x: float  # middle of the face
    y: float
    unit: float
    look: float  # -1 left … 1 right
    smile: float
    lids: float
    coat: str

    @classmethod
    def posed(cls, palette: Palette, random: Random, width: int, height: int) -> Figure:
        """As the seed has it."""
        return cls(
            palette=palette,
            x=width * random.uniform(0.38, 0.62),
            y=height * random.uniform(0.40, 0.50),
            unit=min(width, height) * random.uniform(0.09, 0.125),
            look=random.uniform(-1, 1),
            smile=random.uniform(-0.5, 1),
            lids=random.uniform(0.3, 1),
            coat=random.choice((palette.ember, palette.night, palette.paper, palette.dusk)),
        )

    def hair_behind(self, draw: ImageDraw.ImageDraw) -> None:
        """What falls behind the shoulders, or stands above the head."""
        hair, cut = self.palette.hair, self.palette.cut
        draw.ellipse(self._around(0, -0.5, 2.3, 2.6), hair)
        if cut == 1:
            draw.rounded_rectangle(self._around(0, 1.6, 2.3, 2.8), self.unit * 1.2, hair)
        if cut == 2:
            draw.ellipse(self._around(0.3, -3.2, 1.0, 1.0), hair)

    def body(self, draw: ImageDraw.ImageDraw) -> None:
        """Shoulders, collar and neck."""
        draw.ellipse(self._around(0, 6.0, 4.3, 3.2), self.coat)
        draw.rectangle(self._around(0, 2.5, 0.75, 1.1), _shade(self.palette.skin, 0.82))
        draw.pieslice(self._around(0, 3.0, 1.1, 1.0), 20, 160, _shade(self.palette.skin, 0.9))

    def face(self, draw: ImageDraw.ImageDraw) -> None:
        """An oval, and what looks out of it."""
        skin = self.palette.skin
        draw.ellipse(self._around(-1.8, 0.2, 0.35, 0.55), _shade(skin, 0.88))
        draw.ellipse(self._around(1.8, 0.2, 0.35, 0.55), _shade(skin, 0.88))
        draw.ellipse(self._around(0, 0, 1.85, 2.45), skin)
        for side in (-0.8, 0.8):
            self._eye(draw, side + self.look * 0.25)
        nose = self.look * 0.35
        draw.line(
            self._line(nose, 0.1, nose + self.look * 0.2, 0.85), _shade(skin, 0.7), self._pen(0.14)
        )
        self._mouth(draw)

    def hair_before(self, draw: ImageDraw.ImageDraw) -> None:
        """The fringe, parted where the figure looks."""
        box = self._around(0, -0.55, 2.1, 2.3)
        part = 270 + self.look * 25
        draw.chord(box, 185, part + 10, self.palette.hair)
        draw.chord(box, part - 10, 355, self.palette.hair)
        if self.palette.cut == 3:
            draw.chord(self._around(0, -0.9, 2.3, 2.0), 180, 360, self.palette.lamp)

    def _eye(self, draw: ImageDraw.ImageDraw, x: float) -> None:
        draw.ellipse(self._around(x, -0.05, 0.42, 0.26 * self.lids), "#fbf6ef")
        draw.ellipse(self._around(x + self.look * 0.14, -0.05, 0.18, 0.22 * self.lids), "#241a16")
        draw.arc(self._around(x, -0.35, 0.55, 0.4), 200, 340, self.palette.hair, self._pen(0.16))

    def _mouth(self, draw: ImageDraw.ImageDraw) -> None:
        x, bend = self.look * 0.25, 0.15 + abs(self.smile) * 0.35
        box = self._around(x, 1.35, 0.7, bend)
        first, last = (15, 165) if self.smile > 0 else (195, 345)
        draw.arc(box, first, last, _shade(self.palette.ember, 0.8), self._pen(0.2))

    def _around(self, x: float, y: float, across: float, down: float) -> Box:
        u = self.unit
        return (
            self.x + (x - across) * u,
            self.y + (y - down) * u,
            self.x + (x + across) * u,
            self.y + (y + down) * u,
        )

    def _line(self, x: float, y: float, to_x: float, to_y: float) -> Box:
        u = self.unit
        return self.x + x * u, self.y + y * u, self.x + to_x * u, self.y + to_y * u

    def _pen(self, width: float) -> int:
        return max(1, round(width * self.unit))


def _shade(color: str, factor: float) -> tuple[int, int, int]:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return int(red * factor), int(green * factor), int(blue * factor)
