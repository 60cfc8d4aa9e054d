"""Who may ask the control plane: token users, and a kubeconfig for each."""

from pathlib import Path

import yaml

# The API server reads its token file once, at its start, so all of these are there from the beginning.
# The programs have names of their own, so that the audit log tells them from a test's admin.
ADMINS = ("admin", "controller-manager", "scheduler", "kwok")


def token(user: str) -> str:
    """The bearer token of a token user; no secret, since the server listens on 127.0.0.1 alone."""
    return f"token-of-{user}"


def token_file() -> str:
    """What --token-auth-file takes: `token,user,uid,"groups"`."""
    return "".join(f'{token(user)},{user},{user},"system:masters"\n' for user in ADMINS)


def write_kubeconfig(file: Path, *, server: str, authority: Path, bearer: str) -> Path:
    """A kubeconfig with one context, named like its file; written once, since kubectl and kwok watch it."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "test", "cluster": {"server": server, "certificate-authority": str(authority)}}
        ],
        "users": [{"name": file.name, "user": {"token": bearer}}],
        "contexts": [{"name": file.name, "context": {"cluster": "test", "user": file.name}}],
        "current-context": file.name,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file
