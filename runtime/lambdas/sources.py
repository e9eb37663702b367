"""Where a function's code comes from: an archive, an object in S3, a text, or a folder of this machine.

`CreateFunction` and `UpdateFunctionCode` are seen here before moto sees them: what Lambda would refuse is refused, and
what moto does not know becomes an archive.

* ``ZipFile`` with the text of a Python module instead of an archive is ``index.py``, as CloudFormation's inline code.
* ``S3Bucket: hot-reload`` with the absolute path of a folder as ``S3Key`` is that folder, as it is whenever the
  function is invoked. It must lie below one that was allowed: else whoever reaches the endpoint could run any file.
"""

from __future__ import annotations

import ast
import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.lambdas.packages import check_package, is_package
from stepsim.runtime.lambdas.reference import Home

HOT_RELOAD = "hot-reload"
"""The bucket whose keys are folders of this machine."""

_UNHEEDED = frozenset({".git", "__pycache__", ".venv", "node_modules"})

ReadObject = Callable[[Home, str, str, str | None], bytes]
"""The body of an S3 object, by bucket, key and version. Raises ApiError with S3's own code."""


class CodeSources:
    """Prepares the code of functions for moto; remembers which of them are folders."""

    def __init__(self, read_object: ReadObject, code_folders: Sequence[Path]) -> None:
        self._read_object = read_object
        self._code_folders = [folder.resolve() for folder in code_folders]
        self._folders: dict[str, Path] = {}
        """By the digest of the archive that stands for a folder in moto."""

    def prepared(self, code: Mapping[str, Any], runtime: str | None, home: Home) -> dict[str, Any]:
        """A function's Code as moto is to get it. Raises ApiError InvalidParameterValueException.

        `runtime` is None where the call does not name one.
        """
        if code.get("S3Bucket") == HOT_RELOAD:
            return _in_place_of_s3(code, self._folder_archive(str(code.get("S3Key", ""))))
        if "ZipFile" in code:
            return {**code, "ZipFile": _archive(code["ZipFile"], runtime)}
        if "S3Bucket" in code and "S3Key" in code:
            data = self._object(code, home)
            check_package(data)
            if code.get("S3ObjectVersion"):
                # moto would take the newest version.
                return _in_place_of_s3(code, data)
        return dict(code)

    def folder(self, code_sha256: str) -> Path | None:
        """The folder that a function's code is; None where it is an archive."""
        return self._folders.get(code_sha256)

    def _folder_archive(self, key: str) -> bytes:
        path = Path(key)
        if not path.is_absolute():
            raise _refused(f"The S3Key of the bucket {HOT_RELOAD} is a folder's absolute path, and not {key!r}.")
        folder = path.resolve()
        if not any(folder.is_relative_to(allowed) for allowed in self._code_folders):
            allowed = ", ".join(map(str, self._code_folders)) or "none"
            raise _refused(
                f"The code of functions may not be read from {folder}. Name this folder, or one above it, as a code "
                f"folder when the account is started; allowed: {allowed}."
            )
        if not folder.is_dir():
            raise _refused(f"There is no folder {folder} to read the function's code from.")
        archive = _archive_of(f"{HOT_RELOAD}.txt", str(folder))
        self._folders[b64encode(hashlib.sha256(archive).digest()).decode()] = folder
        return archive

    def _object(self, code: Mapping[str, Any], home: Home) -> bytes:
        try:
            return self._read_object(home, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
        except ApiError as error:
            raise _refused(
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            ) from error


def fingerprint(folder: Path) -> str:
    """A digest that changes when any file below a folder does: by its path, size and time of change."""
    digest = hashlib.sha256()
    pending = [folder]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_dir():
                if path.name not in _UNHEEDED:
                    pending.append(path)
            elif path.is_file():
                state = path.stat()
                digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _archive(data: bytes, runtime: str | None) -> bytes:
    """The archive of a ZipFile member, which may hold a Python module's text instead."""
    if is_package(data):
        check_package(data)
        return data
    if runtime is None or runtime.startswith("python"):
        text, reason = _module_text(data)
        if text is not None:
            return _archive_of("index.py", text)
    else:
        reason = "It is no zip archive."
    raise _refused(f"Could not unzip uploaded file. Please check your file, then try to upload again. {reason}")


def _module_text(data: bytes) -> tuple[str | None, str]:
    """The text of a Python module that defines something; or None, and why it is none."""
    try:
        text = data.decode()
        tree = ast.parse(text)
    except SyntaxError as error:
        return None, f"It is no zip archive; as the text of a Python module it has an error in line {error.lineno}."
    except (UnicodeDecodeError, ValueError, RecursionError, MemoryError):
        return None, "It is neither a zip archive nor the text of a Python module."
    if any(isinstance(node, _DEFINING) for node in tree.body):
        return text, ""
    return None, "It is no zip archive; as the text of a Python module it defines no function."


_DEFINING = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)
"""What can bring a handler into a module."""


def _archive_of(name: str, text: str) -> bytes:
    """An archive of one file: the same bytes for the same text."""
    written = BytesIO()
    with ZipFile(written, "w") as archive:
        entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, text)
    return written.getvalue()


def _in_place_of_s3(code: Mapping[str, Any], archive: bytes) -> dict[str, Any]:
    others = {name: value for name, value in code.items() if name not in ("S3Bucket", "S3Key", "S3ObjectVersion")}
    return {**others, "ZipFile": archive}


def _refused(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message, extra={"Type": "User"})
