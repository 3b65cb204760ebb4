"""The wire format of protocol buffers: numbered fields that are numbers or bytes.

Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES: Final = {_FIXED64: 8, _FIXED32: 4}
_SIGN: Final = 1 << 63
_MORE: Final = 0x80
_LAST_SHIFT: Final = 63
"""Of the tenth byte of a number; none has more."""


class Message:
    """The fields of a message by their numbers; ValueError or IndexError if it is damaged."""

    def __init__(self, data: bytes = b"") -> None:
        self._numbers: dict[int, list[int]] = defaultdict(list)
        self._parts: dict[int, list[bytes]] = defaultdict(list)
        at = 0
        while at < len(data):
            key, at = _read_varint(data, at)
            field, wire_type = divmod(key, 8)
            if wire_type == _VARINT:
                value, at = _read_varint(data, at)
                self._numbers[field].append(value)
                continue
            if wire_type == _DELIMITED:
                length, at = _read_varint(data, at)
            else:
                length = _FIXED_BYTES.get(wire_type, -1)
            if not 0 <= length <= len(data) - at:
                raise ValueError("damaged protocol buffer")
            self._parts[field].append(data[at : at + length])
            at += length

    def number(self, field: int) -> int:
        """A number; 0 if it is absent."""
        return self._numbers.get(field, [0])[-1]

    def numbers(self, field: int) -> Iterator[int]:
        """Repeated numbers, one by one or packed into bytes."""
        yield from self._numbers.get(field, ())
        for packed in self.parts(field):
            at = 0
            while at < len(packed):
                number, at = _read_varint(packed, at)
                yield number

    def parts(self, field: int) -> list[bytes]:
        """Repeated strings, bytes or encoded messages."""
        return self._parts.get(field, [])

    def messages(self, field: int) -> list[Message]:
        """Repeated messages."""
        return [Message(part) for part in self.parts(field)]


def number_field(field: int, value: int) -> bytes:
    """A number as an encoded field."""
    return encode_varint(field << 3 | _VARINT) + encode_varint(value)


def bytes_field(field: int, value: bytes) -> bytes:
    """A string, packed numbers or an encoded message as an encoded field."""
    return encode_varint(field << 3 | _DELIMITED) + encode_varint(len(value)) + value


def encode_varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement."""
    rest = value % (2 * _SIGN)
    encoded = bytearray()
    while rest >= _MORE:
        encoded.append(rest % _MORE | _MORE)
        rest //= _MORE
    encoded.append(rest)
    return bytes(encoded)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    value = shift = 0
    while data[at] >= _MORE:
        if shift > _LAST_SHIFT:
            raise ValueError("damaged protocol buffer")
        value |= data[at] % _MORE << shift
        at, shift = at + 1, shift + 7
    value |= data[at] << shift
    return value - 2 * _SIGN if value >= _SIGN else value, at + 1
