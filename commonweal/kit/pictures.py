"""Pictures that people upload, drawn anew: what goes out is ours from the first byte to the last."""

from io import BytesIO
from typing import IO, NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 10_000_000
MOST_PIXELS = 50_000_000  # a file of a few kilobytes may claim to be a picture of gigabytes
LARGE, SMALL = 1200, 480


class NotAPicture(Exception):
    """It cannot be read as a picture."""


class TooLarge(Exception):
    """It holds more bytes or more pixels than any page needs."""


class Drawn(NamedTuple):
    """A picture in two sizes as JPEG, with width and height of the larger."""

    large: bytes
    small: bytes
    width: int
    height: int


def redraw(file: IO[bytes], size: int) -> Drawn:
    """Decode an upload and draw it anew, the right way up, without anything else it carried.

    Where and when a photograph was taken, previews, comments and whatever hides behind the last
    pixel stay behind. Raises ``TooLarge`` before decoding, ``NotAPicture`` for all that is none.
    """
    if size > MOST_BYTES:
        raise TooLarge
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise TooLarge
            image.draft("RGB", (2 * LARGE, 2 * LARGE))  # lets a JPEG decode at a fraction
            flat = _flat(ImageOps.exif_transpose(image))
    except TooLarge:
        raise
    except Image.DecompressionBombError:
        raise TooLarge from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, KeyError,
            IndexError, TypeError, OverflowError, MemoryError) as error:  # fmt: skip
        raise NotAPicture from error
    large = ImageOps.contain(flat, (LARGE, LARGE)) if max(flat.size) > LARGE else flat
    small = ImageOps.contain(flat, (SMALL, SMALL)) if max(flat.size) > SMALL else flat
    return Drawn(_jpeg(large), _jpeg(small), *large.size)


def _flat(image: Image.Image) -> Image.Image:
    """Return only the colours, on white where the picture was transparent."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        paper = Image.new("RGBA", clear.size, "white")
        flat = Image.alpha_composite(paper, clear).convert("RGB")
    else:
        flat = image.convert("RGB")
    flat.info.clear()  # a JPEG would hand a comment on
    return flat


def _jpeg(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=80, optimize=True, progressive=True)
    return out.getvalue()
