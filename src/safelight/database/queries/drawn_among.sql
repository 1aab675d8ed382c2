-- Which of these images are drawn now. $1 images
select id from images where id = any($1) and status = 'dispatched'
