select coalesce(sum(quantity - stored - failed - canceled), 0)::int8 as unfinished
from batches where user_id = $1 and ended_at is null
