"""The objects of a JSON array, one by one: the file is never in memory as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from mtl_models.errors import CorpusError

__all__ = ["read_json_array"]

_CHUNK = 1 << 18
_LARGEST = 1 << 27
_SPACE = " \t\r\n\ufeff"
_DECODER = json.JSONDecoder()


def read_json_array(file: IO[str], name: str) -> Iterator[tuple[int, Any]]:
    """Yield (number of the element from 1, element) of the array that `file` holds."""
    return _ArrayReader(file, name).elements()


class _ArrayReader:
    """A window on the file: `text[at:]` is what has been read and not used."""

    def __init__(self, file: IO[str], name: str) -> None:
        self._file, self._name = file, name
        self._text, self._at, self._line = "", 0, 1

    def elements(self) -> Iterator[tuple[int, Any]]:
        if self._peek() != "[":
            raise self._fault("expected an array of objects: [{...}, {...}]")
        self._at += 1
        number = 0
        while self._peek() != "]":
            if number:
                if self._peek() != ",":
                    raise self._fault("expected ',' or ']' after an element")
                self._at += 1
            self._peek()
            number += 1
            yield number, self._element()
        self._at += 1
        if self._peek():
            raise self._fault("there is text after the array's end")

    def _peek(self) -> str:
        """The next character that is not space; empty at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(_CHUNK):
                return ""

    def _element(self) -> Any:
        size = _CHUNK
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # half an element looks like a broken one: look further before judging, twice as far each time
                fault = self._fault(f"not valid JSON: {error.msg}", error.pos)
                size *= 2
                if size > _LARGEST or not self._more(size):
                    raise fault from None
                continue
            except RecursionError:
                raise self._fault("the element is nested too deeply") from None
            return value

    def _more(self, size: int) -> bool:
        self._line += self._text.count("\n", 0, self._at)
        piece = self._file.read(size)
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

    def _fault(self, what: str, at: int | None = None) -> CorpusError:
        line = self._line + self._text.count("\n", 0, self._at if at is None else at)
        return CorpusError(f"{self._name}, line {line}: {what}")
