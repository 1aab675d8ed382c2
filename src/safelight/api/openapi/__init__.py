"""The OpenAPI 3.1 document: routes say in a line what they take and answer, the rest comes here.

describing.py  what a route says of itself
document.py    the whole document
parameters.py  what stands in paths, queries and headers
headers.py     what stands in the headers of answers
examples.py    a request or an answer of every shape
problems.py    every problem as an example, and those that any route may have
following.py   which answer leads to which request
"""

from safelight.api.openapi.describing import (
    BODY,
    FILE,
    GUARDED,
    SAYINGS,
    SIGNATURE,
    Answers,
    described,
    shape,
    takes,
)
from safelight.api.openapi.document import document
from safelight.api.openapi.parameters import SIGNED
from safelight.api.openapi.problems import refuse_theirs

__all__ = [
    "BODY",
    "FILE",
    "GUARDED",
    "SAYINGS",
    "SIGNATURE",
    "SIGNED",
    "Answers",
    "described",
    "document",
    "refuse_theirs",
    "shape",
    "takes",
]
