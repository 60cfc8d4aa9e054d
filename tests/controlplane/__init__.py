"""A real Kubernetes for the tests, on 127.0.0.1: started, asked and ended from here.

programs.py    one program of the control plane: started, alive, killed
kubeconfig.py  who may ask: token users, and the kubeconfig of each
starting.py    the flags of each program, and when it is ready
plane.py       all programs together, and what tests ask of them
rights.py      users of a test's own
audit.py       what the server recorded of them
install.py     the CRDs that the tests need; a whole control plane
__main__.py    the same for a person: `make cluster`, `make cluster-down`
"""

from tests.controlplane.audit import AuditEvent
from tests.controlplane.install import install_crds
from tests.controlplane.plane import AskFailed, ControlPlane, KubectlFailed, eventually
from tests.controlplane.programs import NotStarted, missing_programs
from tests.controlplane.rights import Account, account_of, allow, grant, service_account, shipped

__all__ = [
    "Account",
    "AskFailed",
    "AuditEvent",
    "ControlPlane",
    "KubectlFailed",
    "NotStarted",
    "account_of",
    "allow",
    "eventually",
    "grant",
    "install_crds",
    "missing_programs",
    "service_account",
    "shipped",
]
