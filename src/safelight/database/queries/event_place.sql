-- Whether everything of a batch after an event number can still be told, and what is left.
-- $1 batch, $2 number (0: from the beginning)
select $2 = batch.last_event
       or exists (select from events where batch_id = $1 and number = greatest($2, 1)) as known,
       exists (select from events where batch_id = $1 and number > $2) as more,
       not exists (select from events where batch_id = $1 and number <= greatest($2, 1)) as pruned
from batches batch where batch.id = $1
