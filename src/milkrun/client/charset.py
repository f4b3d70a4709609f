"""Bodies as text: which characters the bytes stand for. Never fails: what stands for none becomes U+FFFD."""

import codecs
import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache

# The longest first: UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf_32_le"),
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)
# Which codecs are charsets is said here, not asked of Python: it also has codecs that decompress, that take quadratic
# time (punycode) or warn (unicode_escape), and it keeps every name that it was ever asked for and does not know.
_SINGLE_BYTE = frozenset(
    """
    latin_1 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_11
    iso8859_13 iso8859_14 iso8859_15 iso8859_16 tis_620 koi8_r koi8_t koi8_u kz1048 ptcp154 hp_roman8
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp037 cp273 cp424 cp437 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864
    cp865 cp866 cp869 cp874 cp875 cp1006 cp1026 cp1125 cp1140
    mac_arabic mac_croatian mac_cyrillic mac_farsi mac_greek mac_iceland mac_latin2 mac_roman mac_romanian mac_turkish
    """.split()  # noqa: SIM905  # as literals they would fill a page each
)
_MULTI_BYTE = frozenset(
    """
    utf_16_le utf_16_be utf_32_le utf_32_be big5 big5hkscs cp932 cp949 cp950 gb2312 gbk gb18030 hz johab
    euc_jp euc_jis_2004 euc_jisx0213 euc_kr shift_jis shift_jis_2004 shift_jisx0213
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
    """.split()  # noqa: SIM905  # as literals they would fill a page each
)
# Without a mark these names leave the order of bytes open; the least significant comes first in what is out there.
_UNORDERED = {"utf_16": "utf_16_le", "utf_32": "utf_32_le"}
_MAX_NAME = 40
# Possessive throughout: what a field is made of must not decide how long it takes to read it.
_PARAMETER = re.compile(r';[ \t]*+([^;=\s"]*+)[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"|[^;]*+)')


def text(body: bytes, content_type: str) -> str:
    """The body as the characters that it stands for.

    A byte order mark says which charset it is, or else the charset parameter (RFC 9110 8.3.1), or else it is UTF-8:
    for JSON by RFC 8259 8.1, for the rest because nearly all is. So is what names a charset that is unknown.

    Args:
        body: the bytes, content codings undone.
        content_type: the value of the Content-Type field, or "".
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    codec = _codec(content_type)
    if codec in _SINGLE_BYTE:
        return codecs.charmap_decode(body, "strict", _table(codec))[0]
    return body.decode(codec, "replace")


@lru_cache(maxsize=128)
def _codec(content_type: str) -> str:
    for name, value in _PARAMETER.findall(content_type):
        if name.lower() == "charset":
            return _known(_unquoted(value.strip()))
    return "utf_8"


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value  # RFC 9110 5.6.4


def _known(charset: str) -> str:
    if len(charset) > _MAX_NAME:
        return "utf_8"
    name = normalize_encoding(charset.lower()).removeprefix("x_")  # x-sjis, from before it was registered
    name = aliases.get(name, name)
    name = _UNORDERED.get(name, name)
    return name if name in _SINGLE_BYTE or name in _MULTI_BYTE else "utf_8"


@lru_cache(maxsize=len(_SINGLE_BYTE))
def _table(codec: str) -> str:
    # One character for each byte, with U+FFFD in the gaps. The codec itself would ask its error handler about each
    # byte that is in a gap: three seconds for ten megabytes of them, when with a table it is fifteen milliseconds.
    return bytes(range(256)).decode(codec, "replace")
