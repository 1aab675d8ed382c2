"""Holding a graph that kills backends: in the transaction that has seen the death."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from safelight.core.killing import Death, dead, killed
from safelight.core.records import ImageError, Plan
from safelight.core.retrying import DIED, RULES
from safelight.database import holds
from safelight.database.connection import Connection
from safelight.database.images import Work

log = structlog.get_logger()


async def note_death(c: Connection, work: Work, *, proven: bool) -> ImageError | None:
    """Its backend died while it ran there, or is silent since; what its image fails with if that
    is proven and held against its graph. Its attempt is closed by then."""
    plan = work.plan
    deaths = await holds.note_death(c, work.prompt_id, plan.pool, plan.graph, proven=proven)
    return await hold_killer(c, plan, deaths) if proven else None


async def hold_killer(c: Connection, plan: Plan, deaths: Collection[Death]) -> ImageError | None:
    """Hold the graph of a plan in its pool if these deaths are to be held against it; then what
    the image fails with under which that came out."""
    backends = killed(deaths, doubtful=await holds.doubtful(c, plan.pool, plan.graph))
    if not backends:
        return None
    if await holds.hold(c, plan.pool, plan.graph, plan.workflow, backends):
        log.error("workflow held", workflow=plan.workflow, pool=plan.pool, backends=backends)
    rule = RULES[DIED]
    told = f"{dead(backends)} while drawing the workflow {plan.workflow}"
    return ImageError(rule.code, f"{told}. {rule.advice}")
