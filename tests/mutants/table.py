"""The seeded defects: each a mistake that somebody might make, and the tests that would notice it first."""

from dataclasses import dataclass

CLIENT = "reconcile/cluster/kubernetes/client.py"
LISTING = "reconcile/cluster/kubernetes/listing.py"
RETRY = "reconcile/cluster/kubernetes/retry.py"
OBJECTS = ("tests/http/test_adapter_objects.py",)
LISTS = ("tests/http/test_adapter_list.py",)
PASSES = ("tests/http/test_pass_lists.py",)
WRITES = ("tests/http/test_pass_writes.py",)
PLANS = ("tests/unit/test_plan.py",)
RUNS = ("tests/unit/test_run.py",)


@dataclass(frozen=True)
class Defect:
    """A snippet that stands once in a file, what would stand in its place, and what that means."""

    name: str
    file: str
    snippet: str
    replacement: str
    meaning: str
    tests: tuple[str, ...]


DEFECTS = (
    Defect(
        "precondition dropped",
        CLIENT,
        '"preconditions": {"uid": uid, "resourceVersion": resource_version},',
        '"preconditions": {},',
        "a delete takes whatever has the name by now",
        OBJECTS,
    ),
    Defect(
        "precondition without version",
        CLIENT,
        '"preconditions": {"uid": uid, "resourceVersion": resource_version},',
        '"preconditions": {"uid": uid},',
        "a child that was protected since is deleted",
        OBJECTS,
    ),
    Defect(
        "delete without uid sent",
        CLIENT,
        "if not uid or not resource_version:",
        "if False:",
        "the server takes an empty precondition for none",
        OBJECTS,
    ),
    Defect(
        "404 of anybody is gone",
        CLIENT,
        "        if says_gone(ask, response):\n            return None\n",
        "        return None\n",
        "what a proxy does not know counts as not there",
        OBJECTS,
    ),
    Defect(
        "page of a proxy deletes",
        CLIENT,
        "        if not is_json(response):  # somebody else has answered",
        "        if False:  # somebody else has answered",
        "a web page with 200 counts as a delete that was done",
        OBJECTS,
    ),
    Defect(
        "local clock",
        CLIENT,
        "        return self._date\n",
        "        return datetime.now(UTC)\n",
        "ttls are counted by the clock of the laptop",
        ("tests/model/test_clock.py", "tests/http/test_adapter_wire.py"),
    ),
    Defect(
        "410 swallowed",
        LISTING,
        "        raise _Expired(excerpt(response))\n",
        "        return _Page([])\n",
        "the rest of a list that has expired counts as not there",
        LISTS,
    ),
    Defect(
        "later pages dropped",
        LISTING,
        "    while token := page.metadata.next:",
        '    while token := "":',
        "a list is its first page",
        LISTS,
    ),
    Defect(
        "states mixed",
        LISTING,
        "    if len(states) > 1:",
        "    if False:",
        "pages of two states make one list",
        LISTS,
    ),
    Defect(
        "not UTF-8 accepted",
        LISTING,
        "if not response.content.isascii():",
        "if False:",
        "text that is none is met later, in the middle of a plan",
        LISTS,
    ),
    Defect(
        "create sent twice",
        RETRY,
        "            return repeat is Repeat.READ\n",
        "            return True\n",
        "a write that may have been done is sent again",
        ("tests/http/test_adapter_retries.py",),
    ),
    Defect(
        "previews listed first",
        "reconcile/observe.py",
        "    children = {live.key: live for _, found in results for live in found}\n",
        "    results = read_at_once(\n"
        "        lambda resource: _list_kind(cluster, resource, names, namespace), resources, concurrency, stop\n"
        "    )\n"
        "    children = {live.key: live for _, found in results for live in found}\n",
        "what is made between the lists looks like left over",
        ("tests/contracts/test_request_counts.py", "tests/http/test_pass_requests.py"),
    ),
    Defect(
        "selector in the previews' list",
        "reconcile/observe.py",
        "        return cluster.list(resource, namespace=namespace, read=read)\n",
        "        return cluster.list(resource, namespace=namespace, label=names.preview_label, read=read)\n",
        "previews without the label look gone",
        ("tests/http/test_pass_requests.py", *PASSES),
    ),
    Defect(
        "routes of others not seen",
        "reconcile/observe.py",
        "label = None if is_route(resource.kind) else names.preview_label",
        "label = names.preview_label",
        "a hostname that somebody else serves is taken",
        ("tests/http/test_pass_requests.py", *PASSES),
    ),
    Defect(
        "empty-list guard off",
        "reconcile/withhold.py",
        "    if deletes and not snapshot.previews_sent and not limit.everything:",
        "    if False:",
        "an empty list of previews deletes everything",
        PLANS,
    ),
    Defect(
        "kind not whole ignored",
        "reconcile/withhold.py",
        "    return kind is not None and not kind.whole\n",
        "    return False\n",
        "of a list that broke off, deletes are carried out",
        (*PLANS, *PASSES),
    ),
    Defect(
        "brake off by one",
        "reconcile/brake.py",
        "<= limit.of(with_children_yet):",
        "<= limit.of(with_children_yet) + 1:",
        "one preview more than the limit goes",
        ("tests/unit/test_brake.py",),
    ),
    Defect(
        "brake rounds up",
        "reconcile/brake.py",
        "math.floor(",
        "math.ceil(",
        "more than the share goes",
        ("tests/unit/test_brake.py",),
    ),
    Defect(
        "no fair share of the brake",
        "reconcile/brake.py",
        "losing_yet + losing[namespace] * len(held)",
        "losing_yet",
        "what is lost in all namespaces alike goes in some of them",
        ("tests/unit/test_brake.py",),
    ),
    Defect(
        "create forced",
        "reconcile/write.py",
        "    answer = cluster.apply(change.manifest, manager=rules.names.field_manager, force=False)\n",
        "    answer = cluster.apply(change.manifest, manager=rules.names.field_manager, force=True)\n",
        "a stranger's object that appeared since loses its fields",
        (*WRITES, *RUNS),
    ),
    Defect(
        "200 on create ignored",
        "reconcile/write.py",
        "    if answer.created or not other_makers(live, rules.names):",
        "    if True:",
        "an apply that was merged into a stranger's object counts as ours",
        (*WRITES, *RUNS),
    ),
    Defect(
        "create withdrawn after all",
        "reconcile/ownership.py",
        "if bare or not all(map(_is_told_of, entry.fields))",
        "if True",
        "what another run has just made, and a controller annotated, is emptied as a stranger's",
        ("tests/unit/test_ownership.py",),
    ),
    Defect(
        "bare object of a stranger taken",
        "reconcile/ownership.py",
        "if bare or not all(map(_is_told_of, entry.fields))",
        "if not all(map(_is_told_of, entry.fields))",
        "a stranger's Mapping without a spec, which a create was merged into, counts as ours and is deleted later",
        ("tests/unit/test_ownership.py",),
    ),
    Defect(
        "refused create withdrawn",
        "reconcile/write.py",
        "    if unsure and live is not None",
        "    if live is not None",
        "what another run has just made, and somebody edited, is emptied as a stranger's",
        (*WRITES, *RUNS),
    ),
    Defect(
        "failure told as done",
        "reconcile/write.py",
        '    return Outcome(change, "failed", redacted(str(error), *wanted, *there))\n',
        '    return Outcome(change, "done", redacted(str(error), *wanted, *there))\n',
        "an exception is swallowed, and the exit code is 0",
        (*WRITES, *RUNS),
    ),
    Defect(
        "update without version",
        "reconcile/write.py",
        '        **change.manifest["metadata"],\n        "uid": live.uid,\n'
        '        "resourceVersion": live.resource_version,\n',
        '        **change.manifest["metadata"],\n        "uid": live.uid,\n',
        "what somebody changed since is overwritten undecided",
        (*WRITES, *RUNS),
    ),
    Defect(
        "dry run writes",
        "reconcile/run.py",
        "    if request.dry_run:\n        return done\n",
        "",
        "--dry-run executes",
        RUNS,
    ),
    Defect(
        "next pass that failed is success",
        "reconcile/run.py",
        "cut_short=bool(carried.trouble)",
        "cut_short=False",
        "exit 0 while something waits",
        RUNS,
    ),
    Defect(
        "field sets loosened to a subset",
        "reconcile/diff.py",
        "        fields += _dropped(live, ours - wanted_set, names)\n",
        "",
        "a field that is wanted no more stays for ever",
        ("tests/unit/test_diff.py",),
    ),
    Defect(
        "lost fields not seen",
        "reconcile/diff.py",
        "_lost(live, wanted, wanted_set - ours, names)",
        "_lost(live, wanted, EMPTY, names)",
        "what others took over is not taken back",
        ("tests/unit/test_diff.py",),
    ),
    Defect(
        "order of items ignored",
        "reconcile/diff.py",
        "    fields = [*values, *_disorder(live, (), wanted)]\n",
        "    fields = [*values]\n",
        "variables that build on each other stay in the wrong order",
        ("tests/unit/test_diff.py",),
    ),
    Defect(
        "child's deletionTimestamp ignored",
        "reconcile/decide.py",
        "    if live.going:\n        return Waiting(key, place,",
        "    if False:\n        return Waiting(key, place,",
        "an object that is being deleted is written to",
        ("tests/unit/test_decide.py",),
    ),
    Defect(
        "protection ignored",
        "reconcile/decide.py",
        "    if is_protected(live, rules.names):",
        "    if False:",
        "what says that it must stay is deleted",
        ("tests/unit/test_decide.py", *PLANS),
    ),
    Defect(
        "foreign controller ignored",
        "reconcile/ownership.py",
        "    if other := foreign_controller(live, preview_name, names):",
        "    if other := None:",
        "an object that another controller keeps is ours",
        ("tests/unit/test_ownership.py",),
    ),
    Defect(
        "label of another preview ignored",
        "reconcile/ownership.py",
        "    if label not in (None, preview_name):",
        "    if False:",
        "a copy with another preview's label is ours",
        ("tests/unit/test_ownership.py",),
    ),
    Defect(
        "identity ignored",
        "reconcile/ownership.py",
        "    if mark not in (None, live.key.identity):",
        "    if False:",
        "a copy under another name is ours",
        ("tests/unit/test_ownership.py",),
    ),
    Defect(
        "owner's uid not compared",
        "reconcile/ownership.py",
        '        reference.get("uid") == uid and is_preview_reference',
        "        is_preview_reference",
        "the child of an earlier preview of the name is ours without a mark",
        ("tests/unit/test_ownership.py",),
    ),
    Defect(
        "claims by list order",
        "reconcile/claims.py",
        '        return (self.created or "~", self.preview)\n',
        '        return ("", "")\n',
        "who comes first in the list gets the hostname",
        ("tests/unit/test_claims.py",),
    ),
    Defect(
        "holder not first",
        "reconcile/claims.py",
        "key=lambda claim: (claim.preview not in owners, claim.age)",
        "key=lambda claim: claim.age",
        "an older preview takes a hostname that is in use",
        ("tests/unit/test_claims.py",),
    ),
    Defect(
        "record of a hostname not read",
        "reconcile/claims.py",
        '    return min(standing)[1] if standing else ""\n',
        '    return ""\n',
        "a hostname written by hand into a route takes it from its holder",
        ("tests/unit/test_claims.py", *PLANS),
    ),
    Defect(
        "record of a hostname not told",
        "reconcile/contest.py",
        'if wish.verdict not in ("Expired", "Going") and (record := wish.hostname_record):',
        "if False and (record := wish.hostname_record):",
        "what a status records decides nothing",
        PLANS,
    ),
    Defect(
        "gone ones outside the selector",
        "reconcile/scope.py",
        "        return not self.selector and self.has_place(namespace, name)\n",
        "        return self.has_place(namespace, name)\n",
        "with a selector, children of other previews go",
        ("tests/unit/test_scope.py", *PLANS),
    ),
    Defect(
        "unreadable taken for absent",
        "reconcile/draft.py",
        "    if not isinstance(preview, PreviewEnvironment) or wish.verdict:\n"
        "        return frozen(wish, children, wish.verdict, wish.message)\n",
        "    if not isinstance(preview, PreviewEnvironment) or wish.verdict:\n"
        "        from reconcile.unwanted import leftovers_of\n"
        "        return Draft(wish, tuple(leftovers_of(wish.place, children, policy)), frozen=True)\n",
        "a preview with a mistake in it loses its children",
        PLANS,
    ),
    Defect(
        "what nobody wants is not protected",
        "reconcile/protection.py",
        "        return names.protects(preview.annotations)\n",
        "        return False\n",
        "the garbage collector takes what was protected",
        PLANS,
    ),
    Defect(
        "old route goes at once",
        "reconcile/unwanted.py",
        "    if not accepted(there):",
        "    if False:",
        "the old route goes before the new one serves",
        PLANS,
    ),
    Defect(
        "words anywhere are alike",
        "reconcile/alike.py",
        "word[:GRAM] in self._grams and word in self._all_between",
        "False",
        "a stranger's word that happens to be ours is not looked at",
        ("tests/unit/test_alike.py",),
    ),
    Defect(
        "owner references not looked at",
        "reconcile/alike.py",
        "        head.ownerReferences,\n",
        "",
        "a child without its owner counts as unchanged",
        ("tests/unit/test_alike.py",),
    ),
    Defect(
        "status written each time",
        "reconcile/publish.py",
        "    return None if is_written(wanted, before) else wanted\n",
        "    return wanted\n",
        "an unchanged cluster is written to",
        ("tests/unit/test_publish.py",),
    ),
)
