-- What there is of a user that is not erased yet, and what was.
-- $1 user
select (select count(*) from batches where user_id = $1) as batches,
       (select count(*) from batches where user_id = $1 and ended_at is null) as unfinished,
       (select count(*) from images where user_id = $1 and status = 'stored'
        and deleted_at is null) as pictures,
       (select count(*) from publications join images image on image.id = publications.image_id
        where image.user_id = $1 and removed_at is null
          and (place is not null or publications.status = 'pending')) as copies
