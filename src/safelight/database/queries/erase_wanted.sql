-- Prompts of a user's unfinished images: what they leave in the store is not to be touched.
-- $1 user
select attempt.prompt_id from attempts attempt join images image on image.id = attempt.image_id
where image.user_id = $1 and image.status in ('queued', 'dispatched')
