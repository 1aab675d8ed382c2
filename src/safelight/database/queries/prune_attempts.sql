delete from attempts where prompt_id in (
    select attempt.prompt_id from attempts attempt join images image on image.id = attempt.image_id
    where attempt.closed_at < safelight_now() - make_interval(days => $1)
      and image.status in ('stored', 'failed', 'canceled')
    limit $2)
