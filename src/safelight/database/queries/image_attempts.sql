select prompt_id, image_id, backend, epoch, slot, opened_at, closed_at, outcome
from attempts where image_id = $1 order by opened_at
