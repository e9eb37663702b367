"""Bodies of generated objects: a function of the scenario, called when the object is read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from stepsim.runtime.dice import Dice
from stepsim.workers.handler import HandlerError, HandlerReference


class GeneratorError(Exception):
    """A generator of a scenario is missing, failed, or made no bytes; the message names it, and the object's n."""


def stream(dice: Dice, module: str, n: int) -> random.Random:
    """The chance that object n is made from: one for all generators of a module, so that two buckets can tell of the
    same things."""
    return random.Random(dice.integer("body", module, n))


def body_maker(reference: str, seed: int, bucket: str, base_dir: Path) -> Callable[[int], bytes | Iterator[bytes]]:
    """The function from n to the body of a bucket's n-th generated object, whole or in pieces.

    The scenario's ``function(n, random)``, named as handlers are (``data:bank_file``, relative to the scenario's
    folder), gets the `stream` of n: the body is the same whenever, and however often, it is read. Raises GeneratorError
    where it cannot be loaded; so does each call that fails or returns something else than bytes.
    """
    try:
        generate = HandlerReference.parse(reference, base_dir).load()
    except HandlerError as error:
        raise GeneratorError(f"Generator of bucket {bucket}: {error}") from error
    dice = Dice(seed)
    module = reference.rpartition(":")[0]

    def body(n: int) -> bytes | Iterator[bytes]:
        try:
            made = generate(n, stream(dice, module, n))
        except Exception as error:
            raise failed(n, error) from error
        if isinstance(made, bytes):
            return made
        if isinstance(made, Iterator):
            return pieces(made, n)
        raise refused("returned", made, n)

    def pieces(made: Iterator[object], n: int) -> Iterator[bytes]:
        try:
            for piece in made:
                if not isinstance(piece, bytes):
                    raise refused("yielded", piece, n)
                yield piece
        except GeneratorError:
            raise
        except Exception as error:
            raise failed(n, error) from error

    def failed(n: int, error: Exception) -> GeneratorError:
        what = f"{type(error).__name__}: {error}"
        return GeneratorError(f"Generator {reference} of bucket {bucket} failed for n = {n}: {what}")

    def refused(verb: str, made: object, n: int) -> GeneratorError:
        kind = type(made).__name__
        return GeneratorError(f"Generator {reference} of bucket {bucket} {verb} {kind} for n = {n}, not bytes")

    return body
