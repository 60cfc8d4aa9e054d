"""An admission webhook of a test: it says to every Deployment of one namespace what the test wants."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.cluster_adapters.authorities import TAKEN, make
from tests.controlplane import AskFailed, eventually
from tests.e2e.story import Story
from tests.e2e.strangers import stranger
from tests.e2e.test_admission import ADMISSION

NAME = "check.example.com"


@dataclass
class Webhook:
    """`code` is what it denies with; 0 for an answer that is none."""

    code: int = 403
    asked: list[str] = field(default_factory=list)

    def answer(self, review: dict[str, dict[str, str]]) -> bytes:
        self.asked.append(review["request"]["name"])
        status = {"code": self.code, "message": "not on a Sunday"}
        response = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        return json.dumps(body).encode() if self.code else b"it is down"


@contextmanager
def webhook(story: Story, folder: Path) -> Iterator[Webhook]:
    """The API server asks it about each new Deployment of the namespace, until the block ends."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = hook.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = make(TAKEN[0], folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.chain, made.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    path = f"{ADMISSION}/validatingwebhookconfigurations"
    story.ask("POST", path, _configuration(story.namespace, server.server_address[1], made.trusted))
    try:
        eventually(lambda: _is_asked(story), "the webhook is asked")
        yield hook
    finally:
        story.ask("DELETE", f"{path}/{story.namespace}")
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(namespace: str, port: int, trusted: Path) -> dict[str, object]:
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["deployments"],
    }
    authority = base64.b64encode(trusted.read_bytes()).decode()
    hook = {
        "name": NAME,
        "rules": [rule],
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": authority},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {"metadata": {"name": namespace}, "webhooks": [hook]}


def _is_asked(story: Story) -> bool:
    try:
        story.ask("POST", f"{story.path_of('Deployment')}?dryRun=All", stranger("Deployment", "probe"))
    except AskFailed as error:
        return NAME in str(error)
    return False
