"""How a release that cannot be made is refused."""


class ReleaseError(Exception):
    """A problem and its remedy, for whoever makes the release."""
