"""From the name of a branch to that of its preview; pure.

    feature/ABC-123_new.thing    feature-abc-123-new-thing-d73bf284
    pr-42                        pr-42

What is a name already stays as it is. Anything else is put into lower case, with a dash for whatever a name
cannot have, cut, and given a hash of the whole branch: two branches have two names, and one has the same one
at every push.
"""

import hashlib
import re

from reconcile.errors import UsageError
from reconcile.model import rules

LONGEST = 50
"""Of 63 that a DNS label may have: further children are called `NAME-…`."""
_HASH = 8
_FIRST = "branch"
"""Where nothing of a branch can be a name, or it begins with a digit."""


def name_of_branch(branch: str) -> str:
    """A name for the preview of a branch: a DNS-1035 label of at most 50 characters.

    UsageError for an empty one.
    """
    if not branch:
        raise UsageError("the name of a branch is empty; pass such as feature/login")
    if len(branch) <= LONGEST and not rules.NAME.problem(branch):
        return branch
    words = re.sub("[^a-z0-9]+", "-", branch.lower()).strip("-")
    stem = words if words[:1].isalpha() else "-".join(filter(None, (_FIRST, words)))
    hash_ = hashlib.sha256(branch.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{stem[: LONGEST - 1 - _HASH].rstrip('-')}-{hash_}"


def fqdn_of_branch(branch: str, domain: str) -> str:
    """The hostname of a branch's preview below a domain. UsageError where that can be none."""
    fqdn = f"{name_of_branch(branch)}.{domain.strip('.')}"
    if problem := rules.FQDN.problem(fqdn):
        raise UsageError(f"{fqdn!r} {problem}")
    return fqdn
