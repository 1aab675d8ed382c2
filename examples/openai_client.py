"""Four pictures through the official OpenAI SDK, which need not know that it is not OpenAI.

    python openai_client.py mira "at the sea" --user ann -n 4

Needs a running `safelight serve` and `pip install openai`; SAFELIGHT_URL says where the server is,
SAFELIGHT_KEY has the API key, if there are any.
"""

from __future__ import annotations

import argparse
import base64
import os
from pathlib import Path

from openai import OpenAI


def main() -> None:
    """Order, wait, write the pictures."""
    wanted = arguments()
    url = os.environ.get("SAFELIGHT_URL", "http://127.0.0.1:8080")
    key = os.environ.get("SAFELIGHT_KEY", "none")
    with OpenAI(base_url=f"{url}/openai/v1", api_key=key) as client:
        answer = client.images.generate(
            model=wanted.character,
            prompt=wanted.prompt,
            n=wanted.quantity,
            user=wanted.user,
            output_format="webp",
        )
    for image in answer.data or []:
        origin = (image.model_extra or {})["gateway"]
        path = Path(f"{wanted.character}-{origin['index']:05d}.webp")
        path.write_bytes(base64.b64decode(image.b64_json or ""))
        print(path, origin["seed"], origin["content_url"])


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("character")
    parser.add_argument("prompt", nargs="?", default="")
    parser.add_argument("--user", default="ann")
    parser.add_argument("-n", "--quantity", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
