-- What backends have, all of them: of each the one it draws, or will draw, first.
select attempt.backend, attempt.image_id, image.batch_id, image.user_id, image.character_id,
       image.index, attempt.opened_at
from attempts attempt join images image on image.id = attempt.image_id
where attempt.closed_at is null
order by attempt.backend, attempt.opened_at, attempt.prompt_id
