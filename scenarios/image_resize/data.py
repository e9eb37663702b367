"""Makes the pictures: JPEGs of the sizes that photographs of dogs tend to have, all different, all from chance."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

SIZES = ((500, 375), (375, 500), (500, 333), (400, 300), (320, 240), (640, 480))
"""Width and height in pixels."""


@lru_cache(maxsize=len(SIZES))
def _ground(size: tuple[int, int]) -> Image.Image:
    return Image.radial_gradient("L").resize(size).convert("RGB")


def picture(n: int, random: Random) -> bytes:
    """The n-th picture: some spots on a gradient. Every 1,000th is cut short, as uploads sometimes are."""
    size = random.choice(SIZES)
    image = _ground(size).copy()
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, top = random.randrange(size[0]), random.randrange(size[1])
        colour = (random.randrange(256), random.randrange(256), random.randrange(256))
        draw.ellipse((left, top, left + random.randrange(10, 120), top + random.randrange(10, 120)), fill=colour)
    file = BytesIO()
    image.save(file, "JPEG", quality=85)
    body = file.getvalue()
    return body[: len(body) // 3] if n % 1000 == 999 else body
