-- The backend of a lost attempt is back and does not know it: it died. No row: a picture of its graph
-- was stored since, or nothing was known to run there.
with death as (
    update deaths set proven = true
    where prompt_id = $1 and not proven and not cleared and died_at > safelight_now() - interval '1 day'
    returning prompt_id, pool, graph
), attempt as (
    update attempts set outcome = 'died', detail = 'the backend came back without it'
    from death where attempts.prompt_id = death.prompt_id and outcome = 'lost'
)
select pool, graph from death
