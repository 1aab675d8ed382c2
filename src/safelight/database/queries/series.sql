select s.highest,
       coalesce((select jsonb_object_agg(status, n) from (
           select status, count(*) as n from images
           where user_id = $1 and character_id = $2 group by status) counted), '{}') as counts
from series s where user_id = $1 and character_id = $2
