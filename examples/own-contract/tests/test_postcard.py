"""postcard adds up, and answers as its transcript says."""

from pathlib import Path

from lingpai.cli.contract import checked

CONTRACT = Path(__file__).parents[1] / "src" / "lingpai_postcard" / "postcard.py"


def test_it_adds_up_and_answers_as_its_transcript_says():
    assert [found.en for found in checked(str(CONTRACT)) if found.kind != "good"] == []
