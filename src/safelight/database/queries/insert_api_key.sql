-- $5 seconds it is good for, null: for ever. Nothing if the id is taken.
insert into api_keys (id, sha256, name, scopes, expires_at, batches_per_minute, images_per_day)
values ($1, $2, $3, $4, safelight_now() + make_interval(secs => $5), $6, $7)
on conflict do nothing
returning id, name, scopes, created_at, expires_at, revoked_at, last_used_at, batches_per_minute,
          images_per_day
