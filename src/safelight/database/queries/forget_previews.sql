-- Those of images that are not drawn any more, or by another attempt.
delete from previews where image_id in (
    select image_id from previews
    where not exists (select from images
                      where images.id = previews.image_id and status = 'dispatched'
                        and images.prompt_id = previews.prompt_id)
    for update skip locked)
