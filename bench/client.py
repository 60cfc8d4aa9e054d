"""A bare HTTP client for the control plane: nothing between the caller and the connection."""

import ssl
from pathlib import Path

import httpx2
import yaml


def bare_client(kubeconfig: Path, concurrency: int) -> httpx2.Client:
    """Answers come as the server has them: a compressed one would have to be decoded."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    return httpx2.Client(
        base_url=cluster["server"],
        verify=ssl.create_default_context(cafile=cluster["certificate-authority"]),
        headers={
            "Authorization": f"Bearer {user['token']}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        },
        limits=httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        timeout=120,
        trust_env=False,
    )
