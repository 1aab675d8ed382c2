-- Which of these prompts are ours and closed; noted as ghosts. One that was given up while its
-- image still waits for a picture is none: whoever is whole first is taken.
-- $1 prompt ids found at a backend
update attempts set ghost_at = coalesce(ghost_at, safelight_now())
from images image
where attempts.prompt_id = any($1::uuid[]) and attempts.closed_at is not null
  and image.id = attempts.image_id
  and not (attempts.outcome = 'lost' and image.status in ('queued', 'dispatched')
           and attempts.round = image.round and attempts.seed = image.seed)
returning attempts.prompt_id
