"""What a CI system has around a recipe, as programs: `python ci_stubs.py kubectl|gh|curl ARGUMENTS`.

`$STUBS` is a folder: `previews/` is what kubectl keeps, `late/` is what others apply at the same moment,
`options.json` is the operator's ConfigMap, `refusal` is the answer to an apply, if there is one, `comments.json` is
what the forge keeps, `calls` is every call, one a line. Whatever a script asks that is not known here is an error.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

STATE = Path(os.environ.get("STUBS", "."))
COMMENTS = STATE / "comments.json"
ME = 7
Call = tuple[list[str], dict[str, str]]
"""What stands alone, and the options with their values."""


def main(program: str, arguments: list[str]) -> None:
    with (STATE / "calls").open("a") as calls:
        calls.write(" ".join([program, *arguments]) + "\n")
    {"kubectl": kubectl, "gh": gh, "curl": curl}[program](arguments)


def parse(arguments: list[str], flags: set[str], valued: set[str]) -> Call:
    """The arguments of a call; an option that is not known is an error."""
    alone: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if argument in valued:
            options[argument] = next(rest)
        elif argument in flags:
            options[argument] = ""
        elif argument.startswith("-"):
            sys.exit(f"unknown option: {argument}")
        else:
            alone.append(argument)
    return alone, options


def kubectl(arguments: list[str]) -> None:
    """Apply, get and delete previews, which are files, and get the ConfigMap of the operator."""
    flags = {"--ignore-not-found", "--server-side", "--force-conflicts", "--local"}
    valued = {"--filename", "--namespace", "--output", "--type", "--patch"}
    alone, options = parse(arguments, flags, valued)
    match alone:
        case ["apply"]:
            assert "--server-side" in options, "the server quotes the patch of a client"
            if (STATE / "refusal").exists():
                sys.exit((STATE / "refusal").read_text())
            metadata = yaml.safe_load(Path(options["--filename"]).read_text())["metadata"]
            shutil.copy(options["--filename"], file_of(metadata["namespace"], metadata["name"]))
            for file in (STATE / "late").glob("*.yaml"):
                shutil.move(file, STATE / "previews")
        case ["patch"]:
            assert ("--local" in options, options["--patch"]) == (True, "{}")
            say(json.dumps(yaml.safe_load(Path(options["--filename"]).read_text())))
        case ["get", "configmap", "preview-reconcile"]:
            assert (options["--namespace"], options["--output"]) == ("preview-reconcile", "json")
            say((STATE / "options.json").read_text() if (STATE / "options.json").exists() else "")
        case ["get", name] if name.startswith("previewenvironments.platform9.com/"):
            manifest = yaml.safe_load(file_of(options["--namespace"], name.split("/")[1]).read_text())
            manifest["metadata"]["generation"] = 1
            say(json.dumps(manifest))
        case ["delete", "previewenvironments.platform9.com", name]:
            file_of(options["--namespace"], name).unlink(missing_ok="--ignore-not-found" in options)
        case _:
            sys.exit(f"unknown: kubectl {alone}")


def file_of(namespace: str, name: str) -> Path:
    return STATE / "previews" / f"{namespace}.{name}.yaml"


def gh(arguments: list[str]) -> None:
    """`gh api`: the comments of a pull request, and its deployments."""
    if not os.environ.get("GH_TOKEN"):
        sys.exit("gh: no GH_TOKEN")
    alone, options = parse(arguments, {"--silent", "--paginate"}, {"--method", "--jq", "-F", "-f"})
    match (options.get("--method", "GET"), *alone[1].split("/")):
        case ("GET", "repos", "acme", "shop", "issues", "42", "comments"):
            say("".join(json.dumps([comment]) for comment in read()))  # the pages, one after the other
        case ("POST", "repos", "acme", "shop", "issues", "42", "comments"):
            write([*read(), a_comment(body_of(options["-F"]))])
        case ("PATCH", "repos", "acme", "shop", "issues", "comments", number):
            replace(int(number), body_of(options["-F"]))
        case ("GET", "repos", "acme", "shop", "deployments"):
            assert options["-f"] == "environment=pr-42"
            told([{"id": 1}, {"id": 2}], options["--jq"])
        case ("POST", "repos", "acme", "shop", "deployments", "1" | "2", "statuses"):
            assert options["-f"] == "state=inactive"
        case unknown:
            sys.exit(f"unknown: gh {unknown}")


def curl(arguments: list[str]) -> None:
    """The notes of a merge request, and whose token it is."""
    flags = {"--fail", "--silent", "--show-error"}
    valued = {"--header", "--request", "--data-urlencode", "--output"}
    (url,), options = parse(arguments, flags, valued)
    if options["--header"] != "PRIVATE-TOKEN: a-token":
        sys.exit("curl: 401")
    path = urlsplit(url).path.removeprefix("/api/v4/").split("/")
    match (options.get("--request", "GET"), *path):
        case ("GET", "user"):
            say(json.dumps({"id": ME}))
        case ("GET", "projects", "3", "merge_requests", "42", "notes"):
            say(json.dumps(read()))
        case ("POST", "projects", "3", "merge_requests", "42", "notes"):
            write([*read(), a_comment(body_of(options["--data-urlencode"]))])
        case ("PUT", "projects", "3", "merge_requests", "42", "notes", number):
            replace(int(number), body_of(options["--data-urlencode"]))
        case unknown:
            sys.exit(f"unknown: curl {unknown}")


def told(value: Any, query: str) -> None:
    """What `gh --jq` prints: strings and numbers without quotes, one a line."""
    jq = ["jq", "-r", query]
    say(subprocess.run(jq, input=json.dumps(value), capture_output=True, text=True, check=True).stdout)


def say(text: str) -> None:
    sys.stdout.write(text)


def body_of(field: str) -> str:
    name, _, file = field.partition("@")
    assert name in ("body", "body=")
    return Path(file).read_text()


def a_comment(body: str, *, mine: bool = True) -> dict[str, Any]:
    """A comment as both forges tell it."""
    number = len(read()) + 1
    user = {"id": ME if mine else 8, "type": "Bot" if mine else "User"}
    return {"id": number, "body": body, "user": user, "author": user}


def read() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(COMMENTS.read_text()) if COMMENTS.exists() else []
    return found


def write(comments: list[dict[str, Any]]) -> None:
    COMMENTS.write_text(json.dumps(comments))


def replace(number: int, body: str) -> None:
    comments = read()
    (comment,) = (comment for comment in comments if comment["id"] == number)
    if comment["user"]["id"] != ME:
        sys.exit("403: the comment is somebody else's")
    comment["body"] = body
    write(comments)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
