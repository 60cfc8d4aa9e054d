"""Long text, cut for people, who are told how long it was."""


def cut(text: str, longest: int) -> str:
    """The text, or its first `longest` characters and how many there are."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
