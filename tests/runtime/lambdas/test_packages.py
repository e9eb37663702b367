"""runtime/lambdas/packages.py: nothing of a package comes to lie outside its folder."""

from __future__ import annotations

import stat
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from stepsim.runtime.cloud.call import ApiError
from stepsim.runtime.lambdas import packages
from stepsim.runtime.lambdas.packages import Packages, check_package


def package(*entries: tuple[str | ZipInfo, bytes]) -> bytes:
    """An archive."""
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return written.getvalue()


def link(name: str) -> ZipInfo:
    """An entry that is a symbolic link."""
    entry = ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_a_package_is_unpacked_once() -> None:
    """Its files stand where it says; programs may be executed. Closing removes everything."""
    program = ZipInfo("bin/tool")
    program.external_attr = 0o100755 << 16
    data = package(("index.py", b"x = 1\n"), ("package/module.py", b""), (program, b"#!/bin/sh\n"))
    unpacked = Packages()
    folder = unpacked.folder(data, "digest")
    assert unpacked.folder(data, "digest") is folder
    assert unpacked.folder(data, "other") != folder
    assert (folder / "index.py").read_text() == "x = 1\n"
    assert (folder / "package" / "module.py").is_file()
    assert (folder / "bin" / "tool").stat().st_mode & 0o111
    unpacked.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Could not unzip uploaded file."),
        (b"PK\x03\x04 no archive", "Could not unzip uploaded file."),
        (package(("../outside.py", b"")), "'../outside.py' leads out of the package"),
        (package(("a/../../outside.py", b"")), "leads out of the package"),
        (package(("/etc/passwd", b"")), "'/etc/passwd' leads out of the package"),
        (package(("..\\outside.py", b"")), "leads out of the package"),
        (package(("C:\\outside.py", b"")), "leads out of the package"),
        (package((link("way"), b"/etc")), "'way' is a link or a device, and no file"),
    ],
)
def test_what_is_no_package_is_refused(data: bytes, reason: str) -> None:
    """Before anything is written; and when it comes to be unpacked all the same."""
    with pytest.raises(ApiError) as refused:
        check_package(data)
    assert refused.value.code == "InvalidParameterValueException"
    assert reason in refused.value.message
    unpacked = Packages()
    with pytest.raises(ApiError) as failed:
        unpacked.folder(data, "digest")
    assert failed.value.code == "InvalidZipFileException"
    unpacked.close()


def test_a_bomb_is_refused_by_what_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    """And an entry yields no more than it declares."""
    monkeypatch.setattr(packages, "UNZIPPED_BYTES_MAX", 10_000)
    check_package(package(("small", bytes(9_999))))
    with pytest.raises(ApiError, match="Unzipped size must be smaller than 10000 bytes"):
        check_package(package(("one", bytes(5_000)), ("two", bytes(5_000))))


def test_an_entry_that_lies_about_its_size_is_not_unpacked(tmp_path: Path) -> None:
    """Its checksum is that of more than it declares."""
    data = bytearray(package(("bomb", bytes(100_000))))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        place = data.index(mark) + (22 if mark == b"PK\x03\x04" else 24)
        data[place : place + 4] = (10).to_bytes(4, "little")
    check_package(bytes(data))
    unpacked = Packages()
    with pytest.raises(ApiError, match="Lambda could not unzip the deployment package"):
        unpacked.folder(bytes(data), "digest")
    unpacked.close()
