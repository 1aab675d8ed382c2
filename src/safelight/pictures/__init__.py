"""Pictures: are they whole, are they different, and how they are shown.

Pure functions of bytes, to be called in threads; Pillow lets go of the interpreter's lock while
it decodes.

    picture = inspect(data)             # raises BadPicture, or the file is whole and decodes
    small = thumbnail(data, 320)        # WebP
    other = converted(data, "jpeg", 90)
    sheet = contact_sheet([(data, "00004  opal-fever", "seed 7")])
"""

from safelight.pictures.reading import MAX_BYTES, MAX_PIXELS, BadPicture, Picture, inspect
from safelight.pictures.showing import SIDES, contact_sheet, converted, thumbnail

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "SIDES",
    "BadPicture",
    "Picture",
    "contact_sheet",
    "converted",
    "inspect",
    "thumbnail",
]
