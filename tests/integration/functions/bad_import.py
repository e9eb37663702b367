"""A module that cannot be imported."""

import no_such_library_at_all  # type: ignore[import-not-found]  # noqa: F401
