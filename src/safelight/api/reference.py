"""`/docs` and `/problems/{code}`: the reference as plain pages, made from the OpenAPI document.

No script, no font, nothing from elsewhere: a page that lists an API must not tell a third party who
reads it, and must work without a network.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from safelight.api.openapi.problems import USUAL
from safelight.api.problem_texts import PROBLEMS
from safelight.core.errors import Unknown

router = APIRouter(include_in_schema=False)
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
}
_STYLE: Final = """
:root { color-scheme: light dark; --dim: light-dark(#666, #999); --line: light-dark(#ddd, #333);
  --accent: light-dark(#b3261e, #ff8a80); --soft: light-dark(#f6f4f2, #1d1b1a); }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 58rem; margin: 0 auto; padding: 2rem 1rem;
  background: light-dark(#fffdfb, #121110); color: light-dark(#1d1b1a, #eae6e3); }
h1 { font-weight: 650; margin: 0 } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) }
h3 { margin: 0; font-size: 1rem; font-weight: 600 } a { color: var(--accent) }
p { margin: .4rem 0 } .dim { color: var(--dim) }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
section { margin: 1rem 0; padding: .8rem 1rem; background: var(--soft); border-radius: .6rem }
.verb { color: var(--accent); font-weight: 700; margin-right: .5rem }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-size: .92rem }
td { border-top: 1px solid var(--line); padding: .25rem .6rem .25rem 0; vertical-align: top }
pre { overflow-x: auto; font: .85em/1.45 ui-monospace, monospace; margin: .5rem 0 0 }
summary { cursor: pointer; color: var(--dim); font-size: .92rem; margin-top: .5rem }
td:first-child { width: 30% } a code { white-space: nowrap }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin-top: 1rem }
"""


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Every route, what it takes and what it answers, and every shape."""
    return _page("Safelight API", "".join(_reference(request.app.openapi())))


@router.get("/problems/{code}")
async def problem(code: str) -> Response:
    """What a problem's `type` leads to."""
    known = PROBLEMS.get(code)
    if known is None:
        raise Unknown("There is no problem with this code.")
    head = f'<h1>{escape(known.title)}</h1><p class="dim"><code>{escape(code)}</code>, HTTP '
    return _page(known.title, f"{head}{known.status}</p><p>{escape(known.text)}</p>")


def _page(title: str, body: str) -> Response:
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<meta charset="utf-8">{viewport}<title>{escape(title)}</title>'
    html = f'<!doctype html><html lang="en">{head}<style>{_STYLE}</style>{body}</html>'
    return HTMLResponse(html, headers=_HEADERS)


def _reference(document: Mapping[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield f"<h1>{escape(info['title'])} <span class=dim>{escape(info['version'])}</span></h1>"
    yield f'<p>{escape(info["description"])} <a href="openapi.json">openapi.json</a></p>'
    yield f"<p>Any route may also answer, where it asks for a key or writes:{_links(USUAL)}.</p>"
    yield "<nav>"
    tags = document["tags"]
    for tag in tags:
        yield f'<a href="#{tag["name"]}">{tag["name"]}</a>'
    yield '<a href="#shapes">shapes</a></nav>'
    for tag in tags:
        yield f'<h2 id="{tag["name"]}">{tag["name"]}</h2><p>{escape(tag["description"])}</p>'
        yield from _operations(document, tag["name"])
    yield '<h2 id="shapes">shapes</h2>'
    examples = document["components"]["examples"]
    for name, schema in document["components"]["schemas"].items():
        yield from _shape(name, schema, examples.get(name))


def _operations(document: Mapping[str, Any], tag: str) -> Iterator[str]:
    shared = document["components"]["responses"]
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if tag in operation["tags"]:
                yield from _operation(path, verb, operation, shared)


def _operation(
    path: str, verb: str, operation: Mapping[str, Any], shared: Mapping[str, Any]
) -> Iterator[str]:
    yield f'<section id="{operation["operationId"]}"><h3><span class=verb>{verb.upper()}</span>'
    yield f"<code>{escape(path)}</code></h3><p>{escape(operation['summary'])}. "
    yield f'<span class="dim">{_text(operation.get("description", ""))}</span></p><table>'
    for parameter in operation.get("parameters", []):
        told = _text(parameter["description"])
        if "example" not in parameter:
            told += f" {_kind(parameter['schema'])}"
        else:
            told += f" <span class=dim><code>{escape(str(parameter['example']))}</code></span>"
        where = f"{parameter['name']} <span class=dim>{parameter['in']}</span>"
        yield f"<tr><td><code>{where}</code><td>{told}"
    if "requestBody" in operation:
        yield f"<tr><td>body<td>{_content(operation['requestBody'])}"
    for status, answer in operation["responses"].items():
        known = shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        told = _content(known)
        if told or status < "400":
            yield f"<tr><td>{status}<td>{_text(known['description'])} {told}"
    yield "</table></section>"


def _shape(
    name: str, schema: Mapping[str, Any], example: Mapping[str, Any] | None
) -> Iterator[str]:
    yield f'<section id="shape-{name}"><h3>{name}</h3><p>{_text(schema.get("description", ""))}</p>'
    yield "<table>"
    required = schema.get("required", [])
    properties = schema.get("properties", {})
    for field, inner in sorted(properties.items(), key=lambda item: item[0] not in required):
        mark = "" if field in required else " <span class=dim>optional</span>"
        text = _text(inner.get("description", ""))
        yield f"<tr><td><code>{escape(field)}</code>{mark}<td>{_kind(inner)} {text}"
    yield "</table>"
    if example:
        written = json.dumps(example["value"], indent=2)
        yield f"<details><summary>example</summary><pre>{escape(written)}</pre></details>"
    yield "</section>"


def _content(holder: Mapping[str, Any]) -> str:
    """What a body is; of problems, which, without those that any route has."""
    shown = []
    for media_type, content in holder.get("content", {}).items():
        if media_type == "application/problem+json":
            codes = [code for code in content.get("examples", ()) if code not in USUAL]
            shown.append(_links(codes))
        else:
            kind = _kind(content["schema"]) if "$ref" in content["schema"] else ""
            shown.append(f"<code>{escape(media_type)}</code> {kind}")
    return ", ".join(shown)


def _links(codes: Iterable[str]) -> str:
    """Problems, each leading to what it means."""
    return "".join(f' <a href="problems/{code}"><code>{code}</code></a>' for code in codes)


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " · ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    keywords = ("minimum", "maximum", "minLength", "maxLength", "default")
    bounds = [f"{keyword} {schema[keyword]}" for keyword in keywords if keyword in schema]
    return f'<span class="dim">{escape(", ".join([schema.get("type", "any"), *bounds]))}</span>'


def _text(text: str) -> str:
    """Escaped, with `code` between backticks."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
