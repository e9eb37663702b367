"""Compressed data sets, unpacked as they are read: GZIP and ZSTD, recognised by the object's name.

A file that ends too early fails the reader: the standard library's own file object for gzip says so, the one for ZSTD
doesn't, so both are unpacked here, in pieces of bounded size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from stepsim.runtime.cloud.streamed import PieceStream
from stepsim.runtime.items_config import reader_failed

_PACKED = 1 << 16
_UNPACKED = 1 << 20
_ENDS_EARLY = "it ends before its data does"


def unpacked(stream: BinaryIO, key: str) -> BinaryIO:
    """The stream, or what is packed in it where the key ends in ``.gz``, ``.zst`` or ``.zstd``.

    Reading raises States.ItemReaderFailed for a body that isn't packed so, is damaged, or ends too early.
    """
    unpack = _UNPACKERS.get(key.rpartition(".")[2]) if "." in key else None
    if unpack is None:
        return stream
    return PieceStream(unpack(stream))  # type: ignore[return-value]  # a BinaryIO in all but name


def _gunzip(stream: BinaryIO) -> Iterator[bytes]:
    """The members of a gzip file, one after the other."""
    packed = stream.read(_PACKED)
    whole = False
    while packed:
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                piece = member.decompress(packed, _UNPACKED)
                yield piece
                packed = member.unconsumed_tail
                if not packed and not member.eof and len(piece) < _UNPACKED:
                    packed = stream.read(_PACKED)
                    if not packed:
                        raise _refused(_ENDS_EARLY)
        except zlib.error as error:
            raise _refused(str(error)) from error
        # Zeros may fill up the file behind a member.
        packed = member.unused_data.lstrip(b"\0")
        while not packed and (more := stream.read(_PACKED)):
            packed = more.lstrip(b"\0")
        whole = True
    if not whole:
        raise _refused(_ENDS_EARLY)


def _unzstd(stream: BinaryIO) -> Iterator[bytes]:
    """The frames of a ZSTD file, one after the other."""
    import zstandard  # seldom needed

    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    packed = stream.read(_PACKED)
    whole = False
    while packed:
        frame = unpacker.decompressobj()
        try:
            while not frame.eof:
                yield frame.decompress(packed)
                if not frame.eof:
                    packed = stream.read(_PACKED)
                    if not packed:
                        raise _refused(_ENDS_EARLY)
        except zstandard.ZstdError as error:
            raise _refused(str(error)) from error
        packed = frame.unused_data or stream.read(_PACKED)
        whole = True
    if not whole:
        raise _refused(_ENDS_EARLY)


_UNPACKERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {"gz": _gunzip, "zst": _unzstd, "zstd": _unzstd}


def _refused(why: str) -> Exception:
    return reader_failed(f"The file cannot be unpacked: {why}.")
