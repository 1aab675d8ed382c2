"""The page on the audit says what the code says."""

from __future__ import annotations

from safelight.core.auditing import KINDS
from tests.docs.pages import ROOT


def test_every_kind_of_finding_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "how-to" / "audit.md").read_text("utf-8")
    rows = [f"| `{kind}` | {what} | {repair} |" for kind, (what, repair) in KINDS.items()]
    assert [line for line in page.splitlines() if line in rows] == rows
