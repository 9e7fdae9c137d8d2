"""ImageMagick, for formats that nothing else reads: through Wand, under the installation's own policy."""

import ctypes
import os
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar
from xml.etree.ElementTree import Element, ParseError

from mezzotint.plugin_api import Image, IsolatedDecoder, PictureRefused, PluginUnfit, check_size, need_version

_POLICY = "policy.xml"
_LOWEST = (6, 9, 11, 60)
"""ImageMagick's in Debian 12, which mends it under this number"""
Entry = dict[str, str]


class MagickDecoder(IsolatedDecoder):
    """One format of ImageMagick's, which `coder` names."""

    coder: ClassVar[str]

    @property
    @abstractmethod
    def sample(self) -> bytes:
        """A small file of the format: reading it loads what reading any other needs."""

    def prepare(self) -> None:
        try:
            import wand.image
            import wand.version
        except ImportError as problem:
            raise PluginUnfit("ImageMagick is missing (Debian's package is libmagickwand-6.q16-6)") from problem
        need_version("ImageMagick", wand.version.MAGICK_VERSION_INFO, _LOWEST)
        _check_policy()
        self.decode(self.sample, 10_000)

    def decode(self, data: bytes, max_pixels: int) -> Image:
        import pyvips
        from wand.exceptions import WandException
        from wand.image import Image as Magick

        try:
            with Magick.ping(blob=data, format=self.coder) as header:
                check_size(header.width, header.height, max_pixels)
            with Magick(blob=data, format=self.coder) as read:
                picture = read.sequence[0].clone() if len(read.sequence) > 1 else read.clone()
            with picture:
                picture.auto_orient()
                picture.transform_colorspace("srgb")
                picture.depth = 8
                alpha = bool(picture.alpha_channel)
                profile = picture.profiles.get("icc")
                width, height = picture.size
                pixels = picture.make_blob("rgba" if alpha else "rgb")
        except (WandException, ValueError, TypeError) as problem:
            raise PictureRefused(f"the {self.name} file can't be decoded") from problem
        image = pyvips.Image.new_from_memory(pixels, width, height, 4 if alpha else 3, "uchar")
        image = image.copy(interpretation="srgb")
        if profile:
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        return image


def _check_policy() -> None:
    """Raises PluginUnfit unless ImageMagick obeys the installation's policy before any other."""
    from defusedxml.ElementTree import fromstring

    folder = os.environ.get("MAGICK_CONFIGURE_PATH", "")
    try:
        root = fromstring(Path(folder, _POLICY).read_bytes())
        wanted = [] if root is None else [_entry(policy) for policy in root.iter("policy")]
    except (OSError, ParseError) as problem:
        raise PluginUnfit(f"ImageMagick's policy can't be read: {problem}") from problem
    found = _in_force()
    # It looks rights up in the order of their files; limits it shuffles as it uses them.
    rules = [entry for entry in wanted if entry["domain"] != "resource"]
    in_order = [entry for entry in found if entry["domain"] != "resource"]
    if in_order[: len(rules)] != rules or any(entry not in found for entry in wanted):
        raise PluginUnfit(f"ImageMagick does not go by {folder}/{_POLICY}")


def _entry(policy: Element) -> Entry:
    return {name: value for name, value in policy.attrib.items() if name != "stealth"} | {
        name: policy.attrib[name].lower() for name in ("domain", "rights") if name in policy.attrib
    }


def _in_force() -> list[Entry]:
    """The policies as ImageMagick lists them, file by file."""
    from wand.api import libmagick

    libc, text, size = ctypes.CDLL(None), ctypes.c_char_p(), ctypes.c_size_t()
    libc.open_memstream.restype = libmagick.AcquireExceptionInfo.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(libc.open_memstream(ctypes.byref(text), ctypes.byref(size)))
    trouble = ctypes.c_void_p(libmagick.AcquireExceptionInfo())
    libmagick.ListPolicyInfo(stream, trouble)
    libc.fclose(stream)
    entries: list[Entry] = []
    for line in (text.value or b"").decode().splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "Policy":
            entries.append({"domain": value.lower()})
        elif entries and name in ("rights", "pattern", "name", "value"):
            entries[-1][name] = value.lower() if name == "rights" else value
    return entries
