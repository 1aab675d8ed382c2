-- How often each outcome struck this image since it was last asked for, and twins of its batch.
select outcome, count(*) filter (where image_id = $1 and attempts.round = $2) as here,
       count(*) filter (where outcome = 'twin') as twins
from attempts
where closed_at is not null and outcome is not null
  and image_id in (select id from images where batch_id = $3)
group by outcome
