"""A moving picture with its program in its page, for where no widget and no site of the course lives: a slide."""

from pathlib import Path

START = """
for (const place of document.querySelectorAll(".bert-{0}:not(:has(.{0}-now))")) {{
  mount(place, JSON.parse(place.querySelector("script").textContent));
  place.querySelector("figure").hidden = true;
}}
"""


def alone(page, program):
    """The HTML `page` of a picture that `program` ("film" or "drag") moves, with that program inside."""
    code = Path(__file__).with_name(f"{program}.js").read_text(encoding="utf-8")
    return f'{page}<script type="module">{code}{START.format(program)}</script>'
