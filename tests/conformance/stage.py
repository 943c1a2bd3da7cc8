"""The stage of a transcript (`lingpai.cli.stage`), behind the application itself."""

from typing import Any

from lingpai.app import App
from lingpai.cli.stage import KEYS, basic
from lingpai.cli.stage import Stage as OwnDoor
from lingpai.composition import House

__all__ = ["KEYS", "Stage", "basic"]


class Stage(OwnDoor):
    """A stage whose requests come in as the server's do: by prefix and by host, through the application."""

    def door(self, house: House) -> Any:
        app = App(house)
        app.prepare()
        return app
