-- Users with images aside who have fewer than $1 at backends (null: as many as they like).
select user_id, room from (
    select user_id, coalesce($1::int8 - (
        select count(*) from attempts attempt join images image on image.id = attempt.image_id
        where attempt.closed_at is null and image.user_id = held.user_id), 500) as room
    from (select distinct user_id from images where aside and status = 'queued') held) users
where room > 0
