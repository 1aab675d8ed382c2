"""What can be asked of batches and images that are there: cancel, try again, delete, star."""

from __future__ import annotations

from dataclasses import dataclass

from safelight.core.errors import Gone, Unknown
from safelight.database import images
from safelight.gateway.copies import Copies
from safelight.gateway.reach import Reach
from safelight.pipeline.removing import Remover
from safelight.pipeline.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Asking:
    """Every method raises `Unknown`, `Conflict` and `DatabaseAway`; then nothing has happened."""

    reach: Reach
    wishes: Wishes
    copies: Copies
    remover: Remover

    async def cancel_batch(self, id: str) -> None:
        """Cancel what is unfinished; what is stored stays."""
        await self.reach.batch(id)
        await self.wishes.cancel_batch(id)

    async def cancel_image(self, id: str) -> None:
        """Cancel one image."""
        await self.reach.image(id)
        await self.wishes.cancel_image(id)

    async def retry_batch(self, id: str) -> None:
        """Put every failed image in line again."""
        await self.reach.batch(id)
        await self.wishes.retry_batch(id)

    async def retry_image(self, id: str) -> None:
        """Put a failed image in line again."""
        await self.reach.image(id)
        await self.wishes.retry_image(id)

    async def copy_batch_again(self, id: str) -> None:
        """Have the failed copies of a batch's images tried again."""
        await self.reach.batch(id)
        await self.copies.retry_batch(id)

    async def copy_image_again(self, id: str) -> None:
        """Have the failed copies of an image tried again."""
        await self.reach.image(id)
        await self.copies.retry_image(id)

    async def delete_image(self, id: str, *, publications: bool) -> None:
        """Delete a picture, with its copies at publishers if that is wanted."""
        await self.reach.image(id)
        await self.remover.delete(id, publications=publications)

    async def star_image(self, id: str, *, starred: bool) -> None:
        """Give an image a star, or take it away; twice is as good as once.

        Raises `Gone`, too: what was deleted keeps the star it had.
        """
        await self.reach.image(id)
        done = await images.star(self.reach.database, id, starred=starred)
        if done is None:
            raise Unknown("there is no image with this id")
        if not done:
            raise Gone("this image was deleted; its index stays taken")
