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
from tests.e2e.policies import ADMISSION, in_namespace, rule
from tests.e2e.story import Story
from tests.e2e.strangers import stranger

NAME = "check.example.com"


@dataclass
class Webhook:
    """`codes` is what it denies each name with, 0 for an answer that is none; others with 403."""

    codes: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, review: dict[str, dict[str, str]]) -> bytes:
        name = review["request"]["name"]
        self.asked.append(name)
        code = self.codes.get(name, 403)
        status = {"code": code, "message": "not on a Sunday"}
        response = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        return json.dumps(body).encode() if code else b"it is down"


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
    story.ask("POST", path, _configuration(story, server.server_address[1], made.trusted))
    try:
        eventually(lambda: _is_asked(story), "the webhook is asked")
        yield hook
    finally:
        story.ask("DELETE", f"{path}/{story.namespace}")
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(story: Story, port: int, trusted: Path) -> dict[str, object]:
    authority = base64.b64encode(trusted.read_bytes()).decode()
    hook = {
        "name": NAME,
        "rules": [rule(["CREATE"])],
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": authority},
        "namespaceSelector": in_namespace(story),
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {"metadata": {"name": story.namespace}, "webhooks": [hook]}


def _is_asked(story: Story) -> bool:
    try:
        story.ask("POST", f"{story.path_of('Deployment')}?dryRun=All", stranger("Deployment", "probe"))
    except AskFailed as error:
        return NAME in str(error)
    return False
