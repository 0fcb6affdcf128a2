#!/usr/bin/env python3
"""page.py PAGE: what .emrfs/report.html has for its reader, one member or item a line: `log {"action": "saved", ...}`.
It fails where the page is not what it promises: no address outside the folder, nothing that runs but its own script, data that cannot end itself."""
import base64
import hashlib
import html.parser
import json
import re
import sys

TAGS = set("html head meta title style body main p script".split())


class Page(html.parser.HTMLParser):
    scripts, metas, now, text = [], [], "", {}

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, tag
        for name, value in attributes:
            assert name in ("lang", "charset", "http-equiv", "content", "name", "type", "id"), (tag, name)
            assert "//" not in value, value
        self.now = tag if tag != "script" or attributes else "own script"
        self.text.setdefault(self.now, []).append("")
        self.metas += [attributes] if tag == "meta" else []

    def handle_data(self, data):
        if self.now:
            self.text[self.now][-1] += data

    def handle_endtag(self, tag):
        self.now = ""


text = open(sys.argv[1], "rb").read().decode()
page = Page()
page.feed(text)
policy = next(dict(m)["content"] for m in page.metas if dict(m).get("http-equiv") == "Content-Security-Policy")
style, script, data = (page.text[kind] for kind in ("style", "own script", "script"))
assert len(style) == len(script) == len(data) == 1 and text.count("<script") == 2, "more than one of a kind"
for kind, body in (("style-src", style[0]), ("script-src", script[0])):
    assert f"{kind} 'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}';" in policy, policy
assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "*" not in policy, policy
assert not re.search(r"url\(|@import", style[0]) and not re.search(r"HTML|import|fetch|eval|\.write\b|location|\bon\w+ ?=", script[0]), "the page may load or make something"
assert [a for a in re.findall(r"https?:[^'\"]*", text.replace(data[0], ""))] == ["http://www.w3.org/2000/svg"], "an address"
assert data[0].isascii() and "<" not in data[0], "the data may end itself"
assert len(page.text["p"][0]) > 40, "no word for who runs no script"
data = json.loads(data[0])
for english in re.findall(r"\b(?:t|say|section)\((['\"])(.+?)\1", script[0]):
    assert english[1] in data["words"], f"not to be translated: {english[1]}"
for member, value in data.items():
    for one in value if isinstance(value, list) else [value]:
        print(member, json.dumps(one, ensure_ascii=False))
