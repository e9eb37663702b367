"""Deployment packages: checked before anything is written, and unpacked into a private folder, each once.

Nothing of a package may come to lie outside its folder: absolute paths, ``..`` and links are refused, and so is what
unpacks to more than Lambda allows.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from stepsim.runtime.cloud.call import ApiError

UNZIPPED_BYTES_MAX = 262_144_000
"""What a function's code may come to, unpacked."""

_NOT_UNZIPPED = "Could not unzip uploaded file. Please check your file, then try to upload again."


def check_package(data: bytes) -> None:
    """Raise ApiError InvalidParameterValueException where the bytes are no deployment package, which says why."""
    with _opened(data) as archive:
        _check(archive)


def is_package(data: bytes) -> bool:
    """Whether the bytes are a zip archive at all."""
    return zipfile.is_zipfile(BytesIO(data))


class Packages:
    """Unpacked packages in a temporary folder of this process's own, by the digests of their bytes."""

    def __init__(self) -> None:
        self._root: TemporaryDirectory[str] | None = None
        self._folders: dict[str, Path] = {}

    def folder(self, data: bytes, digest: str) -> Path:
        """The folder with a package's files. Raises ApiError InvalidZipFileException where it cannot be unpacked."""
        folder = self._folders.get(digest)
        if folder is None:
            folder = self._new_folder()
            try:
                with _opened(data) as archive:
                    _unpack(archive, folder)
            except (ApiError, OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                reason = error.message if isinstance(error, ApiError) else error
                raise ApiError(
                    "InvalidZipFileException", f"Lambda could not unzip the deployment package: {reason}", 502
                ) from error
            self._folders[digest] = folder
        return folder

    def _new_folder(self) -> Path:
        if self._root is None:
            self._root = TemporaryDirectory(prefix="stepsim-functions-")
        folder = Path(self._root.name, f"{len(list(Path(self._root.name).iterdir())):05d}")
        folder.mkdir()
        return folder

    def close(self) -> None:
        """Remove all folders."""
        self._folders.clear()
        root, self._root = self._root, None
        if root is not None:
            root.cleanup()


def _opened(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise _refused(_NOT_UNZIPPED) from error


def _check(archive: zipfile.ZipFile) -> None:
    size = 0
    for entry in archive.infolist():
        name = entry.filename
        if _leads_out(name):
            raise _refused(f"{_NOT_UNZIPPED} The path {name!r} leads out of the package.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(f"{_NOT_UNZIPPED} {name!r} is a link or a device, and no file.")
        if entry.flag_bits & 0x1:
            raise _refused(f"{_NOT_UNZIPPED} {name!r} is encrypted.")
        size += entry.file_size
    if size >= UNZIPPED_BYTES_MAX:
        raise _refused(f"Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes")


def _leads_out(name: str) -> bool:
    """Whether a path, read as any system would, is absolute, goes up, or names nothing."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not parts or parts[0].startswith("/") or ".." in parts or ":" in parts[0]


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write a package's files. An entry never yields more bytes than it declares, so the check bounds them all."""
    _check(archive)
    for entry in archive.infolist():
        written = Path(archive.extract(entry, folder))
        mode = entry.external_attr >> 16 & 0o777
        if not entry.is_dir() and mode & 0o111:
            written.chmod(0o755)


def _refused(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message, extra={"Type": "User"})
