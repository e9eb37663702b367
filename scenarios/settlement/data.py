"""Makes a day's settlement files, the authorizations that they are matched with, and the truth about both.

File n and its authorizations are made from the same stream of chance, so both tell of the same transactions. One
programme has more than half of the volume, and the three files that no Lambda function gets through.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

FILES = 40
"""The last of which is broken."""

LARGE = (4, 16, 28)
LARGE_ROWS, SMALL_ROWS = 310_000, 1_944
PROGRAMS = tuple(f"PRG{n:05d}" for n in range(8))
FILE_DATE = "20260104"
CURRENCIES = (("840", "USD"), ("978", "EUR"), ("826", "GBP"), ("756", "CHF"))
MERCHANTS = tuple(f"{house} {kind}" for house in ("HALDEN", "TERN", "VESPER", "QUILLON") for kind in ("FUEL", "FOODS"))
ROWS_A_PIECE = 2_000


def rows_of(n: int, *, small: bool = False) -> int:
    """The transactions in file n: 1,000,000 in all, or (small) a hundredth."""
    rows = LARGE_ROWS if n in LARGE else SMALL_ROWS + (16 if n == 0 else 0)
    return rows // 100 if small else rows


def program_of(n: int) -> str:
    """Who file n is from: every fourth is the large programme's."""
    return PROGRAMS[0] if n % 4 == 0 else PROGRAMS[1 + n % 7]


def transactions(n: int, random: Random, *, small: bool = False) -> Iterator[tuple[str, int, int, int]]:
    """Each transaction of file n: its id, its cents, the index of its currency, and what else is chance."""
    for row in range(rows_of(n, small=small)):
        entropy = random.getrandbits(64)
        cents = entropy % 90_000 + 100
        yield f"{n:04d}{row:012d}", -cents if entropy >> 17 & 15 == 0 else cents, entropy >> 21 & 3, entropy >> 23


def file(n: int, random: Random, *, small: bool = False) -> Iterator[bytes]:
    """Settlement file n: a header, a line of 80 characters a transaction, a trailer."""
    header = f"H{program_of(n):<8}{FILE_DATE}{n:06d}"
    yield f"{header if n < FILES - 1 else 'GARBAGE':<80}\n".encode()
    piece: list[str] = []
    count = total = 0
    for transaction_id, cents, currency, entropy in transactions(n, random, small=small):
        sign = "D" if cents < 0 else "C"
        account = 4_000_000_000_000_000 + entropy % 10**15
        merchant = MERCHANTS[entropy & 7]
        code = CURRENCIES[currency][0]
        line = f"D{transaction_id}{account:016d}{abs(cents):012d}{sign}{code}{FILE_DATE}{merchant:<16}"
        piece.append(f"{line:<80}\n")
        count, total = count + 1, total + cents
        if len(piece) == ROWS_A_PIECE:
            yield "".join(piece).encode()
            piece.clear()
    trailer = f"T{count:09d}{total:+016d}"
    yield f"{''.join(piece)}{trailer:<80}\n".encode()


def authorizations(n: int, random: Random, *, small: bool = False) -> Iterator[bytes]:
    """What was authorized, as ``id,cents`` lines: two in a hundred are missing, one in a hundred differs."""
    piece: list[str] = []
    for transaction_id, cents, _, entropy in transactions(n, random, small=small):
        fate = entropy >> 20 & 127
        if fate > 2:
            piece.append(f"{transaction_id},{cents + 1 if fate == 3 else cents}\n")
        if len(piece) >= ROWS_A_PIECE:
            yield "".join(piece).encode()
            piece.clear()
    yield "".join(piece).encode()


def small_file(n: int, random: Random) -> Iterator[bytes]:
    """Of a day of 10,000 transactions."""
    return file(n, random, small=True)


def small_authorizations(n: int, random: Random) -> Iterator[bytes]:
    """Of the same day."""
    return authorizations(n, random, small=True)


def truth_of(n: int, random: Random, *, small: bool = False) -> dict[str, int]:
    """What file n must come to: its transactions, its cents by currency, what does not match."""
    found: dict[str, int] = {"transactions": 0, "UNMATCHED": 0, "MISMATCH": 0}
    for _, cents, currency, entropy in transactions(n, random, small=small):
        found["transactions"] += 1
        code = CURRENCIES[currency][1]
        found[code] = found.get(code, 0) + cents
        fate = entropy >> 20 & 127
        if fate < 4:
            found["MISMATCH" if fate == 3 else "UNMATCHED"] += 1
    return found
