"""The site that hugo builds in the recordings: `python hugo_site.py DIR`.

Then, in DIR: `GODEBUG=gctrace=1 GOMAXPROCS=2 GOGC=... hugo --renderToMemory --quiet`.
"""

from __future__ import annotations

import random  # noqa: TID251
import string
import sys
from pathlib import Path
from typing import Final

PAGES: Final = 1500
SINGLE: Final = """<html><head><title>{{ .Title }}</title></head><body>{{ .Content }}
{{ range first 10 (.Site.RegularPages.Related .) }}
<a href="{{ .RelPermalink }}">{{ .LinkTitle }}</a>{{ end }}
{{ with .NextInSection }}<a href="{{ .Permalink }}">{{ .Title }}</a>{{ end }}</body></html>"""
LIST: Final = """<html><body><h1>{{ .Title }}</h1>{{ range .Pages }}
<li><a href="{{ .Permalink }}">{{ .Title }}</a> {{ .Summary | plainify | truncate 120 }}</li>
{{ end }}</body></html>"""
CONFIG: Final = 'baseURL = "https://example.org/"\ntitle = "site"\n[taxonomies]\ntag = "tags"\n'


def main(folder: Path) -> None:
    """Write the site."""
    rng = random.Random(7)
    letters = string.ascii_lowercase
    words = ["".join(rng.choices(letters, k=rng.randint(3, 11))) for _ in range(4000)]
    posts, layouts = folder / "content" / "posts", folder / "layouts" / "_default"
    for needed in (posts, layouts):
        needed.mkdir(parents=True, exist_ok=True)
    for number in range(PAGES):
        (posts / f"p{number}.md").write_text(page(number, words, rng), encoding="utf-8")
    (layouts / "single.html").write_text(SINGLE, encoding="utf-8")
    (layouts / "list.html").write_text(LIST, encoding="utf-8")
    (folder / "hugo.toml").write_text(CONFIG, encoding="utf-8")


def page(number: int, words: list[str], rng: random.Random) -> str:
    """Four to fourteen sections, every third of them with a list and code."""

    def paragraph() -> str:
        return " ".join(rng.choices(words, k=rng.randint(40, 120))).capitalize() + "."

    def section(k: int) -> str:
        if k % 3:
            return paragraph()
        head = " ".join(rng.choices(words, k=4))
        code = f"```go\nfunc main() {{ println({number}) }}\n```"
        return f"## {head}\n\n{paragraph()}\n\n- {paragraph()}\n- {paragraph()}\n\n{code}"

    body = "\n\n".join(section(k) for k in range(rng.randint(4, 14)))
    tags = ", ".join(f'"{tag}"' for tag in rng.sample(words[:150], 4))
    title = " ".join(rng.choices(words, k=5))
    date = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return f'---\ntitle: "{title}"\ndate: {date}\ntags: [{tags}]\n---\n\n{body}\n'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
