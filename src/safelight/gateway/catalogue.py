"""Characters, styles and workflows: those of the settings file and those kept in the database.

Orders are planned from memory. What somebody changed in another process is seen after at most
`FRESH_FOR` seconds, and at once where an order names something that is not known yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Final

from safelight.core.checking import character_faults
from safelight.core.errors import Conflict, Invalid, Unknown
from safelight.core.graph import canonical, check_graph, graph_hash
from safelight.core.killing import Hold
from safelight.core.naming import check_id
from safelight.core.records import Catalogue, Character, Graph, Limits, Workflow
from safelight.core.slots import WorkflowReport, describe, find_slots
from safelight.database import batches, holds, objects
from safelight.database.connection import Database
from safelight.gateway.views import Kept

FRESH_FOR: Final = 2.0  # s


class Shelf:
    """The catalogue as it is now."""

    def __init__(self, database: Database, file: Catalogue, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._file = file
        self._merged = file
        self._read_at = float("-inf")

    async def catalogue(self, *, at_least: float = FRESH_FOR) -> Catalogue:
        """What orders may refer to, at most so many seconds old. Raises `DatabaseAway`."""
        now = asyncio.get_running_loop().time()
        if now - self._read_at > at_least:
            known = self._merged.workflows
            workflows = {w.id: _same(w, known) for w in await objects.workflows(self._database)}
            characters = {c.id: c for c in await objects.characters(self._database)}
            self._merged = replace(
                self._file,
                workflows={**workflows, **self._file.workflows},
                characters={**characters, **self._file.characters},
            )
            self._read_at = now
        return self._merged

    async def characters(self) -> Sequence[Kept]:
        """Every character, by id."""
        found = (await self.catalogue(at_least=0)).characters
        return [Kept(found[id], id in self._file.characters) for id in sorted(found)]

    async def character(self, id: str) -> Kept:
        """Raises `Unknown`."""
        found = (await self.catalogue(at_least=0)).characters
        if id not in found:
            raise Unknown(f"there is no character {id!r}")
        return Kept(found[id], id in self._file.characters)

    async def put_character(self, character: Character) -> tuple[Kept, bool]:
        """Keep a character; the flag says whether it is new.

        Raises:
            Invalid: its id, its style or its workflow.
            Conflict: it stands in the settings file (`read-only`).
        """
        check_id(character.id, "/id")
        self._refuse_read_only("character", character.id, self._file.characters)
        if faults := tuple(character_faults(character, self._limits)):
            raise Invalid("; ".join(fault.detail for fault in faults), errors=faults)
        known = await self.catalogue(at_least=0)
        if character.style is not None and character.style not in known.styles:
            raise Invalid(f"there is no style {character.style!r}", pointer="/style")
        if character.workflow is not None and character.workflow not in known.workflows:
            raise Invalid(f"there is no workflow {character.workflow!r}", pointer="/workflow")
        new = await objects.put_character(self._database, character)
        self._read_at = float("-inf")
        return Kept(character, read_only=False), new

    async def delete_character(self, id: str) -> None:
        """Raises `Unknown`, `Conflict` (`read-only`). Batches that were accepted go on."""
        self._refuse_read_only("character", id, self._file.characters)
        if not await objects.delete_character(self._database, id):
            raise Unknown(f"there is no character {id!r}")
        self._read_at = float("-inf")

    async def workflows(self) -> Sequence[Kept]:
        """Every workflow, by id."""
        found = (await self.catalogue(at_least=0)).workflows
        held = await holds.holds(self._database)
        return [self._kept(found[id], held) for id in sorted(found)]

    async def workflow(self, id: str) -> tuple[Kept, WorkflowReport]:
        """Raises `Unknown`."""
        found = (await self.catalogue(at_least=0)).workflows
        if id not in found:
            raise Unknown(f"there is no workflow {id!r}")
        report = describe(found[id].graph, found[id].slots)
        return self._kept(found[id], await holds.holds(self._database)), report

    async def put_workflow(
        self, id: str, document: object, slots: Mapping[str, str], exact_size: bool
    ) -> tuple[Kept, WorkflowReport, bool]:
        """Check a graph and keep it; the flag says whether it is new.

        Raises:
            Invalid: the id, the graph (`bad-workflow`, …) or a slot.
            Conflict: it stands in the settings file (`read-only`).
        """
        check_id(id, "/id")
        self._refuse_read_only("workflow", id, self._file.workflows)
        graph, report = self.check_workflow(document, slots)
        workflow = Workflow(id, graph, dict(slots), exact_size)
        await batches.keep_graph(self._database, graph_hash(graph), canonical(graph))
        new = await objects.put_workflow(self._database, workflow, graph_hash(graph))
        self._read_at = float("-inf")
        return Kept(workflow, read_only=False), report, new

    def check_workflow(
        self, document: object, slots: Mapping[str, str]
    ) -> tuple[Graph, WorkflowReport]:
        """Check a graph and keep nothing. Raises `Invalid`: the graph or a slot."""
        graph = check_graph(document, output=slots.get("output"))
        find_slots(graph, slots)
        return graph, describe(graph, slots)

    async def delete_workflow(self, id: str) -> None:
        """Raises `Unknown`, `Conflict` (`read-only`, `in-use`)."""
        self._refuse_read_only("workflow", id, self._file.workflows)
        known = await self.catalogue(at_least=0)
        users = sorted(c.id for c in known.characters.values() if c.workflow == id)
        if users:
            raise Conflict(f"characters use it: {', '.join(users[:5])}", code="in-use")
        if not await objects.delete_workflow(self._database, id):
            raise Unknown(f"there is no workflow {id!r}")
        self._read_at = float("-inf")

    async def resume_workflow(self, id: str, pool: str | None) -> Sequence[str]:
        """Let a workflow be drawn again, in one pool or in all; in which of them it was held.

        Raises `Unknown`: there is none, and none of this id was held.
        """
        if "\0" in f"{id}{pool}":
            raise Unknown(f"there is no workflow {id[:64]!r}")  # PostgreSQL keeps no NUL
        known = (await self.catalogue(at_least=0)).workflows.get(id)
        graph = graph_hash(known.graph) if known else None
        pools = await holds.resume(self._database, id, graph, pool)
        if not known and not pools:
            raise Unknown(f"there is no workflow {id!r}")
        return sorted(pools)

    def _kept(self, workflow: Workflow, held: Sequence[Hold]) -> Kept:
        # By its id: as it was when it was held; by its graph: under another id.
        graph = graph_hash(workflow.graph) if held else ""
        mine = [hold for hold in held if workflow.id == hold.workflow or graph == hold.graph]
        return Kept(workflow, workflow.id in self._file.workflows, mine)

    def _refuse_read_only(self, kind: str, id: str, fixed: Mapping[str, object]) -> None:
        if id in fixed:
            raise Conflict(
                f"the {kind} {id!r} stands in safelight.toml: change it there and restart",
                code="read-only",
            )


def _same(workflow: Workflow, known: Mapping[str, Workflow]) -> Workflow:
    """The object we have, if it is equal: what was worked out for it is remembered by identity."""
    before = known.get(workflow.id)
    return before if before is not None and asdict(before) == asdict(workflow) else workflow
