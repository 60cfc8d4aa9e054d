"""The cluster behind an API server, on lightkube: the only place that imports lightkube and httpx2.

Importing this costs about half a second, so only the function that connects does, when it runs.
"""

from reconcile.cluster.kubernetes.auth import Impersonation
from reconcile.cluster.kubernetes.client import KubernetesCluster
from reconcile.cluster.kubernetes.connect import connect

__all__ = ["Impersonation", "KubernetesCluster", "connect"]
