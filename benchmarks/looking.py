"""How soon one sees the first picture of a sheet of ten thousand, in a real browser.

The clock runs from the moment the list's answer is there. The floor is the same browser with an
empty page, which does nothing but fetch, decode and paint the same small picture.
"""

from __future__ import annotations

from statistics import median
from typing import Any, Final

from benchmarks.stage import Stage
from benchmarks.timing import spread
from benchmarks.verdict import Verdict, at_most
from tests.page.browsing import Visits
from tests.page.many import fill

PICTURES: Final = 10_000
SIZE: Final = 768  # pixels
# Painted: what was decoded has been in a frame that was shown.
_PAINTED: Final = """
const painted = async (picture) => {
  await picture.decode();
  await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
  return performance.now();
};
"""
_SHEET: Final = f"""
async () => {{
  {_PAINTED}
  let picture = null;
  while (!(picture = document.querySelector(".grid .picture.ready img")))
    await new Promise((shown) => requestAnimationFrame(shown));
  const at = await painted(picture);
  const told = performance.getEntriesByType("resource");
  const answered = told.find((one) => one.name.includes("/images?")).responseEnd;
  return {{ ms: at - answered, whole: at, src: picture.src }};
}}
"""
_EMPTY: Final = f"""
async (src) => {{
  {_PAINTED}
  document.body.replaceChildren();
  const began = performance.now();
  const picture = Object.assign(new Image(), {{ src }});
  document.body.append(picture);
  return await painted(picture) - began;
}}
"""


def look(stage: Stage, quick: bool) -> list[Verdict]:
    """Visit the sheet and the empty page in turns, each with nothing remembered."""
    url = _served(stage)
    visits = Visits()
    ours, floor, whole = list[float](), list[float](), list[float]()
    try:
        for turn in range(4 if quick else 16):
            page = visits(f"{url}/series/bea/mira", still=True)
            seen: dict[str, Any] = page.evaluate(_SHEET)
            page.context.close()
            page = visits(f"{url}/healthz", still=True, expects=["favicon"])
            bare: float = page.evaluate(_EMPTY, seen["src"])
            page.context.close()
            if turn:  # the first one has the small picture made, and the browser started
                ours.append(seen["ms"])
                whole.append(seen["whole"])
                floor.append(bare)
    finally:
        visits.close()
    assert visits.trouble == [], visits.trouble
    return [
        Verdict(
            "first-picture",
            f"a sheet of {PICTURES} pictures: from the list's answer to the first one painted",
            *spread(ours),
            "ms",
            f"{median(ours):.0f} ms",
            f"{median(floor):.0f} ms",
            at_most(1000),
            {"ours": ours, "floor": floor, "since_navigation": whole},
        )
    ]


def _served(stage: Stage) -> str:
    """The address of a server with such a series."""
    serving = stage.serve_for([stage.simulate(seconds=0)])
    batch = serving.order(1, width=SIZE, height=SIZE)
    image = batch["images"][0]["id"]

    async def filling(connection: Any) -> None:
        await fill(connection, "bea", "mira", PICTURES, image)

    stage.with_database(filling)
    return serving.url
