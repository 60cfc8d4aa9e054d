"""The seeded defects: each a mistake that somebody might make, and the tests that would notice it first."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """A snippet that occurs once in a file, its replacement, and what that means."""

    name: str
    file: str
    snippet: str
    replacement: str
    meaning: str
    tests: tuple[str, ...]


# A file and its tests; then for each defect its name and meaning, and the lines that change.
_TABLE = r"""
reconcile/cluster/kubernetes/client.py: tests/cluster_adapters/test_adapter_objects.py
  precondition dropped: a delete takes whatever has the name by now
-"preconditions": {"uid": uid, "resourceVersion": resource_version},
+"preconditions": {},
  precondition without version: a child that was protected since is deleted
-"preconditions": {"uid": uid, "resourceVersion": resource_version},
+"preconditions": {"uid": uid},
  delete without uid sent: the server takes an empty precondition for none
-if not uid or not resource_version:
+if False:
  404 of anybody is gone: what a proxy does not know counts as not there
-        if says_gone(ask, response):
-            return None
+        return None
  page of a proxy deletes: a web page with 200 counts as a delete that was done
-        if not is_json(response):  # somebody else has answered
+        if False:  # somebody else has answered

reconcile/cluster/kubernetes/client.py: tests/proofs/model/test_clock.py tests/cluster_adapters/test_adapter_wire.py
  local clock: ttls are counted by the clock of the laptop
-        return self._date
+        return datetime.now(UTC)

reconcile/cluster/kubernetes/pages.py: tests/cluster_adapters/test_adapter_list.py
  410 swallowed: the rest of a list that has expired counts as not there
-        raise _Expired(excerpt(response))
+        return _Page([])
  later pages dropped: a list is its first page
-    while token := page.metadata.next:
+    while token := "":
  states mixed: pages of two states make one list
-    if len(states) > 1:
+    if False:
  not UTF-8 accepted: text that is none is met later, in the middle of a plan
-if not response.content.isascii():
+if False:

reconcile/cluster/kubernetes/retry.py: tests/cluster_adapters/test_adapter_retries.py
  create sent twice: a write that may have been done is sent again
-        case httpx2.TimeoutException():
-            return repeat is Repeat.READ
+        case httpx2.TimeoutException():
+            return True

reconcile/observe.py: tests/run/test_run.py
  previews listed first: what is made between the lists looks like left over
-    settled = {one.place: one for one in previews.items if isinstance(one, Settled)}
+    results = read_at_once(
+        lambda resource: _list_kind(cluster, resource, names, namespace, before, keep),
+        resources,
+        concurrency,
+        stop,
+    )
+    lives = [live for _, found in results for live in found]
+    settled = {one.place: one for one in previews.items if isinstance(one, Settled)}

reconcile/cluster/as_if.py: tests/cluster_adapters/test_pass_requests.py tests/cluster_adapters/test_pass_lists.py
  selector in the previews' list: previews without the label look gone
-        return cluster.list(resource, namespace=namespace, read=read)
+        return cluster.list(resource, namespace=namespace, label=names.preview_label, read=read)

reconcile/run/passes.py: tests/cluster_adapters/test_pass_requests.py tests/cluster_adapters/test_pass_lists.py
  routes of others not seen: a hostname that somebody else serves is taken
-Query(kind.resource, None if kind.is_route else label, optional=kind.is_route)
+Query(kind.resource, label, optional=kind.is_route)

reconcile/plan/plan.py: tests/plan/test_plan.py
  empty-list guard too late: the refusal counts fewer children than it keeps
-    keep_while_previews_are_unknown,
-    keep_of_incomplete_kinds,
+    keep_of_incomplete_kinds,
+    keep_while_previews_are_unknown,

reconcile/plan/delete_policy.py: tests/plan/test_plan.py
  empty-list guard off: an empty list of previews deletes everything
-    elif deletes and not snapshot.previews_sent and not world.options.max_deletes.everything:
+    elif False:

reconcile/plan/delete_policy.py: tests/plan/test_plan.py tests/cluster_adapters/test_pass_lists.py
  kind not whole ignored: of a list that broke off, deletes are carried out
-for change in proposal.deletes if change.key.kind in kinds)
+for change in proposal.deletes if False)

reconcile/plan/limits.py: tests/plan/test_limits.py
  brake off by one: one preview more than the limit goes
-<= limit.of(with_children_yet):
+<= limit.of(with_children_yet) + 1:
  brake rounds up: more than the share goes
-math.floor(
+math.ceil(
  no fair share of the brake: what is lost in all namespaces alike goes in some of them
-losing_yet + losing[namespace] * len(skipped)
+losing_yet

reconcile/execute/write.py: tests/cluster_adapters/test_pass_writes.py tests/run/test_run.py
  create forced: a stranger's object that appeared since loses its fields
-change.manifest, manager=self.manager, force=False)
+change.manifest, manager=self.manager, force=True)
  200 on create ignored: an apply that was merged into a stranger's object counts as ours
-        if answer.created or not other_makers(live, self.manager):
+        if True:

reconcile/plan/ownership.py: tests/plan/test_ownership.py
  create withdrawn after all: what another run has just made, and a controller annotated, is emptied as a stranger's
-if bare or not all(map(_is_beside_the_spec, entry.fields))
+if True
  bare object of a stranger taken: a stranger's Mapping without a spec, which a create was merged into, counts as ours and is deleted later
-if bare or not all(map(_is_beside_the_spec, entry.fields))
+if not all(map(_is_beside_the_spec, entry.fields))

reconcile/execute/write.py: tests/cluster_adapters/test_pass_writes.py tests/run/test_run.py
  refused create withdrawn: what another run has just made, and somebody edited, is emptied as a stranger's
-    if unsure and live is not None
+    if live is not None
  failure told as done: an exception is swallowed, and the exit code is 0
-    return Outcome(change, result, redacted(missing_right(error, resource), *wanted, *there))
+    return Outcome(change, "done", redacted(missing_right(error, resource), *wanted, *there))
  update without version: what somebody changed since is overwritten undecided
-    guard = {"uid": live.uid, "resourceVersion": live.resource_version}
+    guard = {"uid": live.uid}

reconcile/run/run.py: tests/run/test_run.py
  dry run writes: --dry-run executes
-        if self.request.dry_run or self.request.proposed:
-            return done
  next pass that failed is success: exit 0 while something waits
-cut_short=bool(executed.trouble)
+cut_short=False

reconcile/plan/diff.py: tests/plan/test_diff.py
  field sets loosened to a subset: a field that is wanted no more stays for ever
-        fields += _dropped(child, ours - wanted_set)
  lost fields not seen: what others took over is not taken back
-_lost(child, wanted, wanted_set - ours)
+_lost(child, wanted, EMPTY)
  order of items ignored: variables that build on each other stay in the wrong order
-    fields = [*values, *_disorder(found)]
+    fields = [*values]

reconcile/plan/decide.py: tests/plan/test_decide.py
  child's deletionTimestamp ignored: an object that is being deleted is written to
-    if child.live.terminating:
-        return Waiting(key, place, "waits
+    if False:
+        return Waiting(key, place, "waits

reconcile/plan/decide.py: tests/plan/test_decide.py tests/plan/test_plan.py
  protection ignored: what says that it must stay is deleted
-    if child.protected and not ends:
+    if False:

reconcile/plan/rules.py: tests/plan/test_plan.py
  protected before its end: what is protected goes though --max-ttl has not ended
-deadline is not None and deadline.over and
+deadline is not None and
  right to protect ignored: what --allow-protect names goes with --max-ttl
-deadline.over and not self.may_protect(place)
+deadline.over

reconcile/plan/decide.py: tests/plan/test_plan.py
  limit on what is not protected: old children of previews that are gone go past the brake
-    if deadline is None or not (child.protected or child.preview_protects):
+    if deadline is None:

reconcile/execute/write.py: tests/cluster_adapters/test_pass_writes.py
  deleted meanwhile ignored: the children of a preview go as expired though it is being deleted by now
-    if terminating != change.preview_terminating or metadata
+    if metadata
  applied again ignored: what was protected goes by a count that another run has begun anew
-    if change.deadline and live.applied_at(manager) != change.live.applied_at(manager):
+    if False:

reconcile/plan/ownership.py: tests/plan/test_ownership.py
  foreign controller ignored: an object that another controller keeps is ours
-        if other.get("controller") and not names.refers_to(other, preview_name):
+        if False:
  label of another preview ignored: a copy with another preview's label is ours
-    if label not in (None, preview_name):
+    if False:
  identity ignored: a copy under another name is ours
-    if mark not in (None, identity_of(live.key, preview_name)):
+    if False:
  owner's uid not compared: the child of an earlier preview of the name is ours without a mark
-        reference.get("uid") == preview_uid and names.refers_to
+        names.refers_to

reconcile/plan/hostname_rulings.py: tests/plan/test_hostnames.py
  claims by list order: who comes first in the list gets the hostname
-        return (self.created or "~", self.preview)
+        return ("", "")
  holder not first: an older preview takes a hostname that is in use
-key=lambda claim: (claim.preview not in owners, claim.age)
+key=lambda claim: claim.age

reconcile/plan/hostname_rulings.py: tests/plan/test_hostnames.py tests/plan/test_plan.py
  record of a hostname not read: a hostname written by hand into a route takes it from its holder
-    return min(standing)[2] if standing else ""
+    return ""
  unseen routes taken for absent: a list that failed takes a hostname from its holder
-            if unseen:
+            if False:

reconcile/plan/hostname_policy.py: tests/plan/test_plan.py
  record of a hostname not told: what a status records decides nothing
-if desired.reason not in ("Expired", "Terminating") and (record := desired.hostname_record):
+if False and (record := desired.hostname_record):
  an old route keeps what another has: its author only has to keep it waiting
-    if isinstance(change, Delete):
+    if isinstance(change, Delete | Waiting):

reconcile/model/scope.py: tests/model/test_scope.py tests/plan/test_plan.py
  gone ones outside the selector: with a selector, children of other previews go
-        return not self.selector and self.has_place(namespace, name)
+        return self.has_place(namespace, name)

reconcile/plan/preview.py: tests/plan/test_plan.py
  unreadable taken for absent: a preview with a mistake in it loses its children
-    if desired is None:
+    if desired is None or desired.reason == "Invalid":

reconcile/plan/child_policy.py: tests/plan/test_plan.py
  what nobody wants is not protected: the garbage collector takes what was protected
-        return child.preview_protects
+        return False
  old route goes at once: the old route goes before the new one serves
-    if objection(there):
+    if False:
  old route goes when the new one is accepted: routers that serve it later answer 404
-    if _too_new(there, world.options):
+    if False:
  old route goes without the hostname: where the API server stores another one, no route has it any more
-    if preview.spec.fqdn not in hostnames(there):
+    if False:
  route of none not counted: one variable takes the routes of all previews
-counts=True)
+counts=False)

reconcile/model/fingerprint.py: tests/model/test_fingerprint.py
  fingerprint without the children: drift of an unchanged preview is never seen
-        found.update("\n".join(sorted(map(_version, children))).encode())
  fingerprint without the spec: a CRD that shows another spec at the same generation changes nothing
-        found.update(glance.spec)
  fingerprint without the preview: a status that was restored with a backup speaks for another preview
-        found.update(f"{glance.metadata.uid}/{glance.metadata.generation}\n".encode())
  fingerprint without the settings: an option that changed changes nothing
-_ENCODER.encode([without, templates])
+_ENCODER.encode([templates])
  fingerprint without the templates: an edit of a template changes nothing
-_ENCODER.encode([without, templates])
+_ENCODER.encode([without])
  fingerprint without the labels: a preview that a template has just selected is not changed
-        if self._labels_count:
+        if False:
  fingerprint without the program: another version makes nothing otherwise
-hashlib.sha256(program.encode() +
+hashlib.sha256(
  fingerprint without the status: a status that others wrote is believed
-_ENCODER.encode([fields, ours])
+b""
  kept awake and settled: what keeps a preview awake does not end
-        return not (protected or timed or
+        return not (protected or
  protected previews settle: a preview that was just protected is not
-        return not (protected or
+        return not (

reconcile/model/awake.py: tests/model/test_awake.py
  windows in UTC: those of Berlin open an hour late, or two
-wall.replace(tzinfo=self.zone, fold=fold)
+wall.replace(tzinfo=UTC, fold=fold)
  the hour that comes twice: what closes in it closes an hour early
-            return late if last and self._shown(late - _MINUTE) < wall else early
+            return early
  the first of two midnights: a Saturday of Havana's runs on into Sunday
-            return late if last and self._shown(late - _MINUTE) < wall else early
+            return late if last else early
  the hour that is skipped: what opens in it opens late
-        return early + _MINUTE * bisect_left(
+        return late if not last else early + _MINUTE * bisect_left(
  windows over midnight: they never open
-    return Window(days, start, end if end > start else end + _DAY, zone)
+    return Window(days, start, end, zone)

reconcile/model/sleep.py: tests/model/test_sleep.py
  asleep when nobody knows the hours: pods go because a list was refused
-    if now is None or windows is None:
-        return _as_reported(preview)
+    windows = windows or hours.awake
+    if now is None:
+        return _as_reported(preview)

reconcile/desire/desire.py: tests/run/test_asleep.py
  asleep in words alone: the status tells it, and the pods run on
-        if asleep:
+        if False:

reconcile/plan/reopen.py: tests/plan/test_reopen.py
  settled despite a route without its label: what others or the clock decide is not looked at
-        or one.place in alone
  settled despite a full namespace: what others or the clock decide is not looked at
-        or one.namespace in full
  settled despite a ttl: what others or the clock decide is not looked at
-        or (one.ttl is not None and now is not None and one.ttl.ends_soon(now))
  settled despite its awake hours: what others or the clock decide is not looked at
-        or (now is not None and _sleeps_otherwise(one, snapshot.hours, settings.names, now))
  settled despite other hours: what a namespace says is told in no status until the next edge
-    return (one.reason, one.message) != (ASLEEP, short_line(message))
+    return one.reason != ASLEEP
  settled despite another's preview: what others or the clock decide is not looked at
- | (asked & claimed)
  settled despite another's route: what others or the clock decide is not looked at
-.union(*taken)

reconcile/status/publish.py: tests/e2e/test_fingerprint.py
  fingerprints without a bound: two installations write every status in every run
-elif len(marks) < MOST_MARKED and _is_to_be_marked(
+elif _is_to_be_marked(

reconcile/status/publish.py: tests/status/test_publish.py
  status written each time: an unchanged cluster is written to
-    return wanted if not is_written(wanted, before) or _is_to_be_marked(facts, wanted, now) else None
+    return wanted

reconcile/desire/templates/merge.py: tests/desire/test_templates.py
  templates unchecked at a merge: a document takes its port away from one preview
-        for problem in problems:
+        for problem in ():
  templates unchecked with the values of a preview: an item without its key is refused on every pass
-    if mistakes := check(over, node):
+    if mistakes := []:
  fixed fields not looked for: a document takes the Service from its pods
-    return after, tuple(problems_of(child, after, settings))
+    return after, ()
  templates of everybody: a document is merged whatever its selector says
- and one.selects(labels))
+)

reconcile/desire/templates/load.py: tests/desire/test_templates.py tests/desire/test_authors.py
  authors' texts anywhere: a label names the service account
-(sentence := misplaced(path, text, template.kind, settings)):
+(sentence := ""):
  selectors of another group: a document for some previews is for all
-        elif key.rpartition("/")[2].lower() == WHEN:
+        elif False:
  schema not asked: an unknown field is a 500 for every preview
-    return laid_over(child.decoded() if child else {}, over, changes_of_fixed, settings)[1]
+    return ()

reconcile/desire/templates/authors.py: tests/desire/test_authors.py
  Secrets of authors: a preview reads the Secret that its name makes
-    if _is_of_secret(steps) and not any(
+    if False and not any(
  images of authors: a label steps an image that is not allowed
-    if _is_image(steps) and settings.allow_image and
+    if False and
  texts of authors in any field: a label chooses the node
-    return steps[-2:] in _GIVEN or ("matchLabels" in steps and (
+    return True or ("matchLabels" in steps and (
  fields of any name: the node of an author whose selector has a key secretName
-    if _FREE_MAPS.intersection(steps):
+    if False:
  commands of authors: a label chooses the program
-(steps[-1] == "command" and path[-1] > 0)
+steps[-1] == "command"
  annotations of authors: a label is the address that asks who may come in
-        return is_number(text)
+        return True
  hostnames in annotations: every preview has the same one more
-    return obeyed and
+    return False and

reconcile/desire/templates/expressions.py: tests/desire/test_templates.py
  labels of files believed: a label of a file is a command to a shell
-    return None if value is None or LABEL_VALUE.problem(value) else value
+    return value

reconcile/desire/children/deployment.py: tests/desire/test_templates.py
  templates after suspend: a suspended preview runs
-    suspended = {"replicas": 0} if preview.spec.suspend else {}
+    suspended: dict[str, Any] = {}

reconcile/plan/decide.py: tests/cli/test_templates.py
  templates of a run that has none: what they set goes from every preview
-    if not child.rules.templates and _has_templates(child):
+    if False:

reconcile/desire/children/__init__.py: tests/plan/test_further.py
  identity of further children without their preview: a turned label gives one to another preview
-    return identity(key, "" if is_built_in(key, preview_name) else preview_name)
+    return identity(key)

reconcile/desire/children/further.py: tests/plan/test_further.py tests/desire/test_further.py
  names of further children begin anyhow: pr-4 has what is of pr-42
- or name.startswith(f"{preview_name}-")
+ or name.startswith(preview_name)
  a disruption budget for all: that of one preview holds up the pods of others
-    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
+

reconcile/desire/templates/further.py: tests/desire/test_further.py
  hash of what is beside the content: each preview that is protected rolls its pods
-{k: v for k, v in child.decoded().items() if k != "metadata"}
+child.decoded()
  further workloads run while suspended: a suspended preview costs what it did
-    if preview.spec.suspend and kind in SUSPENDED:
+    if False:
  further pods of the app: its Service sends requests to a database
-    ours = {**common_labels(preview), COMPONENT_LABEL: component}
+    ours = {**common_labels(preview), COMPONENT_LABEL: "app"}
  hostnames of further routes unasked: the route of one preview takes those of another
-    if says_hostnames(template.kind) and not asks_only_for(
+    if False and not asks_only_for(
  hostnames of custom routes unclaimed: two previews have one hostname
-, at_hostname=at_hostname)
+)

reconcile/desire/templates/load.py: tests/desire/test_further.py tests/desire/test_authors.py
  own children of other previews: an author who names his preview so reads any Secret
- if other.when in ("", one.when)
+

reconcile/plan/decide.py: tests/plan/test_further.py
  claims go with their document: who removes a file loses the data of every preview
-    lost = _lost_data(change.live) if change.preview_labels is not None else ""
+    lost = ""
  claims of a StatefulSet that was read in part: its claims go with it
-    go_too = live.partial or
+    go_too =
  further children uncounted: a renamed document deletes a child of every preview
-replace(change, counts=True, preview_labels=
+replace(change, preview_labels=

reconcile/plan/decide.py: tests/execute/test_remembered.py
  labels not kept beside a delete: what a label brought back is deleted
-, preview_labels=dict(preview.labels))
+)

reconcile/plan/preview.py: tests/plan/test_further.py
  what was not read is not waited for: pods start without what comes before them, and its predecessor goes
-    if not unread or not isinstance(change, Create | Update | Delete):
+    if True:
  further children of a run without templates: they go from every preview
-    if further and not world.options.rules.templates:
+    if False:

reconcile/execute/write.py: tests/execute/test_remembered.py
  labels not read again: what a label brought back since the plan is deleted
-        if change.preview_labels is not None and change.preview_labels != (
+        if False and change.preview_labels != (

reconcile/execute/execute.py: tests/execute/test_remembered.py
  kinds not remembered ahead: what a run that was killed has made is never found
-            outcome = memory.lacks(change) or _apply(
+            outcome = _apply(
  made without a memory: what nobody can find is made all the same
-        return Outcome(change, "failed", self._trouble) if self._trouble else None
+        return None

reconcile/cluster/remember.py: tests/execute/test_remembered.py
  memory of another run overwritten: what it has made is never found
-            version, there = found["metadata"]["resourceVersion"], kinds_in(found.get("status") or {})
+            version = found["metadata"]["resourceVersion"]
  memory of another preview: one of the same name remembers what it never had
-            if found is None or found["metadata"]["uid"] != uid:
+            if found is None:

reconcile/status/kinds.py: tests/status/test_kinds.py
  kinds forgotten after a list that failed: what is left is never found
-listed is not None and listed.whole and listed.installed
+listed is not None and listed.installed
  kinds forgotten that are not served: what is in another version is never found
-listed is not None and listed.whole and listed.installed
+listed is not None and listed.whole

reconcile/status/kinds.py: tests/status/test_kinds.py tests/proofs/model/test_documents.py
  forgotten for good: what another run makes while its kind is forgotten is left for ever
-    write_all(
-        [*_made(all_desired, outcomes, snapshot), *_made_meanwhile(context, memories, snapshot)], anew=True
-    )
+    write_all([*_made(all_desired, outcomes, snapshot)], anew=True)
  made and not read again: the kind of a child is forgotten by another run while the child is made
-        if known := made.get(desired.place, set()) & kinds_in(desired.preview.status):
+        if known := set[str]():

reconcile/cluster/remember.py: tests/status/test_kinds.py
  forgotten whatever was written since: a kind that another run has just remembered is forgotten
-            forgets = frozenset()
+            pass

reconcile/observe.py: tests/cluster_adapters/test_pass_further.py
  remembered kinds unlisted: what no template makes any more stays for ever
-    return [Query(one[0], label, optional=True, remembered=one) for one in versions]
+    return list[Query]()
  settled by half: a claim that was deleted is told of for ever
- and self.asked.issuperset(map(full_kind_in, found.kinds)):
+:

reconcile/model/fingerprint.py: tests/model/test_fingerprint.py
  kinds beside the fingerprint: what another run has remembered is settled
-    return of(observed_digest, msgspec.convert({**status, **kinds}, _OwnStatus))
+    return of(observed_digest, msgspec.convert({**status}, _OwnStatus))

reconcile/cli/templates.py: tests/cli/test_templates.py
  a file without documents passed over: what it had goes from every preview
-, *problems, *_empty(reading)]
+, *problems]

reconcile/cli/runs.py: tests/cli/test_templates.py
  templates read once: an edit reaches no run of --interval
-            self.request = read_again(self.request, self.options)
"""


def _defects(table: str) -> Iterator[Defect]:
    for group in table.strip().split("\n\n"):
        head, *defects = group.split("\n  ")
        file, _, tests = head.partition(": ")
        for defect in defects:
            title, *lines = defect.split("\n")
            name, _, meaning = title.partition(": ")
            before, after = ("\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
            yield Defect(name, file, before, after, meaning, tuple(tests.split()))


DEFECTS = tuple(_defects(_TABLE))
