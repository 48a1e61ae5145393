"""How a text is normalised and split into words, written in the parts of Hugging Face `tokenizers` alone, so that tokenizer.json holds it.

Normalising differs by task (`TextOptions`); splitting is one rule for every language. A token is, in this order of precedence:

- a placeholder: `<user>`, `<url>`, `<number>`, `<emoji>`;
- a word: letters, digits and combining marks, so that a Hindi or Bengali word stays whole, with the joiners (ZWJ, ZWNJ) and the
  apostrophes inside it (`o'clock`). Only the English clitics `n't 's 'll 're 've 'd 'm` are split off, as in the Penn Treebank and so in
  the published GloVe and fastText vectors, which know `do n't` but not `don't`. Hyphens split: both parts of `well-made` have vectors
  far more often than the whole;
- in scripts that write no spaces between words (Han, Hiragana, Thai, Lao, Khmer, Myanmar), one letter with its marks;
- an emoji with its skin tone, or a sequence joined by ZWJ, or a flag;
- an emoticon: `:)`, `;-(`, `<3`;
- any other visible character with its marks, repeated at most three times: `!`, `--`, `...`.
"""

from __future__ import annotations

from typing import Literal

from tokenizers import Regex, normalizers, pre_tokenizers

from mtl_models.config.text import TextOptions

__all__ = ["PLACEHOLDERS", "normalizer", "splitter"]

PLACEHOLDERS = ("<user>", "<url>", "<number>", "<emoji>")

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_START = rf"[\p{{L}}\p{{N}}&&[^{_UNSPACED}]]"
_INNER = rf"[\p{{L}}\p{{M}}\p{{N}}&&[^{_UNSPACED}]]"
_WORD = rf"{_START}{_INNER}*(?:[\x{{200C}}\x{{200D}}]+{_INNER}+)*"
_CLITIC = rf"'(?i:s|ll|re|ve|d|m)(?!{_INNER})"
_NOT = rf"(?i:n't)(?!{_INNER})"
_PICTURE = r"\p{Extended_Pictographic}[\x{1F3FB}-\x{1F3FF}]?[\x{E0020}-\x{E007F}]*"
_VISIBLE = r"[^\s\p{L}\p{M}\p{N}\p{Z}\p{Cc}\p{Cf}\p{Cs}]"

_TOKEN = "|".join(
    [
        rf"<(?:{'|'.join(name.strip('<>') for name in PLACEHOLDERS)})>",
        rf"{_START}{_INNER}*?(?={_NOT})",
        rf"{_WORD}(?={_CLITIC})",
        rf"(?<={_INNER}){_CLITIC}",
        rf"{_WORD}(?:'{_INNER}+)*",
        rf"[\p{{L}}\p{{N}}&&[{_UNSPACED}]]\p{{M}}*",
        rf"{_PICTURE}(?:\x{{200D}}{_PICTURE})*|\p{{Regional_Indicator}}{{2}}",
        rf"[:;=]'?-?(?:[)(\]\[|*\\]+|/(?!/)|[DdPp](?!{_INNER}))|<3(?!{_INNER})",
        rf"({_VISIBLE})\1{{0,2}}\p{{M}}*",
    ]
)

# Signs below U+2300 that Unicode counts as pictographs (copyright, trademark, arrows) are not what people mean by emoji.
_EMOJI = (
    rf"[\p{{Extended_Pictographic}}&&[\x{{2300}}-\x{{10FFFF}}]][\x{{1F3FB}}-\x{{1F3FF}}]?[\x{{E0020}}-\x{{E007F}}]*"
    rf"(?:\x{{200D}}{_PICTURE})*|\p{{Regional_Indicator}}{{2}}|[0-9#*]\x{{20E3}}"
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


def splitter() -> pre_tokenizers.PreTokenizer:
    """The one rule that splits a normalised text into tokens; what no token matches (spaces, control characters) is left out."""
    return pre_tokenizers.Split(Regex(_TOKEN), behavior="removed", invert=True)


def _replacing(pattern: str, placeholder: str, wish: Literal["keep", "replace", "drop"]) -> list[normalizers.Normalizer]:
    if wish == "keep":
        return []
    return [normalizers.Replace(Regex(pattern), f" {placeholder} " if wish == "replace" else " ")]
