"""How a text is split into words: one rule for every language and every task, in a part of Hugging Face `tokenizers`, which
tokenizer.json can hold.

A token is, in this order of precedence:

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

from functools import cache

from tokenizers import Regex, pre_tokenizers

__all__ = ["PICTURE", "PLACEHOLDERS", "places_of_words", "splitter"]

PLACEHOLDERS = ("<user>", "<url>", "<number>", "<emoji>")

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_START = rf"[\p{{L}}\p{{N}}&&[^{_UNSPACED}]]"
_INNER = rf"[\p{{L}}\p{{M}}\p{{N}}&&[^{_UNSPACED}]]"
_WORD = rf"{_START}{_INNER}*(?:[\x{{200C}}\x{{200D}}]+{_INNER}+)*"
_CLITIC = rf"'(?i:s|ll|re|ve|d|m)(?!{_INNER})"
_NOT = rf"(?i:n't)(?!{_INNER})"
PICTURE = r"\p{Extended_Pictographic}[\x{1F3FB}-\x{1F3FF}]?[\x{E0020}-\x{E007F}]*"
"""An emoji with its skin tone and tags."""
_VISIBLE = r"[^\s\p{L}\p{M}\p{N}\p{Z}\p{Cc}\p{Cf}\p{Cs}]"

_TOKEN = "|".join(
    [
        rf"<(?:{'|'.join(name.strip('<>') for name in PLACEHOLDERS)})>",
        rf"{_START}{_INNER}*?(?={_NOT})",
        rf"{_WORD}(?={_CLITIC})",
        rf"(?<={_INNER}){_CLITIC}",
        rf"{_WORD}(?:'{_INNER}+)*",
        rf"[\p{{L}}\p{{N}}&&[{_UNSPACED}]]\p{{M}}*",
        rf"{PICTURE}(?:\x{{200D}}{PICTURE})*|\p{{Regional_Indicator}}{{2}}",
        rf"[:;=]'?-?(?:[)(\]\[|*\\]+|/(?!/)|[DdPp](?!{_INNER}))|<3(?!{_INNER})",
        rf"({_VISIBLE})\1{{0,2}}\p{{M}}*",
    ]
)

_PLAIN = dict.fromkeys((0x2018, 0x2019, 0xFF07), "'") | dict.fromkeys(range(0xD800, 0xE000), " ")
"""A character for a character, so that no place moves: apostrophes, which decide where a word ends, as normalising has them; and what UTF-8
cannot express."""


def splitter() -> pre_tokenizers.PreTokenizer:
    """The one rule that splits a normalised text into tokens; what no token matches (spaces, control characters) is left out."""
    return pre_tokenizers.Split(Regex(_TOKEN), behavior="removed", invert=True)


def places_of_words(text: str, way: str = "split") -> list[tuple[int, int]]:
    """Begin and end of every word of a text in characters; at the spaces, or by the rule for texts as people write them.

    Never empty: a text without a word is one word, whatever it is.
    """
    return [place for _, place in _way(way).pre_tokenize_str(text.translate(_PLAIN))] or [(0, len(text))]


@cache
def _way(name: str) -> pre_tokenizers.PreTokenizer:
    """Made once: to compile the rule takes a hundred times as long as to split a text by it."""
    return pre_tokenizers.WhitespaceSplit() if name == "spaces" else splitter()
