#!/bin/sh
# The life of three previews on a folder of manifests. Needs `reconcile` on the PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/shop" "$work/previews"
cd "$work"

say() { printf '\n# %s\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "Three previews without children: plan them."
run reconcile --from previews --to children --dry-run
say "Apply the plan."
run reconcile --from previews --to children --yes
say "A second run has nothing to do."
run reconcile --from previews --to children --yes
say "Somebody edits a child by hand, and the author of pr-41 pushes a new image."
run sed -i.bak 's/value: debug/value: trace/; s/containerPort: 8080/containerPort: 9090/' children/shop.deployment.pr-42.yaml
run sed -i.bak 's/web:pr-41/web:pr-41-2/' previews/pr-41.yaml
rm -f children/*.bak previews/*.bak
run reconcile --from previews --to children --yes
say "Pull request 43 is closed: its preview is deleted, and the next run prunes its children."
run rm previews/pr-43.yaml
run reconcile --from previews --to children --yes
say "The remaining children:"
run ls children
