-- What an order takes of each quota, and how much it allows; null: any.
-- The settings' limits are given; those of the key itself win.
create function asked_quotas(
    of_key text, of_user text, images bigint,
    most_batches int, most_images int, most_user_images int
) returns table (name text, subject text, quota text, seconds int, many bigint, most int)
language sql stable as $$
    select 'batches', 'key:' || id, 'batches', 60, 1::bigint,
           coalesce(batches_per_minute, most_batches)
    from api_keys where id = of_key
    union all
    select 'images', 'key:' || id, 'images', 86400, images, coalesce(images_per_day, most_images)
    from api_keys where id = of_key
    union all
    select 'user-images', 'user:' || of_user, 'images', 86400, images, most_user_images
$$;
