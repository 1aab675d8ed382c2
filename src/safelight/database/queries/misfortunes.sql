-- How often each outcome struck this image since it was last asked for, and twins of its batch,
-- those of an image since that one was last asked for.
select outcome, count(*) filter (where image_id = $1 and attempts.round = $2) as here,
       count(*) filter (where outcome = 'twin' and attempts.round = images.round) as twins
from attempts join images on images.id = attempts.image_id
where closed_at is not null and outcome is not null and images.batch_id = $3
group by outcome
