"""Kubernetes objects in YAML and JSON files: read with file and line, written for people."""

from reconcile.yamlfiles.documents import Document, Mistake, Reading, line_of, spelled, where
from reconcile.yamlfiles.files import Found, find_files, read_file, read_files, read_text
from reconcile.yamlfiles.leftout import passed_over
from reconcile.yamlfiles.write import dump

__all__ = [
    "Document",
    "Found",
    "Mistake",
    "Reading",
    "dump",
    "find_files",
    "line_of",
    "passed_over",
    "read_file",
    "read_files",
    "read_text",
    "spelled",
    "where",
]
