"""How a text is normalised and split into words, written in the parts of Hugging Face `tokenizers` alone, so that tokenizer.json holds it.

Normalising differs by task (`TextOptions`); splitting is one rule for every language, that of `corpora.splitting`.
"""

from __future__ import annotations

from typing import Literal

from tokenizers import Regex, normalizers

from mtl_models.config.text import TextOptions
from mtl_models.corpora.splitting import PICTURE, PLACEHOLDERS, splitter

__all__ = ["PLACEHOLDERS", "normalizer", "splitter"]

# Signs below U+2300 that Unicode counts as pictographs (copyright, trademark, arrows) are not what people mean by emoji.
_EMOJI = (
    rf"[\p{{Extended_Pictographic}}&&[\x{{2300}}-\x{{10FFFF}}]][\x{{1F3FB}}-\x{{1F3FF}}]?[\x{{E0020}}-\x{{E007F}}]*"
    rf"(?:\x{{200D}}{PICTURE})*|\p{{Regional_Indicator}}{{2}}|[0-9#*]\x{{20E3}}"
)
_URL = r"""(?<![\p{L}\p{M}\p{N}])(?i:(?:https?|ftp)://|www\.)[!#-;=?-~]*[a-z0-9_~/%=&#+-]"""
_USER = r"(?<![\p{L}\p{M}\p{N}_.@])@[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*"
_NUMBER = r"(?<![\p{L}\p{M}\p{N}_])(?!(?<=<)3(?![\p{L}\p{M}\p{N}]))\p{N}+(?:[.,:/]\p{N}+)*(?![\p{L}\p{M}\p{N}_])"


def normalizer(options: TextOptions) -> normalizers.Normalizer:
    """The normalizer of one task: NFC, plain apostrophes, no variation selectors, then what `options` ask for."""
    parts: list[normalizers.Normalizer] = [
        normalizers.NFC(),
        normalizers.Replace(Regex(r"\x{FE0E}|\x{FE0F}"), ""),
        normalizers.Replace(Regex("\u2018|\u2019|\uff07"), "'"),
    ]
    parts += _replacing(_EMOJI, "<emoji>", options.emoji)
    parts += _replacing(_URL, "<url>", options.urls)
    parts += _replacing(_USER, "<user>", options.users)
    parts += _replacing(_NUMBER, "<number>", options.numbers)
    if options.lowercase:
        parts.append(normalizers.Lowercase())
    return normalizers.Sequence(parts)


def _replacing(pattern: str, placeholder: str, wish: Literal["keep", "replace", "drop"]) -> list[normalizers.Normalizer]:
    if wish == "keep":
        return []
    return [normalizers.Replace(Regex(pattern), f" {placeholder} " if wish == "replace" else " ")]
