-- Twice is as good as once.
update api_keys set revoked_at = coalesce(revoked_at, safelight_now()) where id = $1
returning id, name, scopes, created_at, expires_at, revoked_at, last_used_at, batches_per_minute,
          images_per_day
