"""Ids that people choose, the public name of a picture, and its key in the store.

Names are for people and may look alike (`a_b` + `c` and `a` + `b_c`); keys are paths with one
segment for the user and one for the character, neither of which can hold a slash, so two series
never meet in the store.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Final
from uuid import UUID

from safelight.core.errors import Invalid

USER_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
ID_PATTERN: Final = r"[a-z0-9][a-z0-9-]{0,63}"
NAME_LIMIT: Final = 200  # bytes of a public name; file systems take 255
DEFAULT_TEMPLATE_TEXT: Final = "{user}_{character}_image_{index:05d}_.png"

_USER = re.compile(USER_PATTERN)
_ID = re.compile(ID_PATTERN)
_LITERAL = re.compile(r"[A-Za-z0-9._-]*")
_WIDTH = re.compile(r"0([1-9])d")
_FIELD = re.compile(r"(\{user\}|\{character\}|\{index:0[1-9]d\})")
_INDEX_FIELD = re.compile(r"\{index:0[1-9]d\}")
_OLD_FIELDS: Final = ("{index:05d}", "{index:04d}")
_KEY = re.compile(
    rf"(?P<user>{USER_PATTERN})/(?P<character>{ID_PATTERN})/"
    r"(?P<index>[0-9]{5,13})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.png"
)
_LONGEST_ID: Final = "x" * 64
_LARGEST_INDEX: Final = 10**12


def check_user(value: str, pointer: str = "/user") -> str:
    """The user id itself. Raises `Invalid` at `pointer` when it is none."""
    if not _USER.fullmatch(value):
        detail = (
            "a user id has 1 to 64 letters, digits, '.', '_' and '-', "
            "and begins with a letter or digit"
        )
        raise Invalid(detail, pointer=pointer, code="bad-user")
    return value


def check_id(value: str, pointer: str) -> str:
    """The id of a character, style or workflow itself. Raises `Invalid` at `pointer`.

    Ids are never repaired here: `Mira` is not `mira`. Only `slugify` makes an id of a name.
    """
    if not _ID.fullmatch(value):
        detail = (
            "an id has 1 to 64 lower-case letters, digits and '-', "
            "and begins with a letter or digit"
        )
        raise Invalid(detail, pointer=pointer, code="bad-id")
    return value


def slugify(name: str, pointer: str = "/name") -> str:
    """`"Opal Fever"` → `"opal-fever"`: lower case, everything but a-z and 0-9 becomes `-`.

    Dashes at the ends are dropped. Raises `Invalid` at `pointer` when nothing is left or when more
    than 64 characters are.
    """
    slug = re.sub(r"[^a-z0-9]", "-", name.lower()).strip("-")
    if not slug:
        detail = "the name has no letter a to z and no digit, of which an id could be made"
        raise Invalid(detail, pointer=pointer, code="bad-id")
    return check_id(slug, pointer)


class NameTemplate:
    """How a picture is called in public.

    Example: `NameTemplate("{user}_{character}_image_{index:05d}_.png").name("areg", "mira", 13)`
    is `"areg_mira_image_00013_.png"`. The template knows the fields `user`, `character` and
    `index` (with a width, `{index:05d}`), holds the index, has only letters, digits, `.`, `_` and
    `-` beside them, and ends with `.png`. Raises `Invalid` (`bad-name-template`) otherwise, also
    when the longest ids that the rules admit would make a name of more than 200 bytes.
    """

    def __init__(self, text: str, pointer: str = "") -> None:
        self.text = text
        self._pointer = pointer
        self._check_fields()
        if text[0] in ".-" or not text.endswith(".png"):
            raise self._bad("it must end with .png, and not begin with '.' or '-'")
        self.name(_LONGEST_ID, _LONGEST_ID, _LARGEST_INDEX)

    def name(self, user: str, character: str, index: int) -> str:
        """The public name. Raises `Invalid` when it has more than 200 bytes."""
        name = self.text.format(user=user, character=character, index=index)
        if len(name.encode()) > NAME_LIMIT:
            raise self._bad(f"a name could have more than {NAME_LIMIT} bytes")
        return name

    def spellings(self, user: str, character: str, index: int) -> tuple[str, ...]:
        """Every name a picture of this index may have been given: with the template's own width,
        or with five or four digits. Each once.

        Example:
            >>> NameTemplate("{index:05d}.png").spellings("areg", "mira", 13)
            ('00013.png', '0013.png')
        """
        texts = (self.text, *(_INDEX_FIELD.sub(field, self.text) for field in _OLD_FIELDS))
        names = (text.format(user=user, character=character, index=index) for text in texts)
        return tuple(dict.fromkeys(names))

    def index_of(self, name: str, user: str, character: str) -> int | None:
        """The index in a name that is one of its `spellings`, None for any other.

        Example:
            >>> NameTemplate("{user}_{index:05d}.png").index_of("areg_0013.png", "areg", "mira")
            13
        """
        known = {"{user}": re.escape(user), "{character}": re.escape(character)}
        parts = [known.get(part) or _pattern(part) for part in _FIELD.split(self.text)]
        match = re.fullmatch("".join(parts), name)
        index = int(match[1]) if match else 0
        ours = 0 < index <= _LARGEST_INDEX and name in self.spellings(user, character, index)
        return index if ours else None

    def _check_fields(self) -> None:
        try:
            parts = list(Formatter().parse(self.text))
        except ValueError as error:
            raise self._bad(str(error)) from None
        for literal, field, width, conversion in parts:
            if not _LITERAL.fullmatch(literal):
                raise self._bad(f"{literal!r} holds more than letters, digits, '.', '_' and '-'")
            if field is not None:
                self._check_field(field, width or "", conversion)
        if "index" not in [field for _, field, _, _ in parts]:
            raise self._bad("without {index:05d} every picture would have the same name")

    def _check_field(self, field: str, width: str, conversion: str | None) -> None:
        if field not in ("user", "character", "index"):
            raise self._bad(f"there is no field {{{field}}}; use user, character and index")
        if field == "index" and not _WIDTH.fullmatch(width):
            raise self._bad("the index is written with a width, like {index:05d}")
        if conversion or (field != "index" and width):
            raise self._bad(f"{{{field}}} takes neither a format nor a conversion")

    def _bad(self, reason: str) -> Invalid:
        detail = f"the name template cannot be used: {reason}"
        return Invalid(detail, pointer=self._pointer, code="bad-name-template")


def _pattern(part: str) -> str:
    return "([0-9]{1,13})" if _INDEX_FIELD.fullmatch(part) else re.escape(part)


DEFAULT_TEMPLATE: Final = NameTemplate(DEFAULT_TEMPLATE_TEXT)


def stem(name: str) -> str:
    """The name without `.png`, for publishers that add the extension themselves."""
    return name.removesuffix(".png")


def store_key(user: str, character: str, index: int, prompt_id: str) -> str:
    """The key of an attempt's picture: `areg/mira/00013-20edc183-….png`.

    `user` and `character` have been checked, `prompt_id` is a canonical UUID. Distinct arguments
    give distinct keys: no segment holds a slash, and no index a dash.
    """
    return f"{user}/{character}/{index:05d}-{prompt_id}.png"


def index_key(user: str, character: str) -> str:
    """The key of the file that says a series' highest reserved index: `areg/mira/index.txt`."""
    return f"{user}/{character}/index.txt"


def index_text(highest: int) -> str:
    """What stands in that file: the number and a newline."""
    return f"{highest}\n"


def read_store_key(key: str) -> tuple[str, str, int] | None:
    """User, character and index of a key of ours, None for any other.

    Example:
        >>> read_store_key("areg/mira/00013-20edc183-8a5f-4c41-8e29-d2d3a8a3ad31.png")
        ('areg', 'mira', 13)
    """
    match = _KEY.fullmatch(key)
    if match is None or not 0 < int(match["index"]) <= _LARGEST_INDEX:
        return None
    user, character, index = match["user"], match["character"], int(match["index"])
    # A number has one way of being written, so that one picture has one key.
    return (user, character, index) if f"{index:05d}" == match["index"] else None


def is_prompt_id(text: str) -> bool:
    """Whether it may be a prompt id of ours: a UUID in its one canonical spelling.

    Example:
        >>> is_prompt_id("20edc183-8a5f-4c41-8e29-d2d3a8a3ad31"), is_prompt_id("3")
        (True, False)
    """
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
