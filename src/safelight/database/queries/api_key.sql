-- A key as it is believed or not, by its id.
select sha256, name, scopes, batches_per_minute, images_per_day,
       case when revoked_at is not null then 'revoked'
            when expires_at <= safelight_now() then 'expired' end as ended,
       last_used_at is null or last_used_at < safelight_now() - interval '1 minute' as unnoted
from api_keys where id = $1
