select (select count(*) from batches) as batches, (select count(*) from images) as images,
       (select max(created_at) from batches) as newest
