select left(life::text, 8) as life,
       (pg_snapshot_xmin(pg_current_snapshot())::text::numeric - 1)::text as txid,
       9223372036854775807 as id
from installation
