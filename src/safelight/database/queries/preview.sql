-- Whose an image is, how it is, and its preview while it is drawn. $1 image
select image.user_id, image.character_id, image.status, preview.number, preview.picture
from images image
left join previews preview on preview.image_id = image.id and preview.prompt_id = image.prompt_id
                          and image.status = 'dispatched'
where image.id = $1
