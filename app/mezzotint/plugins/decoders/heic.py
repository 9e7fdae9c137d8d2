"""HEIC, the photographs of telephones."""

from mezzotint.plugin_api import HEAD, Image, IsolatedDecoder, PictureRefused, check_size, need_version

_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_LOWEST = (1, 23)
"""libheif's"""


class HeicDecoder(IsolatedDecoder):
    """The primary picture, turned as the file says."""

    name, media_type = "heic", "image/heic"
    by_default = True
    lossy = True

    def sniff(self, head: bytes) -> bool:
        brands = head[8 : min(int.from_bytes(head[:4], "big"), HEAD)]
        found = {brands[start : start + 4] for start in range(0, len(brands), 4)}
        return head[4:8] == b"ftyp" and b"avif" not in found and not found.isdisjoint(_BRANDS)

    def prepare(self) -> None:
        import pillow_heif

        need_version("libheif", tuple(map(int, pillow_heif.libheif_version().split("."))), _LOWEST)

    def decode(self, data: bytes, max_pixels: int) -> Image:
        import pillow_heif
        import pyvips

        try:
            picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
            width, height = picture.size
            check_size(width, height, max_pixels)
            deep, bands = ";16" in picture.mode, len(picture.mode.partition(";")[0])
            row = width * bands * (2 if deep else 1)
            rows = memoryview(picture.data)
        except (ValueError, OSError, RuntimeError, EOFError, SyntaxError, IndexError) as problem:
            raise PictureRefused("the heic file can't be decoded") from problem
        whole = pyvips.Image.new_from_memory(rows, picture.stride, height, 1, "uchar")
        tight = whole.crop(0, 0, row, height).write_to_memory()
        image = pyvips.Image.new_from_memory(tight, width, height, bands, "ushort" if deep else "uchar")
        image = image.copy(interpretation=_interpretation(bands, deep=deep))
        for name, field in (("icc_profile", "icc-profile-data"), ("exif", "exif-data")):
            if picture.info.get(name):
                image.set_type(pyvips.GValue.blob_type, field, picture.info[name])
        return image


def _interpretation(bands: int, *, deep: bool) -> str:
    if bands < 3:
        return "grey16" if deep else "b-w"
    return "rgb16" if deep else "srgb"
