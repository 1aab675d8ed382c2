"""What a picture is of: the little that flows along a graph's links instead of tensors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Scene:
    """A picture before it is painted; equal scenes give equal pixels in any process."""

    width: int  # as painted, before the touches
    height: int
    batch: int = 1
    seed: int | None = None  # None: nothing was sampled, a plain sheet or a loaded file
    text: str = ""
    negative: str = ""
    color: int = 0  # of the plain sheet below, 0xRRGGBB
    source: Path | None = None  # the loaded file, painted as it is
    digest: str = ""  # of the bytes of a file that was loaded and sampled over
    mixed: tuple[str, ...] = ()  # what else went into the sampling: strength, an earlier seed
    touches: tuple[tuple[str, float, float], ...] = ()  # scale and blur, in their order

    def sampled(self, seed: int, text: str, negative: str, *mixed: str) -> Scene:
        """The same sheet after a sampler went over it."""
        earlier = () if self.seed is None else (f"after {self.seed} {self.text}",)
        touched = tuple(f"{kind} {a} {b}" for kind, a, b in self.touches)
        width, height = self.size
        return replace(
            self,
            width=width,
            height=height,
            seed=seed,
            text=text,
            negative=negative,
            source=None,
            mixed=(*self.mixed, *earlier, *touched, *mixed),
            touches=(),
        )

    def scaled(self, width: int, height: int) -> Scene:
        """The same picture at another size."""
        return replace(self, touches=(*self.touches, ("scale", width, height)))

    def blurred(self, radius: float, sigma: float) -> Scene:
        """The same picture, softer."""
        return replace(self, touches=(*self.touches, ("blur", radius, sigma)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height after the touches."""
        for kind, width, height in reversed(self.touches):
            if kind == "scale":
                return int(width), int(height)
        return self.width, self.height

    @property
    def subject(self) -> str:
        """The fingerprint of what stays when only the seed changes."""
        return _fingerprint(self.text, self.negative, self.digest)

    def moment(self, element: int) -> str:
        """The fingerprint of one picture of the batch."""
        sheet = f"{self.width}x{self.height} {self.color:06x}"
        return _fingerprint(self.subject, str(self.seed), sheet, str(element), *self.mixed)


def digest_of(path: Path) -> str:
    """The fingerprint under which a loaded file counts as the same."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fingerprint(*parts: str) -> str:
    joined = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()
