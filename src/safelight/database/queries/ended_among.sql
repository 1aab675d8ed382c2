-- Which of these batches have ended. $1 batches
select id from batches where id = any($1) and stored + failed + canceled = quantity
