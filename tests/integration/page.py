#!/usr/bin/env python3
"""page.py PAGE: what .emrfs/report.html has for its reader, one member or item a line: `log {"action": "saved", ...}`.
It fails where the page is not page.html with five texts in it, its policy lets anything else run, or its data could end itself."""
import base64, hashlib, json, pathlib, re, sys

page = pathlib.Path(sys.argv[1]).read_text("utf-8")
source = (pathlib.Path(__file__).resolve().parents[2] / "fs/tell/report/page.html").read_text("utf-8")
language, *hashes, sentence, data = re.fullmatch("(.*?)".join(map(re.escape, source.split("{{}}"))), page, re.S).groups()
bodies = [re.search(f"<{tag}>(.*?)</{tag}>", page, re.S)[1] for tag in ("style", "script")]
assert hashes == [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies], hashes
assert "content=\"default-src 'none'; style-src 'sha256-{{}}'; script-src 'sha256-{{}}'; base-uri 'none';" in source, "its policy lets more than that"
assert not re.search(r"url\(|@import| src=|HTML|import|fetch|eval|\.write\b|location", source.partition("<head>")[2]), "it may load or make something"
assert re.findall(r"\w+://[^'\"]*", source) == ["http://www.w3.org/2000/svg"], "an address"
assert data.isascii() and "<" not in data, "the data may end itself"
assert re.fullmatch(r"[a-z]{2}", language) and len(sentence) > 40 and "<" not in sentence, sentence
data = json.loads(data)
for _, english in re.findall(r"(?:\bt\(|\bsay\(|(?=['\"][A-Z][a-z]))(['\"])(.+?)\1", bodies[1]):
    assert english in data["words"], f"not to be translated: {english}"
for member, value in data.items():
    for one in value if isinstance(value, list) else [value]:
        print(member, json.dumps(one, ensure_ascii=False))
