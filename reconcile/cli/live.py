"""One line for each preview that is waited for, kept up to date at a terminal."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text


class LiveLines:
    """Lines on stderr that are written over; what an author wrote comes as plain text, never as markup.

    `stays` leaves the last state on the screen.
    """

    def __init__(self, *, color: bool, stays: bool) -> None:
        console = Console(stderr=True, no_color=not color, highlight=False, emoji=False, markup=False)
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=not stays,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def show(self, lines: Sequence[tuple[str, str]]) -> None:
        """The lines, harmless already, each with the name of its colour ("" for none)."""
        shown = [Text(line, style=style, no_wrap=True, overflow="ellipsis") for line, style in lines]
        self._live.update(Group(*shown), refresh=True)

    def end(self) -> None:
        """Give the terminal back."""
        self._live.stop()
