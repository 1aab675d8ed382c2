-- Whose a batch is, how far it is, whether everything after an event number can still be told, and
-- what is left of it.
-- $1 batch, $2 number (0: from the beginning)
select user_id, character_id, last_event, stored + failed + canceled = quantity as ended,
       $2 = batch.last_event
       or exists (select from events where batch_id = $1 and number = greatest($2, 1)) as known,
       exists (select from events where batch_id = $1 and number > $2) as more,
       not exists (select from events where batch_id = $1 and number <= greatest($2, 1)) as pruned
from batches batch where batch.id = $1
