"""Text from outside is data: what it shows must not move a terminal, a page or a YAML file."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 60
"""Characters of a value that are quoted."""
_CONTROLS: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""All but tabulator and newline (category Cc of Unicode)."""
_SEPARATORS: Final = "\u2028\u2029"
"""End lines in YAML, JSON of old and some terminals."""
_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that change the order in which text is shown (Unicode annex 9)."""
_SURROGATES: Final = "\ud800-\udfff\ufffe\uffff"
"""No characters: halves of pairs, bytes of file names that are no UTF-8, and what no YAML takes."""
_UNSEEN: Final = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_BIDI}{_SURROGATES}]")
_LONGEST_WORD: Final = 160
"""Characters; paths are that long."""
_LONG: Final = re.compile(rf"(?<!\w)'[^']{{{LONGEST},}}'(?!\w)|\S{{{_LONGEST_WORD},}}")
_BREAKS: Final = re.compile("[\t\n]")


def visible(text: str) -> str:
    r"""The text with `\x1b` and the like in place of what acts instead of being seen."""
    return _UNSEEN.sub(_escaped, text)


def one_line(text: str) -> str:
    """The same without tabulators and newlines: for comments, titles and sentences."""
    return _BREAKS.sub(_escaped, visible(text))


def is_visible(text: str) -> bool:
    """Whether `visible` leaves the text as it is."""
    return _UNSEEN.search(text) is None


def quoted(value: object) -> str:
    """A value as the `got` of a sentence: in quotes, without its middle if that is long."""
    return short(repr(value))


def short(text: str) -> str:
    """A text without its middle if that is long."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}...{text[-half:]}"


def brief(sentence: str) -> str:
    """A sentence in which what is quoted, and what is one word, is short: nobody reads the rest."""
    return _LONG.sub(lambda match: short(match[0]), sentence)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "backslashreplace").decode()
