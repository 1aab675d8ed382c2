-- Why not everything after a position among all events can be told.
-- $1 life it is of, $2 transaction, $3 row
select left(life::text, 8) <> $1 as restored,
       (pruned_txid, pruned_id) > ($2::text::xid8, $3) as pruned
from installation
