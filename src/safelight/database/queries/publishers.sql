-- How many copies are how at each publisher that any image names, and what failed last there.
select publisher, count(*) filter (where status = 'pending') as pending,
       count(*) filter (where status = 'uploaded') as uploaded,
       count(*) filter (where status = 'failed') as failed,
       (array_agg(reason order by finished_at desc)
        filter (where status = 'failed'))[1] as reason,
       min(created_at) filter (where status = 'pending') as oldest
from publications group by publisher order by publisher
