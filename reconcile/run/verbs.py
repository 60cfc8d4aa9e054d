"""Words that somebody types for a verb where a NAME is taken, and what does what they mean."""

from reconcile.model.names import PLURAL

# https://kubernetes.io/docs/reference/kubectl/: what is done to previews, with files, and to what runs pods.
_OF_PREVIEWS = frozenset({"annotate", "delete", "describe", "edit", "get", "label", "patch"})
_OF_FILES = frozenset({"apply", "create", "replace"})
_OF_PODS = frozenset(
    {
        *("attach", "autoscale", "debug", "exec", "expose", "logs", "port-forward", "rollout"),
        *("run", "scale", "set", "top"),
    }
)
_OF_OURS = {
    "explain": "--explain NAME",
    "diff": "--dry-run NAME",
    "plan": "--dry-run NAME",
    "wait": "--wait NAME",
    "version": "--version",
    "help": "--help",
}


def instead_of_verb(word: str, group: str) -> str:
    """Return what to type in place of a verb; "" if the word is none."""
    if word in _OF_OURS:
        return f"pass {_OF_OURS[word]}"
    if word in _OF_FILES:
        return f"run kubectl {word} -f FILE"
    if word in _OF_PODS:
        return f"run kubectl {word} with deployment/NAME"
    return f"run kubectl {word} {PLURAL}.{group} NAME" if word in _OF_PREVIEWS else ""
