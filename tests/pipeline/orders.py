"""Orders of a test character on the small graph, accepted through the real acceptor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safelight.core.fairness import Fairness
from safelight.core.graph import check_graph
from safelight.core.planning import make_plan
from safelight.core.records import Batch, Catalogue, Character, Limits, Order, Workflow
from safelight.database import batches
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.pipeline.accept import Acceptor, Key

GRAPH = Path(__file__).parents[1] / "workflows" / "quick.json"
QUICK = Workflow("quick", check_graph(json.loads(GRAPH.read_text())))
CATALOGUE = Catalogue(
    characters={id: Character(id, id.title(), workflow="quick") for id in ("mira", "opal-fever")},
    styles={},
    workflows={"quick": QUICK},
)
ORDER = Order(user="ann", character="mira", prompt="on a beach", quantity=4)


class Counter:
    """Where orders are taken."""

    def __init__(
        self,
        database: Database,
        deadline: float = 86_400,
        fairness: Fairness | None = None,
        publishers: Sequence[str] = (),
    ) -> None:
        self.database = database
        self.bell = Bell(database, "test")
        self.acceptor = Acceptor(database, self.bell, deadline, fairness, publishers)

    async def accept(self, key: Key | None = None, **fields: Any) -> Batch:
        """Accept an order; the batch as the database has it."""
        order = replace(ORDER, **fields)
        plan, graph = make_plan(order, CATALOGUE, Limits())
        accepted = await self.acceptor.accept(order, plan, graph, key)
        id = accepted if isinstance(accepted, str) else accepted.id
        found = await batches.batch(self.database, id)
        assert found is not None
        if not isinstance(accepted, str):
            assert accepted == found
        return found
