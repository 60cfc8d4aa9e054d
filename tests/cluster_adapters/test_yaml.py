"""Claims about files of manifests: what is read, which line is named, what comes back after writing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from reconcile.cluster.files.yaml import Document, Reading, dump, read_file, read_files, read_text
from tests.proofs.fuzz.fuzzing import fuzz

UNKNOWN_ALIAS = (
    "the alias has no anchor before it, or lies within its own; a text that begins with * takes quotes"
)

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def mistakes(text: str) -> list[str]:
    reading = read_text(text, "a.yaml")
    return [str(mistake) for mistake in reading.mistakes]


def the_only(reading: Reading) -> Document:
    assert reading.mistakes == ()
    (document,) = reading.documents
    return document


def value(scalar: str) -> Any:
    return the_only(read_text(f"{HEAD}data: {scalar}\n", "a.yaml")).manifest["data"]


def names(reading: Reading) -> list[str]:
    return [document.manifest["metadata"]["name"] for document in reading.documents]


def write(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        ("2024-01-02", "2024-01-02"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("0123", 83),
        ("-0123", -83),
        ("0_12", 10),
        ("089", 89),
        ("0777777777777777777777777", 777777777777777777777777.0),
        ("0x1ffffffffffffffff", "0x1ffffffffffffffff"),
        ("0o9", "0o9"),
        ("1234567e8", 123456700000000),
        ("1:30", "1:30"),
        ("1.2.3", "1.2.3"),
        ("12e4567", "12e4567"),
        ("100m", "100m"),
        ("'8080'", "8080"),
        ("!!str 8080", "8080"),
        ("! 8080", "8080"),
        ("!!timestamp 2024-01-02", "2024-01-02"),
        ("8080", 8080),
        ("+8_080", 8080),
        ("0x1F", 31),
        ("0o17", 15),
        ("-0b11", -3),
        ("18446744073709551616", 18446744073709551616),
        ("8080.0", 8080),
        ("1e3", 1000),
        ("0.5", 0.5),
        (".5", 0.5),
        ("yes", True),
        ("on", True),
        ("y", True),
        ("No", False),
        ("n", False),
        ("'yes'", "yes"),
        ("", None),
        ("~", None),
        ("null", None),
    ],
)
def test_a_scalar_is_what_kubectl_makes_of_it(scalar: str, expected: object) -> None:
    found = value(scalar)
    assert (found, type(found)) == (expected, type(expected))


LEVELS = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "data: {a: 1, b: 2, a: 3}\n",
            'a.yaml:4: the key "a" is there twice, first on line 4',
        ),
        ("data:\n  a: 1\n  1.5: 2\n", 'a.yaml:6: the key "1.5" is no text to Kubernetes: put it in quotes'),
        ("data:\n  ~: 2\n", 'a.yaml:5: the key "~" is no text to Kubernetes: put it in quotes'),
        ("data:\n  8080: 1\n  '8080': 2\n", 'a.yaml:6: the key "8080" is there twice, first on line 5'),
        ("data:\n  ? [a, b]\n  : 1\n", "a.yaml:5: the key is no text to Kubernetes: put it in quotes"),
        (
            "data:\n  a: .inf\n",
            "a.yaml:5: infinity and not-a-number have no place in a Kubernetes object",
        ),
        (
            "data: !!binary aGVsbG8=\n",
            "a.yaml:4: a tag of this kind is not understood: write the value without it",
        ),
        ("data: !x {}\n", "a.yaml:4: a tag of this kind is not understood: write the value without it"),
        ("data: !!int abc\n", "a.yaml:4: the value is not what its tag !!int says"),
        ("data: !!int yes\n", "a.yaml:4: the value is not what its tag !!int says"),
        ("data: *no\n", f"a.yaml:4: {UNKNOWN_ALIAS}"),
        ("data: &a [*a]\n", f"a.yaml:4: {UNKNOWN_ALIAS}"),
        (
            "".join(["a0: &a0 [x]\n", *LEVELS]),
            "a.yaml:11: the aliases stand for more than 4194304 values and characters",
        ),
        ("data:\n  <<: 1\n", "a.yaml:5: << takes a mapping, or a list of mappings"),
        ("data: " + "[" * 300 + "]" * 300 + "\n", "a.yaml:4: nested more than 200 levels deep"),
        (
            f"data:\n  a: &a {'[' * 150}{']' * 150}\n  b: {'[' * 60}*a{']' * 60}\n",
            "a.yaml:6: nested more than 200 levels deep",
        ),
        (
            f"data:\n  a: &a {{x: {'[' * 150}{']' * 150}}}\n  b: &b {{<<: *a}}\n  c: {'[' * 60}*b{']' * 60}\n",
            "a.yaml:7: nested more than 200 levels deep",
        ),
        ("data: {a: \n", "a.yaml:5: not YAML: while parsing a flow node, did not find expected node content"),
        ("data: a\x01b\n", "a.yaml:4: not YAML: control characters are not allowed"),
        ("data: \ud800\n", "a.yaml:1: not UTF-8: save it as UTF-8"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_costs_the_document(text: str, expected: str) -> None:
    reading = read_text(HEAD + text, "a.yaml")
    assert [str(mistake) for mistake in reading.mistakes] == [expected]
    assert reading.documents == ()


def test_a_mistake_leaves_the_other_documents_of_the_file() -> None:
    bad = HEAD + "data: {~: 2}\n"
    reading = read_text(f"{HEAD}---\n{bad}---\n{HEAD}", "a.yaml")
    assert [document.line for document in reading.documents] == [1, 10]
    assert [mistake.line for mistake in reading.mistakes] == [8]


def test_what_stands_before_a_mistake_of_syntax_is_still_read() -> None:
    reading = read_text(f"{HEAD}---\na: [\n", "a.yaml")
    assert names(reading) == ["a"]
    assert [mistake.line for mistake in reading.mistakes] == [6]


def test_anchors_and_merge_keys_are_followed_and_what_is_written_out_wins() -> None:
    text = (
        HEAD
        + "one: &one {a: 1, b: 2}\ntwo: &two {a: 9, c: 3}\ndata:\n  b: 5\n  <<: [*one, *two]\nsame: *one\n"
    )
    manifest = the_only(read_text(text, "a.yaml")).manifest
    assert manifest["data"] == {"a": 1, "b": 5, "c": 3}
    assert manifest["same"] == {"a": 1, "b": 2}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert value('{"<<": 1}') == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just text\n", ["a.yaml:1: no Kubernetes object: it has no apiVersion, kind and metadata"]),
        ("\n- 1\n", ["a.yaml:2: no Kubernetes object: it has no apiVersion, kind and metadata"]),
        ("apiVersion: v1\nmetadata: {name: a}\n", ["a.yaml:1: a document without kind"]),
        ("kind: A\nmetadata: {name: a}\n", ["a.yaml:1: a document without apiVersion"]),
        ("apiVersion: v1\nkind: A\n", ["a.yaml:1: a document without metadata.name"]),
        (
            "apiVersion: v1\nkind: A\nmetadata:\n  name: 012\n",
            ['a.yaml:4: metadata.name is no text to Kubernetes: put it in quotes: "012"'],
        ),
        (
            HEAD.replace("a}", "a,\n namespace: 1}"),
            ['a.yaml:4: metadata.namespace is no text to Kubernetes: put it in quotes: "1"'],
        ),
        (
            HEAD.replace("a}", "a,\n labels: {a: b,\n c: yes}}"),
            ['a.yaml:5: metadata.labels: the value of "c" is no text to Kubernetes: put it in quotes: "yes"'],
        ),
        (
            f"{HEAD}data: &one {{}}\n---\n" + HEAD.replace("{name: a}", "*one"),
            [f"a.yaml:8: {UNKNOWN_ALIAS}"],
        ),
        (
            "apiVersion: v1\nkind: List\nmetadata:\n  continue: abc\nitems: []\n",
            ["a.yaml:4: one page of a longer list: save the whole list"],
        ),
        (HEAD.replace("a}", "a,\n annotations: []}"), ["a.yaml:4: metadata.annotations is no mapping"]),
        (
            HEAD.replace("a}", "a,\n ownerReferences: [a]}"),
            ["a.yaml:4: metadata.ownerReferences is no list of mappings"],
        ),
    ],
)
def test_what_no_api_server_would_take_is_a_mistake(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_a_key_is_the_name_that_kubectl_makes_of_it() -> None:
    assert value("{8080: 1, 010: 2, on: 3, No: 4}") == {"8080": 1, "8": 2, "true": 3, "false": 4}


def test_a_label_without_a_value_is_empty() -> None:
    document = the_only(read_text(HEAD.replace("a}", "a, labels: {a: , b: c}}"), "a.yaml"))
    assert document.manifest["metadata"]["labels"] == {"a": "", "b": "c"}


def test_how_a_number_is_written_is_known_beside_its_value() -> None:
    document = the_only(read_text(f"{HEAD}data:\n  a: 0123\n  b: '0123'\n  c: [Yes]\n", "a.yaml"))
    found = [document.spelled(path) for path in (("data", "a"), ("data", "b"), ("data", "c", 0), ("data",))]
    assert found == ["0123", "", "Yes", ""]
    assert document.where(("data", "a")) == "a.yaml:5"


def test_empty_documents_and_null_are_ignored() -> None:
    reading = read_text(f"---\n---\n# nothing\n---\nnull\n---\n{HEAD}---\n", "a.yaml")
    assert [document.line for document in reading.documents] == [7]
    assert reading.mistakes == ()
    assert read_text("", "a.yaml") == Reading()


def test_a_list_is_its_items_each_with_its_own_line() -> None:
    text = """apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
- apiVersion: v1
  kind: Service
  metadata: {name: b}
- kind: Service
"""
    reading = read_text(text, "a.yaml")
    assert [(d.manifest["metadata"]["name"], d.line) for d in reading.documents] == [("a", 4), ("b", 7)]
    assert [str(mistake) for mistake in reading.mistakes] == [
        "a.yaml:10: a document without apiVersion",
        "a.yaml:10: a document without metadata.name",
    ]


def test_the_items_of_a_typed_list_take_their_kind_from_it() -> None:
    text = '{"kind":"DeploymentList","apiVersion":"apps/v1","items":[{"metadata":{"name":"a"}}]}'
    expected = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    assert the_only(read_text(text, "a.json")).manifest == expected


def test_an_empty_list_is_no_mistake() -> None:
    assert read_text("apiVersion: v1\nkind: List\nitems: null\n", "a.yaml") == Reading()


def test_json_is_read_with_tabs_and_with_characters_in_pairs() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "A",
        "metadata": {"name": "a"},
        "text": "\U0001f600 \\ud83d\\ude00 /",
    }
    text = json.dumps(manifest, indent="\t").replace("/", "\\/")
    assert the_only(read_text(text, "a.json")).manifest == manifest | {"apiVersion": "v1"}


def test_the_line_of_a_field_is_that_of_its_name_or_of_the_nearest_above() -> None:
    text = f"# a comment\n{HEAD}spec:\n  env:\n  - name: A\n    value:\n      from\n  fqdn:\n    Foo\n"
    document = the_only(read_text(text, "shop/a.yaml"))
    assert document.line == 2
    paths: dict[tuple[str | int, ...], int] = {
        ("spec", "fqdn"): 10,
        ("spec", "env", 0, "value"): 8,
        ("spec", "env", 0, "nothing"): 7,
        ("spec", "env", 5): 6,
        ("spec", "nothing", "deeper"): 5,
    }
    assert {path: document.where(path) for path in paths} == {
        path: f"shop/a.yaml:{line}" for path, line in paths.items()
    }


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert the_only(read_file(str(tmp_path / "a.yaml"))).line == 1


def test_what_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(HEAD.encode() + b"data: \xff\n")
    assert [str(m) for m in read_file(str(path)).mistakes] == [f"{path}:4: not UTF-8: save it as UTF-8"]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.cluster.files.yaml.files.MAX_BYTES", 1024 * 1024)
    path = tmp_path / "a.yaml"
    path.write_text(HEAD + "#" * 1024 * 1024)
    assert [str(mistake) for mistake in read_file(str(path)).mistakes] == [f"{path}: larger than 1 MiB"]


def test_a_file_that_is_not_there_is_a_mistake_and_no_exception(tmp_path: Path) -> None:
    path = tmp_path / "no.yaml"
    expected = [f"{path}: cannot be read: No such file or directory"]
    assert [str(mistake) for mistake in read_files([str(path)]).mistakes] == expected


def test_a_folder_is_its_yaml_and_json_files_in_order_without_the_hidden(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.json", "sub/.hidden/d.yaml", ".e.yaml", "f.txt", "g.yaml~"):
        write(tmp_path / name, Path(name).name[:1])
    reading = read_files([str(tmp_path)])
    assert names(reading) == ["a", "b", "c"]
    assert reading.documents[2].file == f"{tmp_path}/sub/c.json"


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "a")
    os.symlink("a.yaml", tmp_path / "b.yaml")
    assert names(read_files([str(tmp_path), str(tmp_path / "a.yaml"), f"{tmp_path}/./a.yaml"])) == ["a"]


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path / ".a.txt", "a")
    assert names(read_files([str(tmp_path / ".a.txt")])) == ["a"]


def test_standard_input_is_the_text_that_was_passed_in() -> None:
    document = the_only(read_files(["-"], stdin=HEAD))
    assert document.where() == "standard input:1"


@pytest.mark.parametrize("target", ["outside/x.yaml", "outside"])
def test_a_link_out_of_the_folder_is_a_mistake_and_not_followed(tmp_path: Path, target: str) -> None:
    write(tmp_path / "outside" / "x.yaml", "x")
    write(tmp_path / "in" / "a.yaml", "a")
    os.symlink(tmp_path / target, tmp_path / "in" / "link.yaml")
    reading = read_files([str(tmp_path / "in")])
    assert names(reading) == ["a"]
    said = "a link out of the folder is not followed: name its target instead"
    assert [str(mistake) for mistake in reading.mistakes] == [f"{tmp_path}/in/link.yaml: {said}"]


def test_a_mounted_config_map_is_read_through_its_links(tmp_path: Path) -> None:
    write(tmp_path / "..2024" / "a.yaml", "a")
    os.symlink("..2024", tmp_path / "..data")
    os.symlink("..data/a.yaml", tmp_path / "a.yaml")
    reading = read_files([str(tmp_path)])
    assert (names(reading), reading.mistakes) == (["a"], ())


def test_a_pipe_in_a_folder_is_a_mistake_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    expected = [f"{tmp_path}/a.yaml: no regular file"]
    assert [str(mistake) for mistake in read_files([str(tmp_path)]).mistakes] == expected


def test_the_name_of_a_file_puts_no_control_character_into_a_message(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.yaml").write_text("1")
    (mistake,) = read_files([str(tmp_path)]).mistakes
    assert mistake.file == f"{tmp_path}/a\ufffd[31m.yaml"


def test_an_object_is_written_in_the_order_of_kubernetes_manifests() -> None:
    manifest = {
        "spec": {"b": [{"x": "1", "z": 1}], "a": "yes"},
        "metadata": {"annotations": {"k": "0123"}, "namespace": "shop", "labels": {"l": "y"}, "name": "a"},
        "kind": "A",
        "apiVersion": "v1",
    }
    assert dump(manifest) == (
        "apiVersion: v1\n"
        "kind: A\n"
        "metadata:\n"
        "  name: a\n"
        "  namespace: shop\n"
        "  labels:\n"
        '    l: "y"\n'
        "  annotations:\n"
        '    k: "0123"\n'
        "spec:\n"
        "  b:\n"
        '  - x: "1"\n'
        "    z: 1\n"
        '  a: "yes"\n'
    )


def test_a_script_is_written_as_a_block() -> None:
    text = dump({"args": ["set -e\necho  hello: world\n"]})
    assert text == "args:\n- |\n  set -e\n  echo  hello: world\n"


def test_what_appears_twice_is_written_twice() -> None:
    shared = {"a": 1}
    assert dump({"one": shared, "two": shared}) == "one:\n  a: 1\ntwo:\n  a: 1\n"


@pytest.mark.parametrize("value", [object(), "\ud800"])
def test_what_is_no_json_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be written as YAML"):
        dump({"a": value})


AWKWARD = [
    *("yes", "y", "0123", "089", "1e3", "0x1f", "1_0", "0o7", ".5", "2024-01-01", "~", "<<", "=", "1:30"),
    *("", "---", "...", "-", "?", ":", "null", "+.inf", "- a: b #", "x" * 200, "\u2028", "\x85", "\ufeff"),
    *("a\nb", " a\nb\n\n", "\ta\n b", "a\r\nb", "\U0001f600"),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(AWKWARD)
NUMBERS = st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | TEXTS
TREES = st.recursive(SCALARS, lambda below: st.lists(below) | st.dictionaries(TEXTS, below), max_leaves=12)


def read_back(spec: dict[str, Any]) -> Any:
    manifest = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": spec}
    return the_only(read_text(dump(manifest), "a.yaml")).manifest["spec"]


def test_texts_that_yaml_may_take_for_something_else_read_back_as_they_were() -> None:
    spec = {text: text for text in AWKWARD}
    assert read_back(spec) == spec


@fuzz(spec=st.dictionaries(TEXTS, TREES, max_size=3))
def test_what_is_written_reads_back_as_it_was(spec: dict[str, Any]) -> None:
    assert read_back(spec) == spec
