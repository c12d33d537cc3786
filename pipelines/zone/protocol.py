"""Messages between launcher and worker: a JSON header and an opaque payload, each length-prefixed."""

import json
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">IQ")
_LARGEST_HEADER = 256 * 1024 * 1024

NETWORKED = "networked"
"""Argument of a worker that keeps the network."""


@dataclass(frozen=True)
class Message:
    """`kind` says what it is; `body` is JSON; `payload` is bytes that are never printed."""

    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    payload: bytes | bytearray = b""

    def __repr__(self) -> str:
        return f"<Message {self.kind}>"


def send(stream: BinaryIO, message: Message) -> None:
    """Write one message and flush. Raises: BrokenPipeError: the other side is gone."""
    header = json.dumps({"kind": message.kind, "body": message.body}, separators=(",", ":")).encode()
    stream.write(_LENGTHS.pack(len(header), len(message.payload)))
    stream.write(header)
    stream.write(message.payload)
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """Read one message; None when the other side closed. Raises: EOFError: it closed in the middle."""
    prefix = stream.read(_LENGTHS.size)
    if not prefix:
        return None
    header_size, payload_size = _LENGTHS.unpack(_exactly(prefix, _LENGTHS.size))
    if header_size > _LARGEST_HEADER:
        raise EOFError
    header = json.loads(_exactly(stream.read(header_size), header_size))
    return Message(header["kind"], header["body"], _exactly(stream.read(payload_size), payload_size))


def _exactly(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise EOFError
    return content
