-- What a page asks of series: stars, what of a series is how, and which was ordered from last.
alter table images add column starred_at timestamptz;

-- Small ones beside that of all images of a series: they let go of an image that is stored, or hold
-- only what is rare. images_shown is read for pictures, from the newest on.
create index images_starred on images (user_id, character_id, index) where starred_at is not null;
create index images_gone on images (user_id, character_id, index) where deleted_at is not null;
create index images_unstored on images (user_id, character_id, status, index) where status <> 'stored';
create index images_shown on images (user_id, character_id, index)
    where status = 'stored' and deleted_at is null;

-- Both change with an order, whose transaction writes the row of the series anyway.
alter table series
    add column ordered_at timestamptz not null default safelight_now(),
    add column images bigint not null default 0;    -- how many rows there are of it
create index series_newest on series (ordered_at, user_id, character_id);
create index series_of_character on series (character_id, ordered_at, user_id);
update series set images = there.images, ordered_at = there.ordered_at
    from (select user_id, character_id, sum(quantity) as images, max(created_at) as ordered_at
          from batches group by user_id, character_id) there
    where series.user_id = there.user_id and series.character_id = there.character_id;

-- The lowest index of the first order since a moment; null: there was none. Whatever was created
-- before that moment has a lower one, for an order takes indices above all that were given out.
-- Pictures that were taken over do not count: they have the indices they had. Their batch has ended
-- when it begins.
create function ordered_since(of_user text, of_character text, moment timestamptz) returns bigint
language sql stable as $$
    select min(index) from images where batch_id = (
        select id from batches
        where user_id = of_user and character_id = of_character
          and created_at >= moment and deadline > created_at
        order by created_at, id limit 1)
$$;
