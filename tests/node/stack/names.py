"""Names of Services for pods, which the node by itself does not have: `pr-1-redis`, as CoreDNS would answer it.

python -m tests.node.stack.names FOLDER        inside the node, until it ends
"""

import subprocess
import sys
from pathlib import Path

ADDRESS, PORT = "10.88.0.1", 5353
RULES = f"""
table ip names {{
  chain prerouting {{
    type nat hook prerouting priority dstnat - 10
    ip saddr 10.244.0.0/16 udp dport 53 dnat to {ADDRESS}:{PORT}
  }}
}}
"""


def main(folder: Path) -> None:
    """Write each Service with an address into a folder, of which dnsmasq answers the pods."""
    folder.mkdir(parents=True, exist_ok=True)
    dnsmasq = (
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--no-resolv",
        "--pid-file=",
        "--user=root",
    )
    answers = (f"--hostsdir={folder}", "--local=/cluster.local/", "--address=/preview.test/10.88.0.1")
    subprocess.Popen(
        [
            *dnsmasq,
            "--bind-interfaces",
            f"--listen-address={ADDRESS}",
            f"--port={PORT}",
            "--log-facility=-",
            *answers,
        ]
    )
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
    columns = "custom-columns=:.spec.clusterIP,:.metadata.name,:.metadata.namespace"
    watch = ["kubectl", "get", "services", "-A", "--watch", "--no-headers", "-o", columns]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as services:
        for line in services.stdout or ():
            address, name, namespace = line.split()
            (folder / f"{namespace}.{name}").write_text(f"{address} {name}.{namespace}.svc.cluster.local\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
