"""The parts of a multipart/form-data body, as they come in: files onto the disk, short fields into memory."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import ApiError

#: Bytes of a field that is no file, and fields and files in one form.
FIELD_BYTES = 1_048_576
PARTS = 20


class Upload(NamedTuple):
    """A file that was received: the name that the caller gave it, its media type, where it lies, SHA-256."""

    name: str
    media_type: str
    path: Path
    bytes: int
    digest: str


class FileWriter:
    """A file on the disk and the hash of what is written into it."""

    def __init__(self, path: Path, name: str, media_type: str) -> None:
        """Open the file."""
        self._path, self._name, self._media_type = path, name, media_type
        self._file: BinaryIO = path.open("wb")
        self._hash = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> None:
        """Append to the file. Raises `OSError`."""
        self._file.write(data)
        self._hash.update(data)
        self._bytes += len(data)

    def close(self) -> Upload:
        """End the file."""
        self._file.close()
        return Upload(self._name, self._media_type, self._path, self._bytes, self._hash.hexdigest())

    def abandon(self) -> None:
        """Let go of the file, whether it can be ended or not."""
        with suppress(OSError):
            self._file.close()


class Form:
    """A form that is being received into `folder`: `fields` as text, `files` by the names of their fields.

    `write` raises `ApiError` (400, 413) for what is no form or too much of one, `OSError` for a full disk.
    """

    def __init__(self, boundary: bytes, folder: Path) -> None:
        """Begin with the first byte of a body."""
        self.fields: dict[str, str] = {}
        self.files: dict[str, Upload] = {}
        self._folder = folder
        self._headers: dict[bytes, bytes] = {}
        self._header = b""
        self._value = b""
        self._name = ""
        self._parts = 0
        self._ended = False
        self._field: bytearray = bytearray()
        self._file: FileWriter | None = None
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except MultipartParseError as error:
            raise _malformed(error) from None

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def write(self, data: bytes) -> None:
        """Take in the next bytes of the body."""
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise _malformed(error) from None

    def close(self) -> None:
        """End the body. Raises `ApiError` (400) for one that breaks off."""
        self.abandon()
        if not self._ended:
            raise _malformed("it breaks off before its last boundary")

    def abandon(self) -> None:
        """Let go of the file that is being written, if there is one."""
        if self._file is not None:
            self._file.abandon()

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            raise ApiError(413, "too_many_parts", f"the form has more than {PARTS} parts; send fewer")
        self._headers, self._field, self._file = {}, bytearray(), None

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise _malformed("a part has no name")
        self._name = options[b"name"].decode("utf-8", "replace")
        if self._name in self.fields or self._name in self.files:
            raise ApiError(422, "invalid_request", f"{self._name}: is sent twice; send it once")
        if b"filename" in options:
            name = Path(options[b"filename"].decode("utf-8", "replace")).name
            media_type, _ = parse_options_header(self._headers.get(b"content-type"))
            # Never under the caller's name: that is for people to read.
            self._file = FileWriter(self._folder / f"part-{self._parts}", name, media_type.decode("latin-1"))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > FIELD_BYTES:
            message = f"{self._name}: is larger than {FIELD_BYTES} bytes; send it as a file"
            raise ApiError(413, "field_too_large", message)

    def _part_end(self) -> None:
        if self._file is not None:
            self.files[self._name] = self._file.close()
            return
        try:
            self.fields[self._name] = self._field.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed(f"{self._name} is not UTF-8 at byte {error.start}") from None

    def _end(self) -> None:
        self._ended = True


def _malformed(reason: object) -> ApiError:
    return ApiError(400, "malformed_form", f"the body is not multipart/form-data: {reason}")
