"""Each name for one preview: `pr-42-redis` is a further child of pr-42, and that of a preview of this name.

A child that is there says whose it is. One that two previews would make in the same run would be whoever's
writes it last.
"""

from dataclasses import replace

from reconcile.kube.objects import Key
from reconcile.model.names import NAME_TAKEN
from reconcile.plan.changes import Create
from reconcile.plan.draft import Draft, Proposal, World


def make_each_once(proposal: Proposal, world: World) -> Proposal:
    """Of previews that would make a child of one name, the oldest makes it; of the others nothing changes."""
    made = [change.key for change in proposal.changes if isinstance(change, Create)]
    if len(made) == len(set(made)):
        return proposal
    makers: dict[Key, Draft] = {}
    ruled = dict(proposal.drafts)
    for draft in sorted(proposal.drafts.values(), key=_age):
        mine = [change.key for change in draft.changes if isinstance(change, Create)]
        if taken := [f"{key}: {makers[key].name} makes it too" for key in mine if key in makers]:
            message = f"{'; '.join(taken)}, and is older; rename the preview, or the document"
            ruled[draft.place] = draft.freeze(draft.blocked(NAME_TAKEN, message))
        else:
            makers.update(dict.fromkeys(mine, draft))
    return replace(proposal, drafts=ruled)


def _age(draft: Draft) -> tuple[str, str]:
    created = draft.desired.preview.creation_timestamp if draft.desired else None
    return created or "", draft.place
