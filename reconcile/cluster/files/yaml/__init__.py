"""Kubernetes objects in YAML and JSON files: read with file and line, written for people."""

from reconcile.cluster.files.yaml.dump import dump
from reconcile.cluster.files.yaml.files import STDIN, Found, find_files, read_file, read_files, read_text
from reconcile.cluster.files.yaml.leftout import passed_over
from reconcile.cluster.files.yaml.objects import Document, Mistake, Reading

__all__ = [
    "STDIN",
    "Document",
    "Found",
    "Mistake",
    "Reading",
    "dump",
    "find_files",
    "passed_over",
    "read_file",
    "read_files",
    "read_text",
]
