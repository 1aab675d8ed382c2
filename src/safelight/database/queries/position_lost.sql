-- Why not everything after a position among all events can be told. One that is ahead of all that
-- was ever told is of another time, too: who listens from there would hear nothing.
-- $1 life it is of, $2 transaction, $3 row
select left(life::text, 8) <> $1
           or $2::text::xid8 >= pg_snapshot_xmin(pg_current_snapshot()) as restored,
       (pruned_txid, pruned_id) > ($2::text::xid8, $3) as pruned
from installation
