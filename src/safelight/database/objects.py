"""Statements about characters and workflows kept through the API."""

from __future__ import annotations

from dataclasses import asdict

from safelight.core.records import Character, Lora, Parameters, Workflow
from safelight.database.connection import Database
from safelight.database.rows import from_json, json_text


async def characters(database: Database) -> list[Character]:
    """Every kept character, by id."""
    found = []
    for row in await database.fetch("characters"):
        fields = from_json(row["document"])
        fields["loras"] = tuple(Lora(**lora) for lora in fields["loras"])
        fields["parameters"] = Parameters(**fields["parameters"])
        found.append(Character(**fields))
    return found


async def put_character(database: Database, character: Character) -> bool:
    """Keep it; true if it is new."""
    row = await database.fetchrow("put_character", character.id, json_text(asdict(character)))
    assert row is not None
    return bool(row["is_new"])


async def delete_character(database: Database, id: str) -> bool:
    """False if there is none."""
    return await database.fetchrow("delete_character", id) is not None


async def workflows(database: Database) -> list[Workflow]:
    """Every kept workflow, by id."""
    return [
        Workflow(row["id"], from_json(row["graph"]), from_json(row["slots"]), row["exact_size"])
        for row in await database.fetch("workflows")
    ]


async def put_workflow(database: Database, workflow: Workflow, graph: str) -> bool:
    """Keep it under the hash of its graph, which is kept already; true if it is new."""
    slots = json_text(dict(workflow.slots))
    row = await database.fetchrow("put_workflow", workflow.id, graph, slots, workflow.exact_size)
    assert row is not None
    return bool(row["is_new"])


async def delete_workflow(database: Database, id: str) -> bool:
    """False if there is none."""
    return await database.fetchrow("delete_workflow", id) is not None
