"""Publishers' far sides, on loopback: they check what the real ones check, and have accidents.

    with Cloudinary() as far:      # a real server, in a thread
        far.url, far.toml()        # where it is, and what to write into safelight.toml
        far.faults(lost=1)         # the next answer is lost after storing
        far.assets()               # what lies there, and how often it was sent

Or as a process: `python -m tests.standins cloudinary --port 0` prints `ready URL`; `POST
/standin/faults` and `GET /standin/assets` do the same over HTTP.
`s3.py` starts a real S3 server.
"""

from tests.standins.bunny import Bunny
from tests.standins.cloudinary import Cloudinary
from tests.standins.copies import Bytes, Large, item, png

__all__ = ["Bunny", "Bytes", "Cloudinary", "Large", "item", "png"]
